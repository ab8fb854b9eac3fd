// `coelect demo` and `coelect simulate` on Azure Blob leases, which last 15 s at least.
#include "azure_site.hpp"
#include <csignal>

using namespace coelect::test;

TEST_CASE("azure: the demo replaces killed and stopped leaders within 100 s", "[azure]") {
  azure_site const here;
  scratch_directory const directory;
  auto const svg = (directory.path() / "timeline.svg").string();
  words const key{"--account-key-file", here.file_with(here.key())};
  auto const begin = std::chrono::steady_clock::now();
  program demo(here.on({"demo", "--svg", svg, "--create-container", "--verbose", key[0], key[1]}));
  demo.line_with("at " + here.url() + ", leases of 15 s");
  demo.line_with("takes up to 65 s");
  demo.line_with("is killed (SIGKILL)");
  demo.line_with(" s after the kill");
  demo.line_with("is stopped (SIGSTOP)");
  demo.line_with(" s after the stop");
  demo.line_with("goes on (SIGCONT); another one has taken over");
  demo.line_with("resigns (SIGINT)");
  demo.line_with("after that was asked");
  demo.line_with("is killed (SIGKILL)");
  demo.line_with(" s after the kill");
  CHECK(demo.exit_code() == 0);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(100));
  CHECK_THAT(demo.output(), ContainsSubstring("5 terms, tokens "));
  CHECK_THAT(demo.output(), ContainsSubstring("each larger than the one before"));
  shows_no(here.key(), demo.output() + demo.errors());
  CHECK_THAT(read_file(svg), ContainsSubstring("Azure Blob store, leases of 15 s"));
}

TEST_CASE("azure: a simulated node runs, and resigns at the end", "[azure]") {
  azure_site const here;
  scratch_directory const directory;
  auto const svg = (directory.path() / "timeline.svg").string();
  program one(here.on({"simulate", "--id", "node1", "--duration", "3", "--create-container", "--svg", svg}),
              azure_site::with_key());
  one.line_with("node1 stands for 3.0 s at " + here.url() + ", leases of 15 s");
  one.line_with(" leads, token ");
  one.line_with("All resign.");
  CHECK(one.exit_code() == 0);
  CHECK_THAT(one.output(), ContainsSubstring("1 term, token "));
  CHECK_THAT(one.output(), ContainsSubstring("node1 led all the time since the first election"));
  CHECK(run_program(here.on({"leader", "--election", "coelect-simulation"}), azure_site::with_key()).code == 3);
}
