// `coelect run` while all is well: what the command finds, what reaches it, and what its end means.
#include "place.hpp"
#include "support/catch.hpp"
#include <csignal>
#include <fstream>

using namespace coelect::test;
namespace fs = std::filesystem;

TEST_CASE("the command finds its term in the environment", "[cli]") {
  place const here;
  words const script{"run",
                     "--id",
                     "R",
                     "--",
                     "/bin/sh",
                     "-c",
                     "echo \"$COELECT_TOKEN|$COELECT_ELECTION|$COELECT_CANDIDATE\"; env | grep -c ^COELECT_"};
  auto const end = run_program(here.on(script));
  CHECK(end.code == 0);
  auto const token = end.output.substr(0, end.output.find('|'));
  CHECK(std::stoull(token) > 0);
  CHECK(end.output == token + "|leader|R\n3\n");
  CHECK_THAT(end.errors, ContainsSubstring(" leads, token " + token));
}

TEST_CASE("the command's exit code is passed on", "[cli]") {
  place const here;
  CHECK(run_program(here.on({"run", "--", "true"})).code == 0);
  CHECK(run_program(here.on({"run", "--", "/bin/sh", "-c", "exit 7"})).code == 7);
  CHECK(run_program(here.on({"run", "--", "/bin/sh", "-c", "kill -9 $$"})).code == 137);
  CHECK(run_program(here.on({"run", "--", "/bin/sh", "-c", "kill -TERM $$"})).code == 143);
  CHECK(run_program(here.on({"run", "--", "/bin/echo", "--", "--help", "-x"})).output == "-- --help -x\n");
}

TEST_CASE("a command that cannot be executed gives 127 or 126", "[cli]") {
  place const here;
  auto const missing = run_program(here.on({"run", "--", "no-such-command-here"}));
  CHECK(missing.code == 127);
  CHECK_THAT(missing.errors, ContainsSubstring("cannot run no-such-command-here"));
  CHECK(run_program(here.on({"run", "--", "/no/such/file"})).code == 127);
  CHECK(run_program(here.on({"run", "--", here.path().string()})).code == 126);
  CHECK(run_program(here.on({"leader"})).code == 3);  // and the election is free again
}

TEST_CASE("a script without #! runs", "[cli]") {
  place const here;
  auto const script = here.path() / "script";
  std::ofstream(script) << "echo from the script: $1\n";
  fs::permissions(script, fs::perms::owner_all);
  CHECK(run_program(here.on({"run", "--", script.string(), "word"})).output == "from the script: word\n");
}

TEST_CASE("the command does not start before the election is won", "[cli]") {
  place const here;
  program a(here.json_candidate("A"));
  auto const token = a.event("elected").number("token").value_or(0);
  program r(here.on({"run", "--id", "R", "--", "/bin/sh", "-c", "echo running under $COELECT_TOKEN"}));
  CHECK_THAT(r.error_line_with(" waits: "), ContainsSubstring("A leads since "));
  CHECK(r.output().empty());
  a.signal(SIGINT);
  auto const line = r.line_with("running under ");
  CHECK(std::stoull(line.substr(std::string("running under ").size())) > token);
  CHECK(r.exit_code() == 0);
}

TEST_CASE("signals reach the command, and coelect ends when it has", "[cli]") {
  place const here;
  struct sent {
    int number;
    char const* heard;
    int code;
  };
  for (auto const& s : {sent{SIGTERM, "term", 6}, sent{SIGINT, "int", 8}, sent{SIGHUP, "hup", 5}}) {
    program r(here.on({"run", "--", "/bin/bash", "-c",
                       "trap 'echo usr1' USR1; trap 'echo hup; exit 5' HUP; "
                       "trap 'echo term; exit 6' TERM; trap 'echo int; exit 8' INT; echo ready; "
                       "while :; do sleep 0.01; done"}));
    r.line_with("ready");
    r.signal(SIGUSR1);
    r.line_with("usr1");
    r.signal(s.number);
    r.line_with(s.heard);
    CHECK(r.exit_code() == s.code);
    CHECK_THAT(r.errors(), ContainsSubstring(" resigned, token "));
  }
}

TEST_CASE("a second SIGINT kills a command that does not listen", "[cli]") {
  place const here;
  program r(
      here.on({"run", "--", "/bin/sh", "-c", "trap 'echo not now' INT; echo ready; while :; do sleep 0.01; done"}));
  r.line_with("ready");
  r.signal(SIGINT);
  r.line_with("not now");
  r.signal(SIGINT);
  CHECK(r.exit_code() == 137);
}

TEST_CASE("a candidate for run that is stopped while waiting leaves with 0", "[cli]") {
  place const here;
  program a(here.candidate("A"));
  a.line_with(" leads, token ");
  program r(here.on({"run", "--", "true"}));
  r.error_line_with(" waits: ");
  r.signal(SIGTERM);
  CHECK(r.exit_code() == 0);
}

TEST_CASE("what the command leaves behind is killed before the election is free", "[cli]") {
  place const here;
  program r(here.on({"run", "--", "/bin/sh", "-c", "sleep 60 & echo $!; exit 0"}));
  auto const left_behind = static_cast<pid_t>(std::stol(r.line_with("")));
  CHECK(r.exit_code() == 0);
  CHECK_FALSE(alive(left_behind));
  CHECK(run_program(here.on({"leader"})).code == 3);
}

TEST_CASE("run tells its story as JSON on stderr", "[cli]") {
  place const here;
  program r(here.on({"run", "--json", "--id", "R", "--", "/bin/echo", "mine"}));
  CHECK(r.error_event("elected").text("candidate") == "R");
  r.error_event("resigned");
  CHECK(r.exit_code() == 0);
  CHECK(r.output() == "mine\n");
}
