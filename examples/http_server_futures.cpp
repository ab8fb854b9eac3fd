// The same server for threads that block: every operation returns a std::future.
//   http_server_futures file:/var/tmp [PORT]
#include "leader_page.hpp"
#include <boost/asio.hpp>
#include <boost/asio/use_future.hpp>
#include <coelect/coelect.hpp>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>

namespace asio = boost::asio;

namespace {

/// Bills until the term is at risk: the stop token wakes the wait at once.
void bill(coelect::leadership const& term) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  auto const stop = term.stop_token();
  while (!stop.stop_requested() && term.valid()) {
    std::cout << "billing under token " << term.fencing_token() << std::endl;
    wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
  }
}

/// Waits for its turn, bills, stands again; until the elector is stopped.
void stand(coelect::elector& elector) {
  try {
    for (;;) {
      coelect::leadership term = elector.campaign(asio::use_future).get();
      bill(term);
      auto const end = term.ended();
      std::cout << "term over: " << coelect::to_string(end.how()) << std::endl;
      if (!end) term.resign(asio::use_future).wait();
    }
  } catch (boost::system::system_error const& e) {
    std::cout << "standing no more: " << e.code().message() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto const* const url = argc > 1 ? argv[1] : "file:/var/tmp";
  auto const port = static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0);
  asio::thread_pool io(1);
  try {
    asio::signal_set signals(io, SIGINT, SIGTERM);
    coelect::elector elector(io.get_executor(), coelect::open_store(io.get_executor(), url), {.election = "billing"});
    auto const page = [signal = elector.signal()] { return signal.is_leader() ? "leader\n" : "follower\n"; };
    auto const listening_on = example::serve_leader_page(io.get_executor(), port, page);
    std::cout << "http://127.0.0.1:" << listening_on << "/leader" << std::endl;
    std::thread worker(stand, std::ref(elector));
    signals.async_wait(asio::use_future).wait();
    elector.stop(asio::use_future).wait();
    worker.join();
    io.stop();
  } catch (std::exception const& e) {
    std::cerr << e.what() << std::endl;
    return 2;
  }
}
