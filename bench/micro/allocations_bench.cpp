// Counts how often our client asks for memory: for an election in a kept store, and for each renewal of its lease.
#include "micro/counted.hpp"
#include "players/ours/ours.hpp"
#include "support/etcd_server.hpp"

namespace {

using namespace bench;

constexpr int elections = 200;

double keep_alives_so_far(std::uint16_t port) {
  auto const page = coelect::test::http_get(port, "/metrics").text;
  auto const at = page.find("grpc_server_msg_received_total{grpc_method=\"LeaseKeepAlive\"");
  return at == std::string::npos ? 0 : std::atof(page.c_str() + page.find(' ', page.find('}', at)));
}

struct counts {
  double election = 0, renewal = 0;
};

asio::awaitable<void> elect(coelect::elector& e) {
  coelect::leadership term = co_await e.campaign();
  co_await term.resign();
}

/// A coroutine of the caller's own makes frames too: two for each election (elect, and the awaiting of it).
asio::awaitable<void> measure(asio::io_context& io, options const& o, std::uint16_t port, counts& out) {
  auto const store = etcd_store(io, o);
  auto keeper = candidate(io, store, "keeper");
  auto e = candidate(io, store, "election");
  coelect::leadership held = co_await keeper.campaign();
  for (int i = 0; i < warm_up; ++i) co_await elect(e);
  auto const before = allocations_so_far();
  for (int i = 0; i < elections; ++i) co_await elect(e);
  out.election = static_cast<double>(allocations_so_far() - before) / elections;
  auto renewals = keep_alives_so_far(port);
  auto const idle = allocations_so_far();
  co_await pause(o.ttl * 0.75);
  auto const made = static_cast<double>(allocations_so_far() - idle);
  renewals = keep_alives_so_far(port) - renewals;
  if (renewals < 1) throw std::runtime_error("nothing was renewed");
  if (!held.valid()) throw std::runtime_error("the lease was lost");
  out.renewal = made / renewals;
  co_await held.resign();
}

}  // namespace

// allocations-bench [--lines]
int main() {
  try {
    coelect::test::etcd_server const server;
    options o;
    o.endpoint = server.endpoint();
    o.ttl = 6;  // seconds; a request may take a fifth of what is trusted, 0.9 s
    asio::io_context io(1);
    counts counted;
    run_to_the_end(io, measure(io, o, server.client_port(), counted));
    std::printf("{\"row\":\"election in a kept etcd store\",\"allocations\":%.1f}\n", counted.election);
    std::printf("{\"row\":\"renewal of an etcd lease\",\"allocations\":%.1f}\n", counted.renewal);
    std::puts("{\"end\":1}");
    return 0;
  } catch (std::exception const& e) {
    std::fprintf(stderr, "allocations-bench: %s\n", e.what());
    return 1;
  }
}
