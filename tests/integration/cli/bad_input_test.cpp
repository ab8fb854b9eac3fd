// Wrong command lines and settings: exit code 2, and a message that names the field and what would be right.
#include "place.hpp"
#include "support/catch.hpp"
#include <fstream>

using namespace coelect::test;

namespace {

// Exits with 2 and says all of `parts` on stderr, and nothing else happens.
void refused(words arguments, words const& parts, program::setting how = {}) {
  auto const end = run_program(std::move(arguments), std::move(how));
  CAPTURE(end.output);
  CHECK(end.code == 2);
  for (auto const& part : parts) CHECK_THAT(end.errors, ContainsSubstring(part));
}

}  // namespace

TEST_CASE("a command line that makes no sense is refused", "[cli]") {
  place const here;
  refused({}, {"subcommand"});
  refused({"govern"}, {"govern", "--help"});
  refused(here.on({"campaign", "--bogus"}), {"--bogus"});
  refused(here.on({"leader", "surplus"}), {"surplus"});
  refused(here.on({"run"}), {"command", "--"});
  refused(here.on({"run", "sleep", "1"}), {"sleep", "after --"});
  refused(here.on({"campaign", "--heartbeat", "-1"}), {"--heartbeat", "-1", "0 to 86400"});
  refused(here.on({"run", "--grace", "soon", "--", "true"}), {"--grace", "soon", "2.5"});
  refused(here.on({"depose", "--wait", "nan"}), {"--wait", "nan"});
}

TEST_CASE("a store URL that is not understood is refused", "[cli]") {
  refused({"campaign", "--store", "carrier-pigeon:/coop"}, {"store URL", "carrier-pigeon", "file:"});
  refused({"leader", "--store", "somewhere"}, {"store URL", "somewhere", "file:/var/lib/app"});
  refused({"watch", "--store", "file:relative/path"}, {"store URL", "absolute"});
  refused({"leader"}, {"store URL", "carrier-pigeon"}, {.environment = {"COELECT_STORE=carrier-pigeon:"}});
}

TEST_CASE("names that cannot be used are refused", "[cli]") {
  place const here;
  refused(here.on({"campaign", "--election", ""}), {"election", "required"});
  refused(here.on({"campaign", "--election", std::string(129, 'x')}), {"election", "129", "128"});
  refused(here.on({"leader", "--election", "a b"}), {"election", "letters"});
  refused(here.on({"campaign", "two words"}), {"candidate", "blanks"});
  refused(here.on({"campaign", "--value", std::string(70'000, 'v')}), {"value", "70000", "65536"});
}

TEST_CASE("timings that contradict the store are refused", "[cli]") {
  place const here;
  refused(here.on({"campaign", "--ttl", "5"}), {"ttl", "file store", "leave it out"});
  refused({"campaign", "--store", "memory:", "--ttl", "0"}, {"--ttl", "0.001"});
  refused({"campaign", "--store", "memory:", "--ttl", "100000"}, {"--ttl", "86400"});
  refused({"campaign", "--store", "memory:", "--ttl", "0.001"}, {"ttl"});
}

TEST_CASE("a place that cannot hold elections is refused", "[cli]") {
  place const here;
  refused({"campaign", "--store", here.url() + "/missing"}, {"directory", "missing", "create it"});
  refused({"campaign", "--store", "file:/proc"}, {"/proc"});
  refused({"campaign", "--store", "file:" + here.lock_file().string()}, {"directory", "leader.lock"});
  auto const no_home = program::setting{.environment = {"XDG_STATE_HOME=/proc/nowhere"}};
  refused({"leader"}, {"store", "/proc/nowhere", "--store"}, no_home);
}

TEST_CASE("a lock file with garbage is refused with the cure", "[cli]") {
  place const here;
  std::ofstream(here.lock_file()) << "this was never written by coelect\n";
  refused(here.candidate("A"), {"damaged", "leader.lock", "delete"});
  CHECK(read_file(here.lock_file()) == "this was never written by coelect\n");
}

TEST_CASE("the demo refuses an SVG file that cannot be written, before it begins", "[cli]") {
  refused({"demo", "--svg", "/proc/timeline.svg"}, {"svg", "/proc/timeline.svg", "--svg"});
}

TEST_CASE("help and version go to standard output", "[cli]") {
  for (std::string const command : {"campaign", "run", "leader", "watch", "depose", "demo"}) {
    auto const end = run_program({command, "--help"});
    CHECK(end.code == 0);
    CHECK_THAT(end.output, ContainsSubstring("Example"));
    CHECK_THAT(end.output, ContainsSubstring("Exit codes"));
    CHECK(end.errors.empty());
  }
  CHECK_THAT(run_program({"--version"}).output, StartsWith("coelect "));
  CHECK_THAT(run_program({"depose", "--help"}).output, ContainsSubstring("overlap"));
  CHECK_THAT(run_program({"run", "--help"}).output, ContainsSubstring("SIGSTOP"));
}
