// The real server around the service: a real store, real timers, a ledger that refuses earlier leaders.
//   billing_server file:/var/tmp [HOW MANY]     books so many invoices and ends; start it in several terminals
#include "billing.hpp"
#include <boost/asio.hpp>
#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;

namespace {

class printed_ledger : public billing::ledger {
public:
  explicit printed_ledger(int room) : room_(room) {}
  void book(std::uint64_t token, int invoice) override {
    if (!fence_.admit(token)) return;  // a paused leader that was replaced
    std::cout << "invoice " << invoice << " booked under token " << token << std::endl;
    if (--room_ == 0) full();
  }
  std::function<void()> full;

private:
  coelect::fence fence_;
  int room_;
};

}  // namespace

int main(int argc, char** argv) {
  asio::io_context io;
  try {
    auto const store = coelect::open_store(io.get_executor(), argc > 1 ? argv[1] : "file:/var/tmp");
    printed_ledger books(argc > 2 ? std::atoi(argv[2]) : 3);
    billing::service service(io.get_executor(), store, "", books, billing::wait_on_a_timer);
    books.full = [&] { service.stop(); };
    service.start([] { std::cout << "closed" << std::endl; });
    io.run();
  } catch (std::exception const& e) {
    std::cerr << e.what() << std::endl;
    return 2;
  }
}
