// W4: many elections at the same time, each won and resigned from again and again. Elections per second.
#include "players/ours/ours.hpp"

namespace bench {
namespace {

struct tally {
  long elections = 0;
  long unconfirmed = 0;  // resignations that the store did not confirm in time
  int running = 0;
  double stop_at = 0;
  std::exception_ptr failed;
};

/// What is not confirmed in time does not count; the store goes on trying by itself.
asio::awaitable<void> once(coelect::elector& e, tally& all) {
  coelect::leadership term = co_await e.campaign();
  if (!term.valid()) throw std::runtime_error("leads, but is not valid");
  boost::system::error_code ec;
  co_await term.resign(asio::redirect_error(asio::use_awaitable, ec));
  if (ec && ec != coelect::cond::transient) throw boost::system::system_error(ec);
  ++(ec ? all.unconfirmed : all.elections);
}

coelect::elector patient_candidate(asio::io_context& io, std::shared_ptr<coelect::store> where, int i) {
  coelect::elector_options how;
  how.election = "w4/" + std::to_string(i);
  how.release_timeout = std::chrono::seconds(10);  // a thousand at once take longer than the second it is by default
  return coelect::elector(io.get_executor(), std::move(where), how);
}

/// All elections in one store: one lease, the connections of the store.
asio::awaitable<void> kept(asio::io_context& io, std::shared_ptr<coelect::store> store, int i, tally& all) {
  auto e = patient_candidate(io, store, i);
  while (now() < all.stop_at) {
    co_await once(e, all);
  }
}

/// A store, so a lease and connections, for each election.
asio::awaitable<void> fresh(asio::io_context& io, options const& o, int i, tally& all) {
  while (now() < all.stop_at) {
    auto e = patient_candidate(io, etcd_store(io, o), i);
    co_await once(e, all);
  }
}

}  // namespace

void throughput(options const& o) {
  asio::io_context io(1);
  metrics m;
  tally all;
  std::shared_ptr<coelect::store> store;
  std::unique_ptr<coelect::elector> keeper;  // so that the lease is held all the time, as a server's is
  coelect::leadership held;
  if (o.mode == "kept") {
    store = etcd_store(io, o);
    keeper = std::make_unique<coelect::elector>(candidate(io, store, "keeper"));
    keeper->campaign([&](boost::system::error_code ec, coelect::leadership won) {
      if (ec) throw std::runtime_error(ec.message());
      held = std::move(won);
    });
    while (!held) io.run_one();
  }
  cpu_meter cpu(o.server_pid);
  auto const begin = now();
  all.stop_at = begin + o.seconds;
  all.running = o.n;
  auto const done = [&](std::exception_ptr e) {
    if (e) all.failed = e;
    if (--all.running == 0 || e) io.stop();
  };
  for (int i = 0; i < o.n; ++i) {
    if (o.mode == "kept") asio::co_spawn(io, kept(io, store, i, all), done);
    else asio::co_spawn(io, fresh(io, o, i, all), done);
  }
  io.restart();
  io.run();
  if (all.failed) std::rethrow_exception(all.failed);
  auto const took = now() - begin;
  auto const elections = static_cast<double>(all.elections);
  if (all.elections == 0) throw std::runtime_error("no election was won");
  m.put("elections", elections);
  m.put("elections_per_s", elections / took);
  m.put("unconfirmed", static_cast<double>(all.unconfirmed));
  cpu.put(m, elections);
  m.print();
}

}  // namespace bench
