// Out of memory: one allocation fails, each in turn. What needs no memory, what gets over it, and what nobody may do then.
#include "support/scarce_lives.hpp"
#include "support/scratch_directory.hpp"
#include "unit/http/http_bench.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("memory: asking who leads needs none", "[P6][etcd][azure][file]") {
  one_host h;
  auto e = h.make_elector("A");
  auto const term = h.win(e);
  auto const signal = e.signal();
  bool said = false, failed = true;
  {
    one_allocation_fails const scarce(0);
    said = term.valid() && term.valid_for(1s) && signal.is_leader() && term.fencing_token() == signal.fencing_token() &&
           term.remaining() > 0ns && term.valid_until() > coelect::clock::time_point{};
    failed = scarce.failed();
  }
  CHECK(said);
  CHECK_FALSE(failed);
}

TEST_CASE("memory: an exchange that fails for want of it leaves the next one well", "[P6][etcd][azure]") {
  scripted_server server(always(sized("ok")));
  auto const life = [&](std::size_t n) {
    http_bench b;
    auto const net = b.reach(server);
    {
      one_allocation_fails const scarce(n);
      try {
        one_exchange one(*net, post(), b.in(30ms));
        auto const answered = [&] { return one.calls > 0; };
        goes_on(b.io, answered, 60ms);
        if (one.calls > 1) return life_end::wrong;
      } catch (std::bad_alloc const&) {
      }
      if (!scarce.failed()) return life_end::not_reached;
    }
    one_exchange next(*net, post(), b.in(2s));
    auto const answered = [&] { return next.calls > 0; };
    return goes_on(b.io, answered, 3s) && next.result->how.ok() ? life_end::well : life_end::wrong;
  };
  CHECK(each_allocation_fails(life) == std::vector<std::size_t>());
}

TEST_CASE("memory: whoever fails for want of it harms nobody, and another one leads", "[P6][etcd][azure]") {
  std::shared_ptr<memory_hub> hub;
  auto const open = [&hub](asio::io_context& io) {
    if (!hub) hub = make_memory_hub(io.get_executor());
    memory_store_options how;
    how.hub = hub;
    how.timing.ttl = 100ms;
    return make_memory_store(io.get_executor(), how);
  };
  auto const life = [&](std::size_t n) { return one_reign(n, open, {100ms, 100ms, 3s}); };
  CHECK(each_allocation_fails(life, 3) == std::vector<std::size_t>());
}

TEST_CASE("memory: on files, too, another one leads", "[P6][file]") {
  scratch_directory scratch;
  auto const open = [&](asio::io_context& io) {
    return open_store(io.get_executor(), "file:" + scratch.path().string());
  };
  reign const how{10ms, 100ms, 3s};
  SECTION("who leads") {
    auto const life = [&](std::size_t n) { return one_reign(n, open, how); };
    CHECK(each_allocation_fails(life, 3) == std::vector<std::size_t>());
  }
  SECTION("who waits") {
    auto const life = [&](std::size_t n) { return one_succession(n, open, how); };
    CHECK(each_allocation_fails(life, 3) == std::vector<std::size_t>());
  }
}
