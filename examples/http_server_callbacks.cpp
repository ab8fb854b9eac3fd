// The same server without coroutines: every operation takes a callback.
//   http_server_callbacks file:/var/tmp [PORT]
#include "leader_page.hpp"
#include <boost/asio.hpp>
#include <coelect/coelect.hpp>
#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;
using coelect::error_code;

namespace {

class server {
public:
  server(char const* url, std::uint16_t port)
      : elector_(io_.get_executor(), coelect::open_store(io_.get_executor(), url), {.election = "billing"}) {
    auto const page = [signal = elector_.signal()] { return signal.is_leader() ? "leader\n" : "follower\n"; };
    auto const listening_on = example::serve_leader_page(io_.get_executor(), port, page);
    std::cout << "http://127.0.0.1:" << listening_on << "/leader" << std::endl;
  }

  void run() {
    signals_.async_wait([this](error_code, int) {
      every_second_.cancel();
      elector_.stop([this](error_code) { io_.stop(); });
    });
    stand();
    io_.run();
  }

private:
  void stand() {
    elector_.campaign([this](error_code ec, coelect::leadership term) {
      if (ec) return std::cerr << ec.message() << std::endl, void();
      on_leadership_gained(std::move(term));
    });
  }

  void on_leadership_gained(coelect::leadership term) {
    term_ = std::move(term);
    std::cout << "leadership gained, token " << term_.fencing_token() << std::endl;
    term_.lost([this](error_code, coelect::term_end end) { on_leadership_lost(end); });
    bill();
  }

  void on_leadership_lost(coelect::term_end const& end) {
    std::cout << "leadership lost: " << coelect::to_string(end.how()) << std::endl;
    every_second_.cancel();
    if (end.how() != coelect::end_of_term::stopped) stand();
  }

  void bill() {
    if (!term_.valid()) return;
    std::cout << "billing under token " << term_.fencing_token() << std::endl;
    every_second_.expires_after(std::chrono::seconds(1));
    every_second_.async_wait([this](error_code ec) {
      if (!ec) bill();
    });
  }

  asio::io_context io_;
  asio::signal_set signals_{io_, SIGINT, SIGTERM};
  asio::steady_timer every_second_{io_};
  coelect::elector elector_;
  coelect::leadership term_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    server(argc > 1 ? argv[1] : "file:/var/tmp", static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0)).run();
  } catch (std::exception const& e) {
    std::cerr << e.what() << std::endl;
    return 2;
  }
}
