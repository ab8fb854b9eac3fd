// A whole program over the memory store: stands, leads, resigns. Both consumer projects build it.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <coelect/coelect.hpp>
#include <exception>
#include <iostream>

namespace {

boost::asio::awaitable<void> lead_once(coelect::elector& candidate, bool& led) {
  coelect::leadership term = co_await candidate.campaign(boost::asio::use_awaitable);
  std::cout << "token " << term.fencing_token() << '\n';
  led = term.valid() && term.fencing_token() > 0;
  co_await term.resign(boost::asio::use_awaitable);
  led = led && !term.valid();
}

}  // namespace

int main() {
  boost::asio::io_context context;
  coelect::elector_options options{.election = "leader", .candidate = "consumer"};
  coelect::elector candidate(context.get_executor(), coelect::make_memory_store(context.get_executor()), options);
  bool led = false;
  boost::asio::co_spawn(context, lead_once(candidate, led), [](std::exception_ptr const& trouble) {
    if (trouble) std::rethrow_exception(trouble);
  });
  context.run();
  std::cout << (led ? "led and resigned" : "did not lead") << '\n';
  return led ? 0 : 1;
}
