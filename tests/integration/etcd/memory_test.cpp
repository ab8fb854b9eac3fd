// Out of memory on a real etcd: one allocation fails, each in turn. Nobody waits for ever, and another one leads afterwards.
#include "support/catch.hpp"
#include "support/etcd_server.hpp"
#include "support/scarce_lives.hpp"
#include <coelect/etcd_store.hpp>
#include <random>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// Lives mostly wait: for what never comes, and for leases that nobody gave back.
constexpr std::size_t at_a_time = 8;
constexpr std::size_t usual_step = 13;

reign const how{150ms, 200ms, 8s};

/// Each life has a prefix of its own.
struct its_own {
  explicit its_own(etcd_server const& server) : at(server.endpoint()) {}
  opened for_life(std::size_t n) const {
    return [*this, n](asio::io_context& io) {
      etcd_store_options o;
      o.endpoints = {at};
      o.prefix = std::to_string(n) + "/";
      o.timing.ttl = 2s;
      o.timing.renew_every = 60ms;
      return make_etcd_store(io.get_executor(), o);
    };
  }
  std::string at;
};

std::size_t somewhere() {
  auto const first = std::random_device()() % usual_step;
  UNSCOPED_INFO("from allocation " << first << " on");
  return first;
}

}  // namespace

TEST_CASE("etcd, memory: who fails for want of it while he leads harms nobody", "[P6][etcd]") {
  etcd_options quick;
  quick.quick = true;
  etcd_server server(quick);
  its_own const place(server);
  auto const life = [&](std::size_t n) { return one_reign(n, place.for_life(n), how); };
  CHECK(each_allocation_fails(life, usual_step, somewhere(), at_a_time) == std::vector<std::size_t>());
}

TEST_CASE("etcd, memory: who fails for want of it while he waits does not wait for ever", "[P6][etcd]") {
  etcd_options quick;
  quick.quick = true;
  etcd_server server(quick);
  its_own const place(server);
  auto const life = [&](std::size_t n) { return one_succession(n, place.for_life(n), how); };
  CHECK(each_allocation_fails(life, usual_step, somewhere(), at_a_time) == std::vector<std::size_t>());
}

TEST_CASE("etcd, memory: who fails for want of it while he comes back to a session does not wait for ever",
          "[P6][etcd]") {
  etcd_options quick;
  quick.quick = true;
  etcd_server server(quick);
  its_own const place(server);
  auto const life = [&](std::size_t n) { return one_return(n, place.for_life(n), how); };
  // All of them: these lives are short, and four allocations in a row were what once went wrong.
  CHECK(each_allocation_fails(life, 1, 0, at_a_time) == std::vector<std::size_t>());
}
