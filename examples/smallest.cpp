// The smallest program: one of several copies does the cleaning, the others wait for their turn.
#include <boost/asio.hpp>
#include <coelect/coelect.hpp>
#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> clean_up(coelect::leadership& term) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer tick(executor);
  for (int round = 0; round < 3 && term.valid(); ++round) {  // may I still act? nanoseconds, no I/O
    std::cout << "cleaning up under token " << term.fencing_token() << std::endl;
    tick.expires_after(std::chrono::milliseconds(200));
    co_await tick.async_wait(asio::use_awaitable);
  }
}

int main() {
  asio::io_context io;
  auto store = coelect::open_store(io.get_executor(), "file:/var/tmp");
  coelect::elector elector(io.get_executor(), store, {.election = "cleaner"});
  auto signal = elector.signal();  // copy it into request handlers: signal.is_leader(), from any thread
  asio::co_spawn(io, coelect::lead(elector, clean_up), [&](std::exception_ptr failed, coelect::term_end end) {
    if (failed) std::rethrow_exception(failed);
    std::cout << "done: " << coelect::to_string(end.how()) << ", leading: " << signal.is_leader() << std::endl;
  });
  io.run();
}
