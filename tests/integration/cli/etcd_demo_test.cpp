// `coelect demo` on etcd: leases run out there, so dead and stopped leaders are replaced later, but they are.
#include "etcd_site.hpp"
#include "support/catch.hpp"
#include "support/scratch_directory.hpp"
#include <csignal>
#include <fstream>
#include <regex>

using namespace coelect::test;

namespace {

struct bar {
  double begin, end;
};

/// What is drawn in `fill`, in the order of the picture.
std::vector<bar> bars(std::string const& picture, std::string const& fill) {
  std::regex const one(R"re(<rect x="([0-9.]+)" [^>]*width="([0-9.]+)"[^>]* fill=")re" + fill + "\"");
  std::vector<bar> all;
  for (std::sregex_iterator at(picture.begin(), picture.end(), one), end; at != end; ++at)
    all.push_back({std::stod((*at)[1]), std::stod((*at)[1]) + std::stod((*at)[2])});
  return all;
}

}  // namespace

TEST_CASE("etcd: the demo replaces killed and stopped leaders", "[etcd]") {
  etcd_site const here(with_logins());
  enable_users(here.server());
  scratch_directory const directory;
  auto const svg = (directory.path() / "timeline.svg").string();
  auto const file = (directory.path() / "password").string();
  std::ofstream(file) << canary << "\n";
  auto const begin = std::chrono::steady_clock::now();
  program demo(here.on({"demo", "--svg", svg, "--user", "app", "--password-file", file, "--verbose"}));
  demo.line_with("at " + here.url() + ", leases of 4 s");
  demo.line_with("is killed (SIGKILL)");
  demo.line_with(" s after the kill");
  demo.line_with("is stopped (SIGSTOP)");
  demo.line_with(" s after the stop");
  demo.line_with("goes on (SIGCONT); another one has taken over");
  CHECK_THAT(demo.line_with("knows that it has lost token "), ContainsSubstring("after it went on"));
  demo.line_with("resigns (SIGINT)");
  demo.line_with("after that was asked");
  demo.line_with("is killed (SIGKILL)");
  demo.line_with(" s after the kill");
  CHECK(demo.exit_code() == 0);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(40));
  CHECK_THAT(demo.output(), ContainsSubstring("Take-over after a stop: "));
  CHECK_THAT(demo.output(), ContainsSubstring("5 terms, tokens "));
  CHECK_THAT(demo.output(), ContainsSubstring("each larger than the one before"));
  CHECK(demo.errors().find("elected") != std::string::npos);  // --verbose reaches the candidates
  CHECK((demo.output() + demo.errors()).find(canary) == std::string::npos);
  auto const picture = read_file(svg);
  CHECK_THAT(picture, ContainsSubstring("etcd store, leases of 4 s"));
  CHECK_THAT(picture, ContainsSubstring("grey once it is replaced"));
  CHECK_THAT(picture, ContainsSubstring("knows that it has lost"));
  auto const stop = bars(picture, R"(url\(#stopped\))");
  REQUIRE(stop.size() == 1);
  int replaced = 0;  // whose term ends while they are stopped
  for (auto const& term : bars(picture, "#(?:2563eb|0d8a6a|c2570c)"))
    if (term.begin < stop[0].begin && term.end > stop[0].begin && term.end < stop[0].end - 10) ++replaced;
  CHECK(replaced == 1);
}

TEST_CASE("etcd: the demo gives up at once when no candidate can stand", "[etcd]") {
  etcd_site const here;
  scratch_directory const directory;
  auto const svg = (directory.path() / "timeline.svg").string();
  program demo(here.on({"demo", "--svg", svg, "--user", "app"}), {.environment = {"COELECT_PASSWORD=" + canary}});
  demo.error_line_with("not enabled");
  demo.line_with("Nobody stands any more: giving up.");
  CHECK(demo.exit_code() == 1);
}

TEST_CASE("the demo goes to a cluster only when one is named", "[etcd]") {
  scratch_directory const directory;
  auto const svg = (directory.path() / "timeline.svg").string();
  program demo({"demo", "--svg", svg}, {.environment = {"ETCD_HOST=127.0.0.1", "ETCDCTL_ENDPOINTS=127.0.0.1:1"}});
  demo.line_with("Three candidates of one election at file:");
  demo.signal(SIGINT);
  CHECK(demo.exit_code() == 0);
}
