// One candidate in a process of its own: samples "may I act?" every millisecond, acts, and notes both.
#include "candidate.hpp"
#include "naive_recipe.hpp"
#include <boost/asio/io_context.hpp>
#include <coelect/coelect.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

namespace versus {
namespace {

using namespace std::chrono_literals;
using nanoseconds = std::chrono::nanoseconds;

nanoseconds now() { return coelect::clock::now().time_since_epoch(); }

/// The term under which we may act now, or 0.
using may_act = std::function<std::uint64_t()>;

/// Whole lines, so that a killed process leaves none in half. Used by two threads: stdio locks.
class notes {
public:
  explicit notes(std::string const& path) : file_(std::fopen(path.c_str(), "a")) {
    if (!file_) std::exit(2);
    std::setvbuf(file_, nullptr, _IOLBF, 1 << 12);
  }
  void may(std::uint64_t term, nanoseconds begin, nanoseconds end) {
    std::fprintf(file_, "may %llu %lld %lld\n", static_cast<unsigned long long>(term),
                 static_cast<long long>(begin.count()), static_cast<long long>(end.count()));
  }
  void write(std::uint64_t term, nanoseconds when) {
    std::fprintf(file_, "write %llu %lld\n", static_cast<unsigned long long>(term),
                 static_cast<long long>(when.count()));
  }

private:
  std::FILE* file_;
};

/// A sample counts only when the clocks read before and after it differ by less than 1 ms: a process that is
/// stopped in between would else be taken for one that said yes all the while.
[[noreturn]] void sample(notes& out, may_act const& ask) {
  std::uint64_t term = 0;
  nanoseconds begin{}, end{};
  for (;;) {
    auto const before = now();
    auto const answer = ask();
    auto const after = now();
    std::this_thread::sleep_for(1ms);
    if (after - before >= 1ms) continue;
    bool const goes_on = answer != 0 && answer == term && before - end < 50ms;
    if (!goes_on && term != 0 && end > begin) out.may(term, begin, end);
    if (!goes_on) begin = after;
    term = answer;
    end = before;
    if (term == 0 || end - begin < 20ms) continue;
    out.may(term, begin, end);
    begin = end;
  }
}

// Looks, works a little, writes: what leaders do. Nobody can look and write in one step.
[[noreturn]] void act(notes& out, may_act const& ask) {
  for (;;) {
    if (auto const term = ask()) {
      std::this_thread::sleep_for(4ms);
      out.write(term, now());
    }
    std::this_thread::sleep_for(6ms);
  }
}

[[noreturn]] void watch_and_act(notes& out, may_act const& ask, std::function<void()> const& run) {
  std::thread([&out, ask] { sample(out, ask); }).detach();
  std::thread([&out, ask] { act(out, ask); }).detach();
  run();
  std::exit(2);  // neither kind ends by itself
}

class coelect_candidate {
public:
  coelect_candidate(std::string name, int ttl_seconds, std::uint16_t port)
      : elector_(io_.get_executor(), where(ttl_seconds, port), options(std::move(name))) {}

  coelect::leadership_signal signal() const { return elector_.signal(); }
  void run() {
    stand();
    io_.run();
  }

private:
  std::shared_ptr<coelect::store> where(int ttl_seconds, std::uint16_t port) {
    coelect::etcd_store_options how;
    how.endpoints = {"http://127.0.0.1:" + std::to_string(port)};
    how.prefix = "coelect/";
    how.timing.ttl = std::chrono::seconds(ttl_seconds);
    how.timing.store_slack = 500ms;  // the server's election timeout
    how.timing.retry_max = 500ms;
    return coelect::make_etcd_store(io_.get_executor(), how);
  }
  static coelect::elector_options options(std::string name) {
    coelect::elector_options how;
    how.election = "leader";
    how.candidate = std::move(name);
    return how;
  }
  void stand() {
    elector_.campaign([this](coelect::error_code ec, coelect::leadership won) {
      if (ec) return stand();
      term_ = std::move(won);
      term_.lost([this](coelect::error_code e, coelect::term_end const&) {
        if (!e) stand();
      });
    });
  }

  boost::asio::io_context io_;
  coelect::elector elector_;
  coelect::leadership term_;
};

}  // namespace

void be_candidate(kind what, std::string const& name, std::string const& file, int ttl_seconds, std::uint16_t port) {
  notes out(file);
  if (what == kind::naive) {
    naive_recipe recipe(name, port, ttl_seconds);
    auto ask = [&recipe]() -> std::uint64_t { return recipe.is_leader() ? recipe.term_for_the_referee() : 0; };
    watch_and_act(out, ask, [&recipe] { recipe.run(); });
  }
  coelect_candidate candidate(name, ttl_seconds, port);
  auto ask = [signal = candidate.signal()]() -> std::uint64_t {
    auto const token = signal.fencing_token();
    return signal.is_leader() ? token : 0;
  };
  watch_and_act(out, ask, [&candidate] { candidate.run(); });
}

}  // namespace versus
