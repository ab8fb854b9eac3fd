// The service itself. It knows no clock and no timer: its waits come in through the constructor.
#include "billing.hpp"
#include <boost/asio.hpp>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace billing {

asio::awaitable<void> wait_on_a_timer(std::chrono::nanoseconds span) {
  auto const executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, span);
  co_await timer.async_wait(asio::use_awaitable);
}

service::service(asio::any_io_executor executor, std::shared_ptr<coelect::store> where, std::string name, ledger& books,
                 wait_fn wait)
    : elector_(executor, std::move(where), {.election = "billing", .candidate = std::move(name)}),
      books_(books),
      wait_(std::move(wait)),
      body_([this](coelect::leadership& term) { return book_invoices(term); }) {}

void service::start(std::function<void()> done) {
  auto ended = [done = std::move(done)](std::exception_ptr failed, coelect::term_end) {
    if (failed) std::rethrow_exception(failed);
    done();
  };
  asio::co_spawn(elector_.get_executor(), coelect::lead(elector_, body_), std::move(ended));
}

void service::stop() { elector_.stop(asio::detached); }

// Runs while this copy leads; lead() ends its wait when the term is at risk or over.
asio::awaitable<void> service::book_invoices(coelect::leadership& term) {
  for (;;) {
    if (term.valid()) books_.book(term.fencing_token(), ++booked_);
    co_await wait_(200ms);
  }
}

}  // namespace billing
