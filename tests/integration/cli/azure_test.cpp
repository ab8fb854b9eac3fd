// The commands on an Azure Blob store: hand-over, take-over, run, observers, and how `depose` gets through.
#include "azure_site.hpp"
#include <csignal>
#include <regex>

using namespace coelect::test;

namespace {

std::uint64_t token_of(coelect::base::json_reader const& event) { return event.number("token").value_or(0); }

finished ends(words arguments) { return run_program(std::move(arguments), azure_site::with_key()); }

}  // namespace

TEST_CASE("azure: candidates hand over on Ctrl-C", "[azure]") {
  azure_site const here;
  program a(here.candidate("A"), azure_site::with_key());
  CHECK_THAT(a.line_with(" stands for leader"), ContainsSubstring(" at " + here.url()));
  std::regex const elected_line(R"(token \d+, [0-9.]+ s left\. Ctrl-C resigns\.$)");
  CHECK(std::regex_search(a.line_with(" leads, token "), elected_line));
  program b(here.json_candidate("B"), azure_site::with_key());
  auto const seen = b.event("leader");
  CHECK(seen.text("leader") == "A");
  CHECK(seen.text("since"));
  a.signal(SIGINT);
  CHECK(a.exit_code() == 0);
  CHECK_THAT(a.output(), ContainsSubstring(" resigned, token "));
  CHECK_THAT(a.output(), EndsWith("End\n"));
  auto const elected = b.event("elected");
  CHECK(token_of(elected) > token_of(seen));
  CHECK(elected.number("valid_for_ms").value_or(0) > 10'000);
  CHECK(elected.number("valid_for_ms").value_or(99'999) < 15'000);
  b.signal(SIGTERM);
  CHECK(b.exit_code() == 0);
  CHECK(a.errors() + b.errors() == "");
  CHECK(ends(here.on({"leader"})).code == 3);
}

TEST_CASE("azure: a killed leader is replaced when its lease has run out", "[P1][azure]") {
  azure_site const here;
  program a(here.json_candidate("A"), azure_site::with_key());
  auto const token = token_of(a.event("elected"));
  program b(here.json_candidate("B"), azure_site::with_key());
  b.event("leader");
  auto const begin = std::chrono::steady_clock::now();
  a.signal(SIGKILL);
  CHECK(a.exit_code() == 137);
  CHECK(ends(here.on({"leader"})).code == 0);  // the dead one's, for now
  CHECK(token_of(b.event("elected")) > token);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(15'000 + 300 + 1'000));
}

TEST_CASE("azure: a command runs while leading, and the next one starts when it is done", "[azure]") {
  azure_site const here;
  words const flags{"run", "--create-container", "--ttl", "15", "--poll", "0.3", "--id"};
  auto const run = [&](std::string const& id, std::string const& script) {
    auto command = flags;
    command.insert(command.end(), {id, "--", "/bin/sh", "-c", script});
    return here.on(std::move(command));
  };
  program a(run("A", "echo first $COELECT_TOKEN; sleep 60"), azure_site::with_key());
  auto const first = std::stoull(a.line_with("first ").substr(6));
  program b(run("B", "echo second $COELECT_TOKEN"), azure_site::with_key());
  b.error_line_with(" waits: ");
  CHECK(b.output().empty());
  a.signal(SIGTERM);
  CHECK(a.exit_code() == 143);
  CHECK(std::stoull(b.line_with("second ").substr(7)) > first);
  CHECK(b.exit_code() == 0);
}

TEST_CASE("azure: leader and watch tell who leads", "[azure]") {
  azure_site const here;
  auto const empty = ends(here.on({"leader"}));
  CHECK(empty.code == 3);
  CHECK(empty.output == "Nobody leads.\n");
  program watcher(here.on({"watch", "--poll", "0.3"}), azure_site::with_key());
  watcher.line_with("Nobody leads.");
  program a(here.candidate("A", {"--value", "host:80"}), azure_site::with_key());
  watcher.line_with("A leads since ");
  auto const seen = ends(here.on({"leader"}));
  CHECK(seen.code == 0);
  CHECK_THAT(seen.output, StartsWith("A leads since "));
  CHECK_THAT(seen.output, ContainsSubstring("\"host:80\""));
  a.signal(SIGINT);
  watcher.line_with("Nobody leads.");
  watcher.signal(SIGINT);
  CHECK(watcher.exit_code() == 0);
}

TEST_CASE("azure: depose asks, or takes away by force", "[azure]") {
  azure_site const here;
  CHECK(ends(here.on({"depose"})).code == 3);
  program a(here.json_candidate("A"), azure_site::with_key());
  auto const first = token_of(a.event("elected"));
  program b(here.json_candidate("B"), azure_site::with_key());
  b.event("leader");
  auto const asked = ends(here.on({"depose", "--wait", "30", "--poll", "0.3"}));
  CAPTURE(asked.output, asked.errors);
  CHECK(asked.code == 0);
  CHECK_THAT(asked.output, ContainsSubstring("A was asked to step down"));
  CHECK(token_of(a.event("lost")) == first);
  auto const second = token_of(b.event("elected"));
  CHECK(second > first);
  auto const forced = ends(here.on({"depose", "--force", "--poll", "0.3"}));
  CAPTURE(forced.output, forced.errors);
  CHECK(forced.code == 0);
  CHECK_THAT(forced.output, ContainsSubstring("The hold of B was taken away"));
  CHECK(token_of(b.event("lost")) == second);
}
