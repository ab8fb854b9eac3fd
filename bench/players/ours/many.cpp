// W5: holds, or waits in, many elections of one store until the harness has seen enough from outside.
#include "players/ours/ours.hpp"
#include <deque>

namespace bench {
namespace {

struct crowd {
  explicit crowd(asio::io_context& loop) : io(loop) {}

  void add(std::shared_ptr<coelect::store> const& store, std::string const& election) {
    auto& e = electors.emplace_back(candidate(io, store, election));
    e.campaign([this](boost::system::error_code ec, coelect::leadership won) {
      if (ec) throw std::runtime_error(ec.message());
      terms.push_back(std::move(won));
      if (terms.size() == wanted) say_ready();
    });
  }

  asio::io_context& io;
  std::deque<coelect::elector> electors;
  std::deque<coelect::leadership> terms;
  std::size_t wanted = 0;
};

}  // namespace

/// All campaigns are started at once, as a server does that owns many things.
void hold_or_wait(options const& o) {
  asio::io_context io(1);
  crowd all(io);
  bool const hold = o.workload == "hold";
  auto const begin = now();
  {
    auto const store = etcd_store(io, o);
    if (hold) all.wanted = static_cast<std::size_t>(o.n);
    for (int i = 0; i < o.n; ++i) all.add(store, "h/" + std::to_string(i));
  }
  if (!hold) say_ready();  // who waits does not hear of it; the harness counts the keys
  harness_says enough(io);
  enough.go([&io] { io.stop(); });
  io.run();
  std::size_t valid = 0;
  for (auto const& term : all.terms) valid += term.valid() ? 1 : 0;
  metrics m;
  m.put("still_valid", static_cast<double>(valid));
  m.put("lasted_s", now() - begin);
  m.print();
  std::fflush(stdout);
  ::_exit(0);  // the server is thrown away: nobody needs ten thousand resignations
}

}  // namespace bench
