// `coelect run` when it is killed or its term is lost: no command works beside the next leader's.
#include "place.hpp"
#include "support/catch.hpp"
#include <csignal>
#include <sstream>

using namespace coelect::test;
namespace fs = std::filesystem;

namespace {

struct start_line {
  std::uint64_t token;
  pid_t pid;
};

/// Two `coelect run` whose commands mark in one file that they work.
class stage {
public:
  words command(std::string const& id, words flags, bool stubborn) const {
    words all{"run", "--id", id};
    all.insert(all.end(), flags.begin(), flags.end());
    all.insert(all.end(), {"--", COELECT_WORKER_PATH, marks().string()});
    if (stubborn) all.emplace_back("stubborn");
    return here.on(std::move(all));
  }
  fs::path marks() const { return here.path() / "marks"; }

  static start_line started(program& p) {
    std::istringstream line(p.line_with("start "));
    std::string word;
    start_line result{};
    line >> word >> result.token >> result.pid;
    return result;
  }

  /// Each mark is one write to the end of the file, so their order is the order of the work.
  void check_order(std::uint64_t least_of_last) const {
    std::istringstream lines(read_file(marks()));
    std::uint64_t last = 0;
    bool in_order = true;
    for (std::uint64_t token = 0; lines >> token; last = token) in_order = in_order && token >= last;
    CHECK(in_order);
    CHECK(last >= least_of_last);
  }

  place here;
};

}  // namespace

TEST_CASE("the command of a killed coelect run never works beside the next one", "[P1][cli][file]") {
  stage s;
  auto current = std::make_unique<program>(s.command("first", {}, true));
  std::uint64_t last = 0;
  for (int round = 0; round < 5; ++round) {
    auto const now = stage::started(*current);
    CHECK(now.token > last);
    last = now.token;
    auto next = std::make_unique<program>(s.command("next", {}, true));
    next->error_line_with(" waits: ");
    current->signal(SIGKILL);
    CHECK(current->exit_code() == 137);
    wait_until_gone(now.pid);
    current = std::move(next);
  }
  CHECK(stage::started(*current).token > last);
  s.check_order(last + 1);
}

TEST_CASE("after a loss the command is ended before another one starts", "[cli]") {
  stage s;
  program first(s.command("first", {"--grace", "5", "--once"}, false));
  auto const before = stage::started(first);
  program second(s.command("second", {}, false));
  second.error_line_with(" waits: ");
  fs::remove(s.here.lock_file());
  CHECK_THAT(first.error_line_with("no longer leads"), ContainsSubstring("lost: "));
  first.error_line_with("killed by signal 15");
  auto const after = stage::started(second);
  CHECK(after.token > before.token);
  CHECK_FALSE(alive(before.pid));
  s.check_order(after.token);
}

TEST_CASE("after a loss a command that ignores SIGTERM is killed before another one starts", "[cli]") {
  stage s;
  program first(s.command("first", {"--grace", "1", "--once"}, true));
  auto const before = stage::started(first);
  program second(s.command("second", {}, true));
  second.error_line_with(" waits: ");
  fs::remove(s.here.lock_file());
  first.error_line_with("killed by signal 9");
  auto const after = stage::started(second);
  CHECK(after.token > before.token);
  CHECK_FALSE(alive(before.pid));
  s.check_order(after.token);
}

TEST_CASE("after a loss coelect run stands again and starts its command anew", "[cli]") {
  stage s;
  program only(s.command("only", {}, false));
  auto const before = stage::started(only);
  fs::remove(s.here.lock_file());
  auto const after = stage::started(only);
  CHECK(after.token > before.token);
  CHECK_FALSE(alive(before.pid));
  s.check_order(after.token);
}

TEST_CASE("with --once a lost term ends coelect run with 4", "[cli]") {
  stage s;
  program only(s.command("only", {"--once", "--json"}, false));
  auto const before = stage::started(only);
  fs::remove(s.here.lock_file());
  CHECK(only.exit_code() == 4);
  CHECK_FALSE(alive(before.pid));
  CHECK_THAT(only.errors(), ContainsSubstring("\"event\":\"lost\""));
}

TEST_CASE("deposing ends the command first, then the next one leads", "[cli]") {
  stage s;
  program first(s.command("first", {"--json", "--grace", "0.3"}, true));
  auto const before = stage::started(first);
  program second(s.command("second", {}, true));
  second.error_line_with(" waits: ");
  CHECK(run_program(s.here.on({"depose"})).code == 0);
  CHECK(first.error_event("at_risk").text("reason") == "deposed");
  CHECK(first.error_event("lost").text("reason") == "deposed");
  auto const after = stage::started(second);
  CHECK_FALSE(alive(before.pid));
  s.check_order(after.token);
}

TEST_CASE("what the command itself started keeps the lock when coelect is killed", "[cli]") {
  place here;
  program r(here.on({"run", "--", "/bin/sh", "-c", "sleep 60 & echo $!; wait"}));
  auto const grandchild = static_cast<pid_t>(std::stol(r.line_with("")));
  program b(here.json_candidate("B"));
  b.event("leader");
  r.signal(SIGKILL);
  r.exit_code();
  CHECK(alive(grandchild));
  CHECK(b.output().find("elected") == std::string::npos);
  ::kill(grandchild, SIGKILL);
  b.event("elected");
}
