// What is different on a terminal: ENTER, Ctrl-C, and who gets the keys.
#include "place.hpp"
#include "support/catch.hpp"

using namespace coelect::test;

TEST_CASE("ENTER on a terminal resigns", "[cli]") {
  place const here;
  program a(here.candidate("A"), {.terminal = true});
  CHECK_THAT(a.line_with(" leads, token "), ContainsSubstring("ENTER or Ctrl-C resigns."));
  a.type("\n");
  CHECK(a.exit_code() == 0);
  CHECK_THAT(a.output(), ContainsSubstring(" resigned, token "));
}

TEST_CASE("Ctrl-C on a terminal resigns", "[cli]") {
  place const here;
  program a(here.candidate("A"), {.terminal = true});
  a.line_with(" leads, token ");
  a.type("\x03");
  CHECK(a.exit_code() == 0);
  CHECK_THAT(a.output(), ContainsSubstring("End"));
}

TEST_CASE("the command of run gets the terminal, and Ctrl-C goes to it", "[cli]") {
  place const here;
  words const script{"run", "--", "/bin/sh", "-c", "trap 'echo trapped; exit 9' INT; read x; echo got $x; read x"};
  program a(here.on(script), {.terminal = true});
  a.error_line_with("Started");
  a.type("a word\n");
  a.line_with("got a word");
  a.type("\x03");
  CHECK(a.exit_code() == 9);
  CHECK_THAT(a.output(), ContainsSubstring("trapped"));
}

TEST_CASE("Ctrl-Z stops the command and coelect, fg lets both go on", "[cli]") {
  place const here;
  std::string const script =
      std::string("exec 2>/dev/tty; set -m; '") + COELECT_PROGRAM_PATH + "' run --store '" + here.url() +
      "' -- /bin/sh -c 'echo ready; read x; echo got $x'; echo stopped with $?; fg; echo ended with $?";
  program shell({script}, {.terminal = true, .wrapper = {"/bin/bash", "-c"}});
  shell.line_with("ready");
  shell.type("\x1a");
  shell.line_with("stopped with 148");
  shell.type("a word\n");
  shell.line_with("got a word");
  shell.line_with("ended with 0");
  CHECK(shell.exit_code() == 0);
}
