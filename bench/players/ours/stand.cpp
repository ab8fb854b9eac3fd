// W3 and W8: a process that stands, tells when it leads, and stays until it is ended from outside.
#include "players/ours/ours.hpp"

namespace bench {

void stand(options const& o) {
  asio::io_context io(1);
  auto e = candidate(io, etcd_store(io, o), "stand");
  coelect::leadership term;
  e.campaign([&](boost::system::error_code ec, coelect::leadership won) {
    if (ec) throw std::runtime_error(ec.message());
    term = std::move(won);
    auto const at = now();
    if (!term.valid()) throw std::runtime_error("leads, but is not valid");
    metrics m;
    m.put("leads_at_s", at);
    m.print();
  });
  harness_says end(io);
  end.go([&io] { io.stop(); });
  io.run();
}

}  // namespace bench
