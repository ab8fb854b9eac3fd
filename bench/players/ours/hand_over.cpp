// W2: the leader resigns while another one waits. Microseconds from the resignation to the other's first valid().
#include "players/ours/ours.hpp"

namespace bench {
namespace {

/// One of two candidates, each with a store of its own as if in a process of its own.
struct side {
  side(asio::io_context& io, options const& o) : elector(candidate(io, etcd_store(io, o), "w2")), bell(io) {}

  void wait_for_turn() {
    term = {};
    bell.expires_at(asio::steady_timer::time_point::max());
    elector.campaign([this](boost::system::error_code ec, coelect::leadership won) {
      won_at = now();
      failed = ec;
      term = std::move(won);
      bell.cancel();
    });
  }
  asio::awaitable<void> leads() {
    while (!term && !failed) {
      boost::system::error_code ignored;
      co_await bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (failed) throw std::runtime_error(failed.message());
    if (!term.valid()) throw std::runtime_error("leads, but is not valid");
  }

  coelect::elector elector;
  coelect::leadership term;
  asio::steady_timer bell;
  boost::system::error_code failed;
  double won_at = 0;
};

asio::awaitable<void> play(asio::io_context& io, options const& o, std::vector<double>& took_us, metrics& m) {
  side sides[2] = {{io, o}, {io, o}};
  sides[0].wait_for_turn();
  co_await sides[0].leads();
  cpu_meter cpu(o.server_pid);
  for (int i = 0; i < o.rounds; ++i) {
    side& leader = sides[i % 2];
    side& next = sides[(i + 1) % 2];
    next.wait_for_turn();
    co_await pause(o.settle_ms / 1e3);
    auto const begin = now();
    co_await leader.term.resign();
    co_await next.leads();
    took_us.push_back((next.won_at - begin) * 1e6);
  }
  cpu.put(m, o.rounds);
  co_await sides[o.rounds % 2].term.resign();
}

}  // namespace

void hand_over(options const& o) {
  asio::io_context io(1);
  std::vector<double> took_us;
  metrics m;
  run_to_the_end(io, play(io, o, took_us, m));
  m.put_all("handover_us", std::move(took_us));
  m.print();
}

}  // namespace bench
