// No thread can be started: names are not looked up and lock files not opened, and both work again afterwards.
#include "support/one_host.hpp"
#include "support/scarce.hpp"
#include "support/scratch_directory.hpp"
#include "unit/http/http_bench.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

TEST_CASE("threads: a name that cannot be looked up for want of one is a failed attempt", "[P6][etcd][azure]") {
  scripted_server server(always(sized("ok")));
  http_bench b;
  auto const net = b.reach("localhost", server.port());
  {
    no_more_threads const scarce;
    one_exchange one(*net, post(), b.in(300ms));
    bool answered = false;
    CHECK_NOTHROW(answered = run_until(
                      b.io, [&] { return one.calls == 1; }, 2s));
    REQUIRE(answered);
    CHECK(one.result->how.ec == cond::transient);
    CHECK_FALSE(one.result->sent);
  }
  CHECK(ask(b, *net).how.ok());
}

TEST_CASE("threads: a lock file that cannot be opened for want of one is a failed attempt", "[P6][file]") {
  scratch_directory scratch;
  boost::asio::io_context io;
  file_store_options how;
  how.directory = scratch.path();
  how.request_timeout = 200ms;
  elector_options who;
  who.election = "leader";
  elector a(io.get_executor(), make_file_store(io.get_executor(), how), who);
  catcher<leadership> won;
  a.campaign(won.handler());
  {
    no_more_threads const scarce;
    CHECK_NOTHROW(run_until(
        io, [&] { return !a.last_answer().message().empty(); }, 2s));
    CHECK_FALSE(a.last_answer().message().empty());
    CHECK_FALSE(won.done());
  }
  CHECK(run_until(io, [&] { return won.done(); }));
  CHECK(won.result.valid());
}
