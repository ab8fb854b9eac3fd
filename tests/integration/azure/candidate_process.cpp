// A candidate as a process of its own, for the tests that kill and stop it: says what it does, line by line.
//
// azure-candidate NAME ELECTION CONNECTION_STRING. Writes the blob ELECTION-state under its term all the time. Lines:
//   won TOKEN | wrote | refused | failed WHY | ended HOW
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <coelect/coelect.hpp>
#include <cstdio>
#include <string>

using namespace coelect;
using namespace std::chrono_literals;

namespace {

class candidate {
public:
  candidate(boost::asio::io_context& io, std::shared_ptr<store> where, std::string name, std::string election)
      : name_(name),
        state_(election + "-state"),
        elector_(io.get_executor(), std::move(where), {.election = election, .candidate = name}),
        pause_(io) {}

  void stand() {
    elector_.campaign([this](error_code ec, leadership won) {
      if (ec) return say("failed " + ec.message());
      term_ = std::move(won);
      say("won " + std::to_string(term_.fencing_token()));
      term_.lost(
          [this](error_code, term_end const& how) { say(std::string("ended ") + coelect::to_string(how.how())); });
      write();
    });
  }

private:
  void write() {
    term_.guarded_put(state_, name_, [this](error_code ec) {
      say(!ec ? "wrote" : ec == errc::not_leader ? "refused" : "failed " + ec.message());
      if (ec == errc::not_leader) return;
      pause_.expires_after(20ms);
      pause_.async_wait([this](error_code) { write(); });
    });
  }
  static void say(std::string const& what) {
    std::printf("%s\n", what.c_str());
    std::fflush(stdout);
  }

  std::string name_, state_;
  elector elector_;
  leadership term_;
  boost::asio::steady_timer pause_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  boost::asio::io_context io;
  azure_blob_store_options how;
  how.create_container = true;
  how.timing.ttl = 15s;
  candidate c(io, make_azure_blob_store(io.get_executor(), argv[3], how), argv[1], argv[2]);
  c.stand();
  io.run();
}
