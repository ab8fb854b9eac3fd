// `coelect simulate` on files: crashes and resignations, the timeline at the end, and Ctrl-C.
#include "place.hpp"
#include "support/catch.hpp"
#include <csignal>
#include <regex>
#include <sstream>

using namespace coelect::test;
namespace fs = std::filesystem;

namespace {

words simulation(fs::path const& svg, words more) {
  more.insert(more.begin(), {"simulate", "--svg", svg.string()});
  return more;
}

program::setting in(place const& here) { return {.environment = {"TMPDIR=" + here.path().string()}}; }

pid_t pid_in(std::string const& line) { return static_cast<pid_t>(std::stol(line.substr(line.find('(') + 1))); }

/// The rows of the timeline: what stands after these names.
std::vector<std::string> rows(std::string const& output, words const& names) {
  std::vector<std::string> found;
  for (auto const& name : names) {
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);)
      if (std::regex_match(line, std::regex(name + " +[-#0-9 ]+"))) found.push_back(line);
  }
  return found;
}

}  // namespace

TEST_CASE("a simulation of three nodes", "[cli]") {
  place const here;
  auto const svg = here.path() / "timeline.svg";
  auto const begin = std::chrono::steady_clock::now();
  auto const end = run_program(simulation(svg, {"--nodes", "3", "--duration", "4", "--seed", "2"}), in(here));
  CAPTURE(end.output, end.errors);
  CHECK(end.code == 0);
  CHECK(end.errors == "");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  CHECK_THAT(end.output, StartsWith("Candidates A to C for 4"));
  CHECK_THAT(end.output, ContainsSubstring("Seed 2."));
  CHECK_THAT(end.output, ContainsSubstring("each larger than the one before"));
  CHECK_THAT(end.output, ContainsSubstring("Nobody led for "));
  CHECK_THAT(end.output, ContainsSubstring("Crashes of leaders: "));
  bool const something = end.output.find("crashes (SIGKILL)") != std::string::npos ||
                         end.output.find("resigns (SIGINT)") != std::string::npos;
  CHECK(something);
  CHECK(rows(end.output, {"A", "B", "C"}).size() == 3);
  CHECK(end.output.find('\033') == std::string::npos);
  auto const picture = read_file(svg);
  CHECK_THAT(picture, StartsWith("<svg "));
  CHECK_THAT(picture, EndsWith("</svg>\n"));
  CHECK_THAT(picture, ContainsSubstring("3 processes, file store"));
  CHECK_THAT(picture, ContainsSubstring("seed 2"));
  fs::remove(svg);
  CHECK(fs::is_empty(here.path()));  // its temporary directory is gone
}

TEST_CASE("Ctrl-C ends a simulation with the timeline so far", "[cli]") {
  place const here;
  auto const svg = here.path() / "timeline.svg";
  program all(simulation(svg, {"--nodes", "2", "--duration", "600"}), in(here));
  auto const pid = pid_in(all.line_with(" leads, token "));
  all.signal(SIGINT);
  all.line_with("All resign.");
  CHECK(all.exit_code() == 0);
  CHECK(rows(all.output(), {"A", "B"}).size() == 2);
  CHECK_THAT(all.output(), ContainsSubstring("1 term, token "));
  CHECK_THAT(read_file(svg), ContainsSubstring("leads, token "));
  wait_until_gone(pid);
  fs::remove(svg);
  CHECK(fs::is_empty(here.path()));
}

TEST_CASE("two named nodes in two terminals", "[cli]") {
  place const here;
  auto const named = [&](std::string const& id) {
    return here.on(simulation(here.path() / (id + ".svg"), {"--id", id, "--nodes", "1", "--duration", "600"}));
  };
  program a(named("node1"));
  a.line_with("node1 stands for ");
  a.line_with(" leads, token ");
  program b(named("node2"));
  b.line_with(" waits: node1 leads, token ");
  a.signal(SIGINT);
  CHECK(a.exit_code() == 0);
  CHECK_THAT(a.output(), ContainsSubstring("1 term, token "));
  CHECK_THAT(a.output(), ContainsSubstring("node1 led all the time"));
  b.line_with(" leads, token ");
  b.signal(SIGTERM);
  CHECK(b.exit_code() == 0);
  CHECK(rows(b.output(), {"node2"}).size() == 1);
}

TEST_CASE("a candidate that cannot stand ends the simulation", "[cli]") {
  place const here;
  auto const end = run_program(simulation(
      here.path() / "t.svg", {"--store", "file:" + (here.path() / "missing/deeper").string(), "--duration", "30"}));
  CAPTURE(end.output, end.errors);
  CHECK(end.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("ended by itself: giving up"));
}

TEST_CASE("simulations that make no sense are refused", "[cli]") {
  auto const refused = [](words arguments, std::string const& part) {
    arguments.insert(arguments.begin(), "simulate");
    auto const end = run_program(std::move(arguments));
    CHECK(end.code == 2);
    CHECK_THAT(end.errors, ContainsSubstring(part));
  };
  refused({"--nodes", "101"}, "--nodes");
  refused({"--nodes", "-1"}, "--nodes");
  refused({"--nodes", "2", "--id", "node1"}, "--id");
  refused({"--duration", "0"}, "--duration");
  refused({"--seed", "x"}, "--seed");
  refused({"--store", "memory:"}, "memory:");
  refused({"--svg", "/proc/nowhere/t.svg"}, "--svg");
}
