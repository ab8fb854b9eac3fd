// An HTTP server of which several copies run: all answer /leader, and one at a time does the billing.
//   http_server file:/var/tmp [PORT]        start it in several terminals, kill the leader, watch the next
#include "leader_page.hpp"
#include <boost/asio.hpp>
#include <coelect/coelect.hpp>
#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;

namespace {

/// The ledger refuses whoever comes with an older token than it has seen: a paused leader, say.
coelect::fence ledger;

asio::awaitable<void> bill_customers(coelect::leadership& term) {
  auto const executor = co_await asio::this_coro::executor;
  asio::steady_timer every_second(executor);
  for (;;) {
    bool const may_write = term.valid() && ledger.admit(term.fencing_token());
    if (may_write) std::cout << "billing under token " << term.fencing_token() << std::endl;
    every_second.expires_after(std::chrono::seconds(1));
    co_await every_second.async_wait(asio::use_awaitable);  // ends by cancellation when the term is at risk
  }
}

asio::awaitable<void> stop_on_signal(coelect::elector& elector) {
  auto const executor = co_await asio::this_coro::executor;
  asio::signal_set signals(executor, SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
  co_await elector.stop(asio::use_awaitable);  // drains the billing, then releases
}

}  // namespace

int main(int argc, char** argv) {
  auto const* const url = argc > 1 ? argv[1] : "file:/var/tmp";
  auto const port = static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0);
  asio::io_context server;
  asio::thread_pool renewals(1);  // a blocked server loop then costs no leadership
  try {
    auto store = coelect::open_store(renewals.get_executor(), url);
    coelect::elector elector(server.get_executor(), store, {.election = "billing"});
    auto const signal = elector.signal();
    auto const page = [signal] {
      return signal.is_leader() ? "leader, token " + std::to_string(signal.fencing_token()) + "\n" : "follower\n";
    };
    auto const listening_on = example::serve_leader_page(server.get_executor(), port, page);
    std::cout << "http://127.0.0.1:" << listening_on << "/leader" << std::endl;
    asio::co_spawn(server, stop_on_signal(elector), asio::detached);
    asio::co_spawn(server, coelect::lead(elector, bill_customers), [&](std::exception_ptr, coelect::term_end end) {
      std::cout << "ended: " << coelect::to_string(end.how()) << std::endl;
      server.stop();
    });
    server.run();
  } catch (std::exception const& e) {
    std::cerr << e.what() << std::endl;
    return 2;
  }
}
