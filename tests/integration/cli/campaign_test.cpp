// `coelect campaign`: its story, its JSON lines, how it ends and who comes next.
#include "place.hpp"
#include "support/catch.hpp"
#include <csignal>
#include <regex>
#include <sys/stat.h>

using namespace coelect::test;
namespace fs = std::filesystem;

namespace {

std::uint64_t token_of(coelect::base::json_reader const& event) { return event.number("token").value_or(0); }

bool is_rfc3339(std::string const& text) {
  return std::regex_match(text, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"));
}

}  // namespace

TEST_CASE("a candidate tells its story and hands over on Ctrl-C", "[cli]") {
  place const here;
  program a(here.candidate("A"));
  auto const won = a.line_with(" leads, token ");
  CHECK(std::regex_search(won, std::regex(R"(^\[\d\d:\d\d:\d\d\] A \(\d+\) leads, token \d+\. Ctrl-C resigns\.$)")));
  CHECK_THAT(won, ContainsSubstring("(" + std::to_string(a.pid()) + ")"));
  program b(here.candidate("B"));
  auto const waits = b.line_with(" waits: ");
  CHECK(std::regex_search(waits, std::regex(R"(B \(\d+\) waits: A leads since \d\d:\d\d:\d\d, token \d+\.$)")));
  a.signal(SIGINT);
  CHECK(a.exit_code() == 0);
  CHECK_THAT(a.output(), ContainsSubstring(" resigned, token "));
  CHECK_THAT(a.output(), EndsWith("End\n"));
  CHECK_THAT(b.line_with(" leads, token "), ContainsSubstring(", after A."));
  b.signal(SIGTERM);
  CHECK(b.exit_code() == 0);
  CHECK(a.errors().empty());
  CHECK(b.errors().empty());
}

TEST_CASE("JSON lines have the members that apply", "[cli]") {
  place const here;
  program a(here.json_candidate("A"));
  auto const stands = a.event("candidate");
  CHECK(stands.text("candidate") == "A");
  CHECK(stands.text("election") == "leader");
  CHECK(is_rfc3339(stands.text("time").value_or("")));
  CHECK_FALSE(stands.number("token"));
  auto const elected = a.event("elected");
  CHECK(token_of(elected) > 0);
  CHECK_FALSE(elected.number("valid_for_ms"));  // a lock does not run out
  program b(here.on({"campaign", "B", "--json", "--value", "b:80"}));
  auto const sees = b.event("leader");
  CHECK(sees.text("leader") == "A");
  CHECK(sees.text("candidate") == "B");
  CHECK(token_of(sees) == token_of(elected));
  CHECK(is_rfc3339(sees.text("since").value_or("")));
  a.signal(SIGINT);
  CHECK(token_of(a.event("resigned")) == token_of(elected));
  CHECK(a.exit_code() == 0);
  CHECK(token_of(b.event("elected")) > token_of(elected));
  b.signal(SIGINT);
  CHECK(b.exit_code() == 0);
  std::istringstream lines(a.output() + b.output());
  for (std::string line; std::getline(lines, line);) CHECK(coelect::base::json_reader::parse(line));
}

TEST_CASE("a hold that runs out says for how long it is good", "[cli]") {
  program lease({"campaign", "A", "--store", "memory:", "--ttl", "3", "--json", "--heartbeat", "0.05"});
  auto const elected = lease.event("elected");
  CHECK(elected.number("valid_for_ms").value_or(9'999) <= 3'000);
  CHECK(elected.number("valid_for_ms").value_or(0) > 0);
  CHECK(lease.event("heartbeat").number("valid_for_ms"));
  lease.signal(SIGTERM);
  CHECK(lease.exit_code() == 0);
  program human({"campaign", "A", "--store", "memory:", "--ttl", "3"});
  CHECK_THAT(human.line_with(" leads, token "), ContainsSubstring(" s left."));
}

TEST_CASE("killed leaders are replaced and tokens grow strictly", "[P1][cli][file]") {
  place const here;
  std::uint64_t last = 0;
  auto current = std::make_unique<program>(here.json_candidate("A"));
  for (int round = 0; round < 5; ++round) {
    auto const token = token_of(current->event("elected"));
    CHECK(token > last);
    last = token;
    auto next = std::make_unique<program>(here.json_candidate("B"));
    CHECK(token_of(next->event("leader")) == token);
    current->signal(SIGKILL);
    CHECK(current->exit_code() == 128 + SIGKILL);
    current = std::move(next);
  }
  CHECK(token_of(current->event("elected")) > last);
}

TEST_CASE("a stopped leader keeps its hold on a file store", "[P2][cli][file]") {
  place const here;
  program a(here.json_candidate("A"));
  auto const token = token_of(a.event("elected"));
  program b(here.json_candidate("B"));
  b.event("leader");
  a.signal(SIGSTOP);
  CHECK(run_program(here.on({"leader"})).code == 0);
  a.signal(SIGCONT);
  a.signal(SIGINT);
  CHECK(token_of(a.event("resigned")) == token);
  CHECK(token_of(b.event("elected")) > token);
}

TEST_CASE("a lost term is told with its reason and the candidate stands again", "[cli]") {
  place const here;
  program a(here.json_candidate("A"));
  auto const first = token_of(a.event("elected"));
  fs::remove(here.lock_file());
  auto const lost = a.event("lost");
  CHECK(token_of(lost) == first);
  CHECK_THAT(lost.text("reason").value_or(""), StartsWith("lost: "));
  a.event("candidate");
  CHECK(token_of(a.event("elected")) > first);
}

TEST_CASE("a heartbeat line comes at a steady interval, not per try", "[cli]") {
  place const here;
  program a(here.on({"campaign", "A", "--heartbeat", "0.05"}));
  CHECK_THAT(a.line_with(" still leads, token "), ContainsSubstring("A ("));
  program b(here.on({"campaign", "B", "--heartbeat", "0.05", "--json"}));
  auto const beat = b.event("heartbeat");
  CHECK(beat.text("leader") == "A");
  program quiet(here.on({"campaign", "C", "--heartbeat", "0", "--json"}));
  quiet.event("leader");
  quiet.signal(SIGINT);
  CHECK(quiet.exit_code() == 0);
  CHECK(quiet.output().find("heartbeat") == std::string::npos);
}

TEST_CASE("a candidate whose reader has left resigns", "[cli]") {
  place const here;
  program a(here.on({"campaign", "A", "--heartbeat", "0.02"}));
  a.line_with(" leads, token ");
  a.close_output();
  CHECK(a.exit_code() == 0);
  CHECK(run_program(here.on({"leader"})).code == 3);
}

TEST_CASE("the store may come from the environment or be one's own by default", "[cli]") {
  place const here;
  program a({"campaign", "A"}, {.environment = {"COELECT_STORE=" + here.url()}});
  a.line_with(" leads, token ");
  CHECK(fs::exists(here.lock_file()));
  auto const home = here.path() / "new home";
  auto const setting = program::setting{.environment = {"XDG_STATE_HOME=" + home.string()}};
  program b({"campaign", "B"}, setting);
  b.line_with(" leads, token ");
  struct stat about {};
  REQUIRE(::stat((home / "coelect").c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0700);
  auto const seen = run_program({"leader"}, setting);
  CHECK_THAT(seen.output, StartsWith("B leads since "));
}

TEST_CASE("elections of other names do not meet", "[cli]") {
  place const here;
  program a(here.on({"campaign", "A", "--election", "one/first"}));
  program b(here.on({"campaign", "B", "--election", "one/second"}));
  a.line_with(" leads, token ");
  b.line_with(" leads, token ");
}

TEST_CASE("verbose tells what the library logs, on stderr", "[cli]") {
  place const here;
  program a(here.on({"campaign", "A", "--verbose"}));
  CHECK_THAT(a.error_line_with("elected"), ContainsSubstring("token="));
}
