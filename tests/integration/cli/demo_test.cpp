// `coelect demo` through a pipe: plain lines, measured take-overs, a well-formed picture, nothing left behind.
#include "place.hpp"
#include "support/catch.hpp"
#include <cctype>
#include <csignal>
#include <sstream>

using namespace coelect::test;
namespace fs = std::filesystem;

namespace {

// Every element is closed in order and text holds no bare < or &. Enough XML for what we write.
bool is_well_formed(std::string const& text) {
  std::vector<std::string> open;
  std::size_t roots = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '&') {
      auto const end = text.find(';', i);
      auto const name = text.substr(i + 1, end - i - 1);
      if (name != "amp" && name != "lt" && name != "gt" && name != "quot") return false;
    }
    if (text[i] != '<') {
      if (open.empty() && !std::isspace(static_cast<unsigned char>(text[i]))) return false;
      ++i;
      continue;
    }
    auto const end = text.find('>', i);
    if (end == std::string::npos) return false;
    auto const tag = text.substr(i + 1, end - i - 1);
    i = end + 1;
    if (tag.find('<') != std::string::npos) return false;
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return false;
    auto const name = tag.substr(0, tag.find_first_of(" /\n"));
    if (tag.front() == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      if (open.empty()) ++roots;
      open.push_back(name);
    }
  }
  return open.empty() && roots == 1;
}

std::size_t count_of(std::string const& text, std::string const& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("the demo through a pipe", "[cli]") {
  place const here;
  auto const svg = here.path() / "timeline.svg";
  auto const begin = std::chrono::steady_clock::now();
  auto const end =
      run_program({"demo", "--svg", svg.string()}, {.environment = {"TMPDIR=" + here.path().string(), "TERM=xterm"}});
  CAPTURE(end.output, end.errors);
  CHECK(end.code == 0);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  CHECK(end.output.find('\033') == std::string::npos);
  CHECK(end.output.find('\r') == std::string::npos);
  CHECK(count_of(end.output, "is killed (SIGKILL)") == 2);
  CHECK(count_of(end.output, "is stopped (SIGSTOP)") == 1);
  CHECK(count_of(end.output, "it still leads, rightly") == 1);
  CHECK(count_of(end.output, "resigns (SIGINT)") == 1);
  CHECK(count_of(end.output, "ms after the kill") == 2);
  CHECK_THAT(end.output, ContainsSubstring("Take-over after a kill: "));
  CHECK_THAT(end.output, ContainsSubstring("Take-over after a resignation: "));
  CHECK_THAT(end.output, ContainsSubstring("4 terms, tokens "));
  CHECK_THAT(end.output, ContainsSubstring("each larger than the one before"));
  auto const picture = read_file(svg);
  CHECK(is_well_formed(picture));
  CHECK_THAT(picture, StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(count_of(picture, "leads, token ") >= 4);
  fs::remove(svg);
  CHECK(fs::is_empty(here.path()));  // its temporary directory is gone
}

TEST_CASE("a demo that is interrupted ends its candidates and cleans up", "[cli]") {
  place const here;
  auto const svg = here.path() / "timeline.svg";
  program demo({"demo", "--svg", svg.string()}, {.environment = {"TMPDIR=" + here.path().string()}});
  auto const line = demo.line_with(" leads, token ");
  auto const pid = static_cast<pid_t>(std::stol(line.substr(line.find('(') + 1)));
  demo.signal(SIGINT);
  CHECK(demo.exit_code() == 0);
  wait_until_gone(pid);
  CHECK(is_well_formed(read_file(svg)));
  fs::remove(svg);
  CHECK(fs::is_empty(here.path()));
}

TEST_CASE("a demo that is killed takes its candidates along", "[cli]") {
  place const here;
  auto const svg = (here.path() / "timeline.svg").string();
  program demo({"demo", "--svg", svg}, {.environment = {"TMPDIR=" + here.path().string()}});
  auto const line = demo.line_with(" leads, token ");
  auto const pid = static_cast<pid_t>(std::stol(line.substr(line.find('(') + 1)));
  demo.signal(SIGKILL);
  demo.exit_code();
  wait_until_gone(pid);
}

TEST_CASE("keys on a terminal take over from the script", "[cli]") {
  place const here;
  auto const svg = (here.path() / "timeline.svg").string();
  program demo({"demo", "--svg", svg},
               {.environment = {"TMPDIR=" + here.path().string(), "TERM=xterm"}, .terminal = true});
  demo.line_with(" leads, token ");
  demo.type("k");
  demo.line_with("is killed (SIGKILL)");
  demo.line_with(" after the kill");
  demo.type("s");
  demo.line_with("is stopped (SIGSTOP)");
  demo.type("s");
  demo.line_with("goes on (SIGCONT)");
  demo.type("r");
  demo.line_with("resigns (SIGINT)");
  demo.line_with(" after that was asked");
  demo.type("q");
  CHECK(demo.exit_code() == 0);
  CHECK_THAT(demo.output(), ContainsSubstring("By hand now."));
  CHECK_THAT(demo.output(), ContainsSubstring("3 terms, tokens "));
  CHECK_THAT(demo.output(), ContainsSubstring("\033["));
}

TEST_CASE("NO_COLOR takes the colours away", "[cli]") {
  place const here;
  auto const svg = (here.path() / "timeline.svg").string();
  program demo({"demo", "--svg", svg},
               {.environment = {"TMPDIR=" + here.path().string(), "TERM=xterm", "NO_COLOR=1"}, .terminal = true});
  demo.line_with(" leads, token ");
  demo.type("q");
  CHECK(demo.exit_code() == 0);
  CHECK(demo.output().find("\033[1;32m") == std::string::npos);
}
