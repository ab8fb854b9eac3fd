// The commands on an etcd store: hand-over, take-over, losses, observers, and etcdctl in the same election.
#include "etcd_site.hpp"
#include "support/catch.hpp"
#include "support/scratch_directory.hpp"
#include <csignal>
#include <regex>
#include <sstream>

using namespace coelect::test;
namespace fs = std::filesystem;

TEST_CASE("etcd: candidates hand over on Ctrl-C", "[etcd]") {
  etcd_site const here;
  program a(here.candidate("A"));
  CHECK_THAT(a.line_with(" stands for leader"), ContainsSubstring(" at " + here.url()));
  CHECK(
      std::regex_search(a.line_with(" leads, token "), std::regex(R"(token \d+, [0-9.]+ s left\. Ctrl-C resigns\.$)")));
  program b(here.json_candidate("B"));
  auto const seen = b.event("leader");
  CHECK(seen.text("leader") == "A");
  CHECK(seen.text("since"));
  a.signal(SIGINT);
  CHECK(a.exit_code() == 0);
  CHECK_THAT(a.output(), ContainsSubstring(" resigned, token "));
  CHECK_THAT(a.output(), EndsWith("End\n"));
  auto const elected = b.event("elected");
  CHECK(token_of(elected) > token_of(seen));
  CHECK(elected.number("valid_for_ms").value_or(0) > 0);
  CHECK(elected.number("valid_for_ms").value_or(9'999) < 4'000);
  b.signal(SIGTERM);
  CHECK(b.exit_code() == 0);
  CHECK(a.errors() + b.errors() == "");
  CHECK(here.server().client().list(here.keys()).empty());  // nothing is left to run out
}

TEST_CASE("etcd: a killed leader is replaced when its lease has run out", "[P1][etcd]") {
  etcd_site const here;
  program a(here.json_candidate("A"));
  auto const token = token_of(a.event("elected"));
  program b(here.json_candidate("B"));
  b.event("leader");
  a.signal(SIGKILL);
  CHECK(a.exit_code() == 137);
  CHECK(coelect_ends(here.on({"leader"})).code == 0);  // the dead one's, for now
  CHECK(token_of(b.event("elected")) > token);
}

TEST_CASE("etcd: a stopped leader is replaced and knows it when it goes on", "[P2][etcd]") {
  etcd_site const here;
  program a(here.json_candidate("A"));
  auto const token = token_of(a.event("elected"));
  program b(here.json_candidate("B"));
  b.event("leader");
  a.signal(SIGSTOP);
  CHECK(token_of(b.event("elected")) > token);
  a.signal(SIGCONT);
  CHECK(token_of(a.event("lost")) == token);
  a.event("candidate");
  b.signal(SIGINT);
  CHECK(token_of(a.event("elected")) > token);
}

namespace {

struct start_line {
  std::uint64_t token;
  pid_t pid;
};

start_line started(program& p) {
  std::istringstream line(p.line_with("start "));
  std::string word;
  start_line result{};
  line >> word >> result.token >> result.pid;
  return result;
}

/// `coelect run` of a command that marks in `marks` that it works, and that ignores SIGTERM.
words worker(etcd_site const& here, std::string const& id, fs::path const& marks) {
  return here.on({"run", "--id", id, "--ttl", "4", "--grace", "0.5", "--once", "--", COELECT_WORKER_PATH,
                  marks.string(), "stubborn"});
}

bool in_order(fs::path const& marks) {
  std::istringstream lines(read_file(marks));
  std::uint64_t last = 0;
  bool grows = true;
  for (std::uint64_t token = 0; lines >> token; last = token) grows = grows && token >= last;
  return grows && last > 0;
}

}  // namespace

TEST_CASE("etcd: a command is killed before its term is over, and the next one starts after that", "[etcd]") {
  etcd_site const here{etcd_options{}};
  scratch_directory const directory;
  auto const marks = directory.path() / "marks";
  program first(worker(here, "first", marks));
  auto const before = started(first);
  program second(worker(here, "second", marks));
  second.error_line_with(" waits: ");
  here.server().stop();
  CHECK_THAT(first.error_line_with("is at risk"), ContainsSubstring("no renewal was confirmed"));
  first.error_line_with("killed by signal 9");
  CHECK_FALSE(alive(before.pid));
  CHECK(first.exit_code() == 4);
  here.server().cont();
  auto const after = started(second);
  CHECK(after.token > before.token);
  CHECK(in_order(marks));
}

TEST_CASE("etcd: a command whose coelect is killed does not work beside the next one", "[etcd]") {
  etcd_site const here;
  scratch_directory const directory;
  auto const marks = directory.path() / "marks";
  program first(worker(here, "first", marks));
  auto const before = started(first);
  program second(worker(here, "second", marks));
  second.error_line_with(" waits: ");
  first.signal(SIGKILL);
  wait_until_gone(before.pid);
  CHECK(started(second).token > before.token);
  CHECK(in_order(marks));
}

TEST_CASE("etcd: leader and watch tell who leads", "[etcd]") {
  etcd_site const here;
  auto const empty = coelect_ends(here.on({"leader"}));
  CHECK(empty.code == 3);
  CHECK(empty.output == "Nobody leads.\n");
  program watcher(here.on({"watch"}));
  watcher.line_with("Nobody leads.");
  program a(here.candidate("A", {"--value", "host:80"}));
  watcher.line_with("A leads since ");
  auto const seen = coelect_ends(here.on({"leader"}));
  CHECK(seen.code == 0);
  CHECK_THAT(seen.output, StartsWith("A leads since "));
  CHECK_THAT(seen.output, ContainsSubstring("\"host:80\""));
  a.signal(SIGINT);
  watcher.line_with("Nobody leads.");
  watcher.signal(SIGINT);
  CHECK(watcher.exit_code() == 0);
}

TEST_CASE("etcd: depose asks, or takes away by force", "[etcd]") {
  etcd_site const here;
  CHECK(coelect_ends(here.on({"depose"})).code == 3);
  program a(here.json_candidate("A"));
  auto const first = token_of(a.event("elected"));
  program b(here.json_candidate("B"));
  b.event("leader");
  auto const asked = coelect_ends(here.on({"depose"}));
  CHECK(asked.code == 0);
  CHECK_THAT(asked.output, ContainsSubstring("A was asked to step down"));
  CHECK_THAT(a.event("lost").text("reason").value_or(""), StartsWith("deposed"));
  auto const second = token_of(b.event("elected"));
  CHECK(second > first);
  program watcher(here.on({"watch", "--json"}));
  CHECK(token_of(watcher.event("leader")) == second);
  auto const forced = coelect_ends(here.on({"depose", "--force"}));
  CHECK(forced.code == 0);
  CHECK_THAT(forced.output, ContainsSubstring("The hold of B was taken away"));
  CHECK(token_of(b.event("lost")) == second);
  while (token_of(watcher.event("leader")) <= second) continue;  // it may see the empty seat
}

TEST_CASE("etcd: a candidate behind etcdctl's", "[etcd]") {
  etcd_site const here;
  program other(here.etcdctl_candidate("theirs"), etcd_site::by_etcdctl());
  other.line_with("theirs");
  program a(here.candidate("A"));
  auto const waits = a.line_with(" waits: ");
  CHECK_THAT(waits, ContainsSubstring("waits: theirs leads, token "));  // nobody wrote down since when
  auto const seen = coelect_ends(here.on({"leader", "--json"}));
  CHECK(seen.code == 0);
  auto const object = coelect::base::json_reader::parse(seen.output);
  REQUIRE(object);
  CHECK(object->text("leader") == "theirs");
  CHECK_FALSE(object->text("since"));
  CHECK_THAT(coelect_ends(here.on({"leader"})).output, StartsWith("theirs leads, token "));
  other.signal(SIGINT);
  CHECK_THAT(a.line_with(" leads, token "), ContainsSubstring(", after theirs"));
  CHECK(a.output().find("waits: A leads") == std::string::npos);
}

TEST_CASE("etcd: a candidate waits for the one of its name that was killed", "[etcd]") {
  etcd_site const here;
  program dead(here.json_candidate("A"));
  dead.event("elected");
  dead.signal(SIGKILL);
  program a(here.candidate("A"));
  a.line_with("waits: A leads since ");
  CHECK_THAT(a.line_with(" leads, token "), ContainsSubstring(", after A"));
}

TEST_CASE("etcd: etcdctl's candidate behind ours", "[etcd]") {
  etcd_site const here;
  program a(here.candidate("A", {"--plain-values", "--value", "ours", "--json"}));
  auto const token = token_of(a.event("elected"));
  program other(here.etcdctl_candidate("theirs"), etcd_site::by_etcdctl());
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  auto queue = here.server().client().list(here.keys());
  while (queue.size() < 2 && std::chrono::steady_clock::now() < end) queue = here.server().client().list(here.keys());
  REQUIRE(queue.size() == 2);
  CHECK(queue.front().value == "ours");  // --plain-values
  CHECK(static_cast<std::uint64_t>(queue.front().create_revision) == token);
  CHECK(other.output().empty());
  a.signal(SIGINT);
  CHECK(a.exit_code() == 0);
  other.line_with("theirs");
  CHECK_THAT(coelect_ends(here.on({"leader"})).output, StartsWith("theirs leads, token "));
}

TEST_CASE("etcd: a store that does not answer is told, and comes back", "[etcd]") {
  etcd_site const here{etcd_options{}};
  here.server().terminate();
  program a(here.candidate("A", {"--heartbeat", "0.2"}));
  CHECK_THAT(a.line_with("refused"), ContainsSubstring("still waits: the store has not answered yet, no connection"));
  auto const unreachable = coelect_ends(here.on({"leader"}));
  CHECK(unreachable.code == 1);
  CHECK_THAT(unreachable.errors, ContainsSubstring("cannot be reached"));
  here.server().start();
  a.line_with(" leads, token ");
}
