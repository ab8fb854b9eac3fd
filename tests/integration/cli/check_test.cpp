// `coelect check`: what it reads, what it says about it, its exit codes, and the lines of real candidates.
#include "place.hpp"
#include "support/catch.hpp"
#include <csignal>
#include <fstream>

using namespace coelect::test;

namespace {

std::string line(char const* event, int second, char const* candidate, int token, std::string const& more = {}) {
  return std::string("{\"event\":\"") + event + "\",\"boot_ns\":" + std::to_string(second) +
         "000000000,\"election\":\"leader\",\"candidate\":\"" + candidate + "\",\"token\":" + std::to_string(token) +
         more + "}\n";
}

char const* const leads = ",\"leads\":true";
char const* const expired = ",\"reason\":\"expired\"";

/// Files of lines, and the program that judges them.
class desk {
public:
  std::string file(std::string const& name, std::string const& text) const {
    auto const path = here_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }
  /// `coelect check` with `text` on standard input.
  finished check_input(std::string const& text, words more = {}) const {
    auto const in = file("input", text);
    words all{"check"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all, {.wrapper = {"/bin/sh", "-c", "exec \"$@\" <'" + in + "'", "sh", COELECT_PROGRAM_PATH}});
  }

private:
  scratch_directory here_;
};

std::string const fine_a =
    line("elected", 1, "A", 1) + line("heartbeat", 5, "A", 1, leads) + line("lost", 9, "A", 1, expired);
std::string const fine_b = line("elected", 10, "B", 2) + line("heartbeat", 15, "B", 2, leads);

}  // namespace

TEST_CASE("check finds nothing wrong in the lines of several files, in any order", "[cli]") {
  desk const d;
  auto const a = d.file("a.log", fine_a), b = d.file("b.log", fine_b);
  auto const one = run_program({"check", a, b});
  CHECK(one.code == 0);
  CHECK_THAT(one.output, StartsWith("leader: 2 terms, 0 overlaps, 0 token regressions, 0 stale writes done, "));
  CHECK(one.errors.empty());
  auto const other = run_program({"check", b, a});
  CHECK(other.code == 0);
  CHECK(other.output == one.output);
}

TEST_CASE("check reads standard input without a file, and with -", "[cli]") {
  desk const d;
  auto const alone = d.check_input(fine_a + fine_b);
  CHECK(alone.code == 0);
  CHECK_THAT(alone.output, StartsWith("leader: 2 terms, 0 overlaps"));
  auto const b = d.file("b.log", fine_b);
  auto const both = d.check_input(fine_a, {"-", b});
  CHECK(both.output == alone.output);
}

TEST_CASE("check says who could act at the same time, and ends with 1", "[cli]") {
  desk const d;
  auto const a = d.file("a.log", fine_a + line("heartbeat", 20, "A", 1, leads));
  auto const b = d.file("b.log", fine_b);
  auto const result = run_program({"check", a, b});
  CHECK(result.code == 1);
  CHECK_THAT(result.output, ContainsSubstring("leader: 2 terms, "));
  CHECK_THAT(result.output, ContainsSubstring("\n  at 15.000000 s token 2 and token 1 were both valid"));
  CHECK(result.errors.empty());
}

TEST_CASE("one heartbeat of a second leader, between two of the first, is enough", "[cli]") {
  desk const d;
  auto const a = d.file(
      "a.log", line("elected", 1, "A", 1) + line("heartbeat", 5, "A", 1, leads) + line("heartbeat", 9, "A", 1, leads));
  auto const b = d.file("b.log", line("elected", 6, "B", 2) + line("heartbeat", 7, "B", 2, leads));
  auto const result = run_program({"check", a, b});
  CHECK(result.code == 1);
  CHECK_THAT(result.output, ContainsSubstring(" 1 overlaps, "));
}

TEST_CASE("check tells what is wrong with tokens and writes", "[cli]") {
  desk const d;
  auto const back = d.check_input(line("elected", 1, "A", 5) + line("elected", 2, "B", 4));
  CHECK(back.code == 1);
  CHECK_THAT(back.output, ContainsSubstring("token 4 was won after token 5"));
  auto const stale =
      d.check_input(line("accepted", 1, "A", 1) + line("accepted", 2, "B", 2) + line("accepted", 3, "A", 1));
  CHECK(stale.code == 1);
  CHECK_THAT(stale.output, ContainsSubstring("a write of token 1 was done after one of token 2"));
}

TEST_CASE("each election is judged by itself; an excuse without one is for all", "[cli]") {
  desk const d;
  std::string two, other;
  for (auto const* election : {"x", "y"}) {
    auto text =
        line("valid", 5, "A", 1, ",\"until_ns\":9000000000") + line("valid", 6, "B", 2, ",\"until_ns\":9000000000");
    for (std::size_t at; (at = text.find("\"leader\"")) != std::string::npos;)
      text.replace(at, 8, std::string("\"") + election + "\"");
    two += text;
    if (*election == 'y') other = text;
  }
  auto const both = d.check_input(two);
  CHECK(both.code == 1);
  CHECK_THAT(both.output, StartsWith("x: 2 terms, 1 overlaps"));
  CHECK_THAT(both.output, ContainsSubstring("\ny: 2 terms, 1 overlaps"));
  auto const excuse = [](std::string const& election) {
    return "{\"event\":\"excuse\",\"boot_ns\":1000000000,\"until_ns\":99000000000," + election +
           "\"reason\":\"deposed\"}\n";
  };
  auto const of_x = d.check_input(excuse("\"election\":\"x\",") + two);
  CHECK(of_x.code == 1);
  CHECK_THAT(of_x.output, ContainsSubstring("x: 2 terms, 0 overlaps"));
  CHECK_THAT(of_x.output, ContainsSubstring("y: 2 terms, 1 overlaps"));
  auto const of_all = d.check_input(excuse("") + two);
  CHECK(of_all.code == 0);
  CHECK_THAT(of_all.output, ContainsSubstring("y: 2 terms, 0 overlaps"));
}

TEST_CASE("half a line of a killed process is passed over at the end only", "[cli]") {
  desk const d;
  auto const end = d.check_input(fine_a + R"({"event":"elected","boot_ns":120000)");
  CHECK(end.code == 0);
  CHECK_THAT(end.output, StartsWith("leader: 1 terms"));
  auto const amidst = d.check_input(R"({"event":"elected","boot_ns":120000)" + std::string("\n") + fine_a);
  CHECK(amidst.code == 2);
  CHECK_THAT(amidst.errors, ContainsSubstring("standard input:1: this is not one JSON object"));
}

TEST_CASE("events that check does not know, and empty lines, are passed over", "[cli]") {
  desk const d;
  auto const result =
      d.check_input("\n{\"event\":\"weather\",\"boot_ns\":\"sunny\"}\n{\"event\":\"candidate\"}\n\n" + fine_a);
  CHECK(result.code == 0);
  CHECK_THAT(result.output, StartsWith("leader: 1 terms"));
  auto const nothing = d.check_input("");
  CHECK(nothing.code == 0);
  CHECK(nothing.output == "no terms, no writes: there is nothing to judge\n");
}

TEST_CASE("what cannot be read ends with 2, and says file, line and member", "[cli]") {
  desk const d;
  auto const bad = d.file("bad.log", fine_a + "{\"event\":\"elected\",\"token\":3}\n");
  auto const result = run_program({"check", bad});
  CHECK(result.code == 2);
  CHECK(result.output.empty());
  CHECK(result.errors == "coelect: " + bad + ":4: 'boot_ns' is missing or no number of nanoseconds\n");
  auto const token = d.check_input(line("accepted", 1, "A", 0));
  CHECK(token.code == 2);
  CHECK_THAT(token.errors, ContainsSubstring("standard input:1: 'token' is missing"));
  auto const missing = run_program({"check", bad + ".not"});
  CHECK(missing.code == 2);
  CHECK(missing.errors == "coelect: " + bad + ".not: cannot be opened\n");
  auto const directory = run_program({"check", "/"});
  CHECK(directory.code == 2);
  CHECK_FALSE(directory.errors.empty());
}

TEST_CASE("what two real candidates say: killed, resigned, and nothing wrong", "[cli]") {
  place const here;
  desk const d;
  auto const stands = [&](char const* name) { return here.on({"campaign", name, "--json", "--heartbeat", "0.05"}); };
  std::string a_said, again_said, b_said;
  {
    program a(stands("A"));
    a.event("elected");
    a.event("heartbeat");
    program b(stands("B"));
    b.event("leader");
    a.signal(SIGKILL);
    CHECK(a.exit_code() == 128 + SIGKILL);
    b.event("elected");
    program again(stands("A"));
    again.event("leader");
    b.event("heartbeat");
    b.signal(SIGINT);
    CHECK(b.exit_code() == 0);
    again.event("elected");
    again.event("heartbeat");
    again.signal(SIGTERM);
    CHECK(again.exit_code() == 0);
    a_said = a.output();
    b_said = b.output();
    again_said = again.output();
  }
  auto const first = d.file("a.log", a_said), second = d.file("b.log", b_said), third = d.file("a2.log", again_said);
  auto const result = run_program({"check", first, second, third});
  INFO(result.output << result.errors);
  CHECK(result.code == 0);
  CHECK_THAT(result.output, StartsWith("leader: 3 terms, 0 overlaps, 0 token regressions"));
  // The same lines under another name: two holders of one token.
  auto stolen = b_said;
  for (std::size_t at = 0; (at = stolen.find("\"candidate\":\"B\"", at)) != std::string::npos; ++at)
    stolen.replace(at, 15, "\"candidate\":\"C\"");
  auto const thief = run_program({"check", first, second, d.file("c.log", stolen)});
  CHECK(thief.code == 1);
  CHECK_THAT(thief.output, ContainsSubstring("was won by B and by C"));
}
