// W1: one candidate, nobody else. Microseconds until it leads, and until everything has been given back.
#include "players/ours/ours.hpp"

namespace bench {
namespace {

struct times {
  std::vector<double> lead_us, cycle_us;
};

asio::awaitable<void> one_term(coelect::elector& e, double& leads_at) {
  coelect::leadership term = co_await e.campaign();
  leads_at = now();
  if (!term.valid()) throw std::runtime_error("leads, but is not valid");
  co_await term.resign();
}

asio::awaitable<void> one_term_of(std::unique_ptr<coelect::elector> e, double& leads_at) {
  co_await one_term(*e, leads_at);
}

/// A store for each election: connections, a lease and, at the end, its revocation. What is left to do after the
/// resignation is waited for: the loop ends when the lease has been given back.
void fresh(asio::io_context& io, options const& o, times& out, bool counts) {
  double leads_at = 0;
  auto const begin = now();
  auto store = etcd_store(io, o);
  auto elector = std::make_unique<coelect::elector>(candidate(io, store, "w1"));
  store.reset();
  run_to_the_end(io, one_term_of(std::move(elector), leads_at));
  if (!counts) return;
  out.lead_us.push_back((leads_at - begin) * 1e6);
  out.cycle_us.push_back((now() - begin) * 1e6);
}

asio::awaitable<void> kept(coelect::elector& e, options const& o, times& out, cpu_meter& cpu) {
  for (int i = 0; i < o.rounds + warm_up; ++i) {
    if (i == warm_up) cpu.restart();
    double leads_at = 0;
    auto const begin = now();
    co_await one_term(e, leads_at);
    if (i < warm_up) continue;
    out.lead_us.push_back((leads_at - begin) * 1e6);
    out.cycle_us.push_back((now() - begin) * 1e6);
  }
}

asio::awaitable<void> kept_with_lease_held(coelect::elector& e, coelect::elector& keeper, options const& o, times& out,
                                           cpu_meter& cpu, metrics& m) {
  coelect::leadership other = co_await keeper.campaign();  // a process with a session has something to do in it
  co_await kept(e, o, out, cpu);
  cpu.put(m, o.rounds);
  co_await other.resign();
}

}  // namespace

void campaigns(options const& o) {
  asio::io_context io(1);
  times out;
  metrics m;
  cpu_meter cpu(o.server_pid);
  if (o.mode == "kept") {
    auto store = etcd_store(io, o);
    auto keeper = candidate(io, store, "keeper");
    auto e = candidate(io, store, "w1");
    store.reset();
    run_to_the_end(io, kept_with_lease_held(e, keeper, o, out, cpu, m));
  } else {
    for (int i = 0; i < o.rounds + warm_up; ++i) {
      if (i == warm_up) cpu.restart();
      fresh(io, o, out, i >= warm_up);
    }
    cpu.put(m, o.rounds);
  }
  m.put_all("lead_us", std::move(out.lead_us));
  m.put_all("cycle_us", std::move(out.cycle_us));
  m.print();
}

}  // namespace bench
