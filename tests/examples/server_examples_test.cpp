// Two copies of each server example: one leads and bills, the other follows and takes over.
#include "leader_page.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/scratch_directory.hpp"

using namespace coelect::test;

namespace {

std::uint16_t port_of(child& server) {
  auto const line = server.line_with("http://127.0.0.1:");
  auto const colon = line.rfind(':');
  return static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)));
}

}  // namespace

TEST_CASE("two copies of a server: one leads, the other takes over when it stops") {
  for (auto const* const program : {HTTP_SERVER, HTTP_SERVER_CALLBACKS, HTTP_SERVER_FUTURES}) {
    INFO(program);
    scratch_directory scratch;
    auto const url = "file:" + scratch.path().string();
    child first({program, url});
    auto const first_port = port_of(first);
    first.line_with("billing under token");
    CHECK_THAT(example::ask_leader_page(first_port), StartsWith("leader"));
    child second({program, url});
    auto const second_port = port_of(second);
    CHECK(example::ask_leader_page(second_port) == "follower\n");
    first.signal(SIGTERM);
    CHECK(first.wait() == 0);
    second.line_with("billing under token");
    CHECK_THAT(example::ask_leader_page(second_port), StartsWith("leader"));
    second.signal(SIGINT);
    CHECK(second.wait() == 0);
  }
}
