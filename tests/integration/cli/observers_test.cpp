// `coelect leader`, `watch` and `depose`.
#include "place.hpp"
#include "support/catch.hpp"
#include <csignal>

using namespace coelect::test;

TEST_CASE("leader says who leads, or leaves with 3", "[cli]") {
  place const here;
  auto const empty = run_program(here.on({"leader"}));
  CHECK(empty.code == 3);
  CHECK(empty.output == "Nobody leads.\n");
  auto const empty_json = run_program(here.on({"leader", "--json"}));
  CHECK(empty_json.code == 3);
  auto const object = coelect::base::json_reader::parse(empty_json.output);
  REQUIRE(object);
  CHECK(object->text("event") == "leader");
  CHECK_FALSE(object->text("leader"));
  program a(here.on({"campaign", "A", "--value", "host:80"}));
  a.line_with(" leads, token ");
  auto const seen = run_program(here.on({"leader"}));
  CHECK(seen.code == 0);
  CHECK_THAT(seen.output, StartsWith("A leads since "));
  CHECK_THAT(seen.output, ContainsSubstring(", token "));
  CHECK_THAT(seen.output, ContainsSubstring("\"host:80\""));
  auto const as_json = coelect::base::json_reader::parse(run_program(here.on({"leader", "--json"})).output);
  REQUIRE(as_json);
  CHECK(as_json->text("leader") == "A");
  CHECK(as_json->text("value") == "host:80");
  a.signal(SIGKILL);
  a.exit_code();
  CHECK(run_program(here.on({"leader"})).code == 3);  // its record is still in the file
}

TEST_CASE("watch tells each change until it is stopped", "[cli]") {
  place const here;
  program watcher(here.on({"watch"}));
  watcher.line_with("Nobody leads.");
  program a(here.candidate("A"));
  watcher.line_with("A leads since ");
  program b(here.candidate("B"));
  b.line_with(" waits: ");
  a.signal(SIGKILL);
  watcher.line_with("B leads since ");
  b.signal(SIGINT);
  watcher.line_with("Nobody leads.");
  watcher.signal(SIGINT);
  CHECK(watcher.exit_code() == 0);
  CHECK(watcher.errors().empty());
}

TEST_CASE("watch ends when nobody reads it any more", "[cli]") {
  place const here;
  program watcher(here.on({"watch", "--json"}));
  watcher.event("leader");
  watcher.close_output();
  program a(here.candidate("A"));
  CHECK(watcher.exit_code() == 0);
}

TEST_CASE("depose asks, the leader steps down, the next one leads", "[cli]") {
  place const here;
  CHECK(run_program(here.on({"depose"})).code == 3);
  program a(here.json_candidate("A"));
  auto const token = a.event("elected").number("token").value_or(0);
  program b(here.json_candidate("B"));
  b.event("leader");
  auto const end = run_program(here.on({"depose"}));
  CHECK(end.code == 0);
  CHECK_THAT(end.output, ContainsSubstring("A was asked to step down, token " + std::to_string(token)));
  CHECK_THAT(end.output, ContainsSubstring("A no longer leads."));
  CHECK_THAT(a.event("lost").text("reason").value_or(""), StartsWith("deposed"));
  CHECK(b.event("elected").number("token").value_or(0) > token);
  a.line_with("\"leader\":\"B\"");
}

TEST_CASE("depose says when the leader does not obey in time", "[cli]") {
  place const here;
  program a(here.json_candidate("A"));
  a.event("elected");
  a.signal(SIGSTOP);
  auto const end = run_program(here.on({"depose", "--wait", "0.2"}));
  CHECK(end.code == 1);
  CHECK_THAT(end.errors, ContainsSubstring("A still leads"));
  a.signal(SIGCONT);
  a.event("lost");  // it was asked all the same
}

TEST_CASE("depose by force says that a file store cannot, and leaves the leader alone", "[cli]") {
  place const here;
  program a(here.candidate("A"));
  a.line_with(" leads, token ");
  auto const end = run_program(here.on({"depose", "--force"}));
  CHECK(end.code == 2);
  CHECK_THAT(end.errors, ContainsSubstring("cannot"));
  CHECK(end.output.empty());
  CHECK(run_program(here.on({"leader"})).code == 0);
}
