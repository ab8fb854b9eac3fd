// W6: one leader and n waiters in one election of one store; each new leader resigns at once. Hand-overs per second.
#include "players/ours/ours.hpp"
#include <deque>

namespace bench {
namespace {

struct queue {
  queue(asio::io_context& loop, options const& o) : io(loop), store(etcd_store(loop, o)), waiters(o.n) {}

  /// In one process each candidate after the first has a lease of its own.
  void add() {
    auto& e = electors.emplace_back(candidate(io, store, "w6"));
    e.campaign([this](boost::system::error_code ec, coelect::leadership won) {
      if (ec) throw std::runtime_error(ec.message());
      auto const at = now();
      if (!won.valid()) throw std::runtime_error("leads, but is not valid");
      term = std::move(won);
      if (!begun) return;
      took_us.push_back((at - last) * 1e6);
      last = at;
      if (static_cast<int>(took_us.size()) == waiters) io.stop();
      else pass_on();
    });
  }
  void pass_on() {
    auto const leaving = std::make_shared<coelect::leadership>(std::move(term));
    leaving->resign([leaving](boost::system::error_code ec) {
      if (ec) throw std::runtime_error(ec.message());
    });
  }

  asio::io_context& io;
  std::shared_ptr<coelect::store> store;
  std::deque<coelect::elector> electors;
  coelect::leadership term;
  std::vector<double> took_us;
  int waiters;
  bool begun = false;
  double last = 0;
};

}  // namespace

void contention(options const& o) {
  asio::io_context io(1);
  queue all(io, o);
  all.add();
  while (!all.term) io.run_one();
  for (int i = 0; i < o.n; ++i) all.add();
  say_ready();
  bool go = false;
  harness_says begin(io);
  begin.go([&go] { go = true; });
  while (!go) io.run_one();
  cpu_meter cpu(o.server_pid);
  auto const started = all.last = now();
  all.begun = true;
  all.pass_on();
  io.run();
  metrics m;
  m.put("handovers_per_s", o.n / (all.last - started));
  cpu.put(m, o.n);
  m.put("rss_mb", own_rss_mb());
  m.put_all("handover_us", std::move(all.took_us));
  m.print();
  std::fflush(stdout);
  ::_exit(0);
}

}  // namespace bench
