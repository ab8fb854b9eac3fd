// A candidate as a process of its own: notes every moment at which it was allowed to act, and writes under its term.
//
// etcd-candidate NAME FILE TTL_MS SLACK_MS ENDPOINT...  Lines of FILE, times of CLOCK_BOOTTIME in ns:
//   valid TOKEN BEGIN END    every sample from BEGIN to END said yes, none further apart than the limit below
//   resumed FIRST TOKEN      we had been stopped for longer than the ttl under TOKEN; FIRST: what valid() said first
//   write TOKEN WHEN ok|refused|unknown
//   end TOKEN WHEN HOW
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <coelect/coelect.hpp>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace coelect;
using namespace std::chrono_literals;

namespace {

using nanoseconds = std::chrono::nanoseconds;

nanoseconds now() { return clock::now().time_since_epoch(); }

/// Appends whole lines, so that a killed process leaves none in half.
class notes {
public:
  explicit notes(char const* path) : file_(std::fopen(path, "a")) { std::setvbuf(file_, nullptr, _IOLBF, 1 << 16); }
  template <class... Values>
  void line(char const* format, Values... values) {
    std::fprintf(file_, format, values...);
  }

private:
  std::FILE* file_;
};

/// What the sampling thread looks at. A term stays alive here after its end: resumed leaders still ask it.
struct shared_term {
  std::shared_ptr<leadership> get() {
    std::lock_guard const lock(mutex);
    return term;
  }
  void set(std::shared_ptr<leadership> next) {
    std::lock_guard const lock(mutex);
    term = std::move(next);
  }
  std::mutex mutex;
  std::shared_ptr<leadership> term;
};

class sampler {
public:
  sampler(notes& out, shared_term& terms, nanoseconds ttl) : out_(out), terms_(terms), ttl_(ttl) {}

  [[noreturn]] void run() {
    auto last = now();
    for (;;) {
      auto const term = terms_.get();
      auto const before = now();
      bool const yes = term && term->valid();
      auto const after = now();
      // Stopped between two samples: the first answer afterwards counts, stopped within one: it says nothing.
      if (term && token_ == term->fencing_token() && before - last > ttl_)
        out_.line("resumed %d %llu\n", yes ? 1 : 0, static_cast<unsigned long long>(token_));
      last = after;
      if (after - before < 1ms) note(term, yes, before, after);
      std::this_thread::sleep_for(1ms);
    }
  }

private:
  static constexpr nanoseconds apart = 50ms;
  static constexpr nanoseconds written_every = 20ms;

  void note(std::shared_ptr<leadership> const& term, bool yes, nanoseconds before, nanoseconds after) {
    auto const token = term ? term->fencing_token() : 0;
    bool const goes_on = yes && token == token_ && begin_.count() != 0 && before - end_ < apart;
    if (!goes_on) flush();
    token_ = token;
    if (!yes) return;
    if (!goes_on) begin_ = after;  // never longer than what was asked for: it said yes between the two
    end_ = before;
    if (end_ - begin_ > written_every) flush(true);
  }

  void flush(bool keep_going = false) {
    if (begin_.count() != 0 && end_ > begin_)
      out_.line("valid %llu %lld %lld\n", static_cast<unsigned long long>(token_),
                static_cast<long long>(begin_.count()), static_cast<long long>(end_.count()));
    begin_ = keep_going ? end_ : nanoseconds(0);
  }

  notes& out_;
  shared_term& terms_;
  nanoseconds ttl_;
  std::uint64_t token_ = 0;
  nanoseconds begin_{}, end_{};
};

class candidate {
public:
  candidate(boost::asio::io_context& io, std::shared_ptr<store> where, std::string name, notes& out, shared_term& terms)
      : io_(io), out_(out), terms_(terms), elector_(io.get_executor(), std::move(where), options(std::move(name))) {}

  void stand() {
    elector_.campaign([this](error_code ec, leadership won) {
      if (ec) {
        out_.line("log campaign ended: %s\n", ec.message().c_str());
        return;
      }
      term_ = std::make_shared<leadership>(std::move(won));
      terms_.set(term_);
      term_->lost([this](error_code e, term_end const& how) {
        if (e) return;
        out_.line("end %llu %lld %s: %s\n", static_cast<unsigned long long>(term_->fencing_token()),
                  static_cast<long long>(now().count()), to_string(how.how()), how.detail().c_str());
        stand();
      });
      write();
    });
  }

private:
  static elector_options options(std::string name) {
    elector_options o;
    o.election = "leader";
    o.candidate = std::move(name);
    return o;
  }

  // The next write is asked for when the last one is answered and 50 ms are over, also after the end of the term.
  void write() {
    auto const held = term_;
    auto done = [this, held](error_code ec) {
      char const* how = !ec ? "ok" : ec == errc::not_leader ? "refused" : "unknown";
      out_.line("write %llu %lld %s\n", static_cast<unsigned long long>(held->fencing_token()),
                static_cast<long long>(now().count()), how);
      if (held != term_ || held->ended()) return;
      auto const t = std::make_shared<boost::asio::steady_timer>(io_, 50ms);
      t->async_wait([this, t, held](error_code) {
        if (held == term_) write();
      });
    };
    held->guarded_put("counter", std::to_string(held->fencing_token()) + " " + std::to_string(++writes_),
                      std::move(done));
  }

  boost::asio::io_context& io_;
  notes& out_;
  shared_term& terms_;
  elector elector_;
  std::shared_ptr<leadership> term_;
  int writes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  notes out(argv[2]);
  etcd_store_options how;
  how.timing.ttl = std::chrono::milliseconds(std::stol(argv[3]));
  how.timing.store_slack = std::chrono::milliseconds(std::stol(argv[4]));
  how.endpoints.assign(argv + 5, argv + argc);
  how.log = [&out](severity level, std::string_view line) {
    if (level == severity::debug) return;
    out.line("log %lld %.*s\n", static_cast<long long>(now().count()), static_cast<int>(line.size()), line.data());
  };
  boost::asio::io_context io;
  auto const ttl = how.timing.ttl;
  auto const where = make_etcd_store(io.get_executor(), how);
  shared_term terms;
  candidate c(io, where, argv[1], out, terms);
  c.stand();
  std::thread([&] { sampler(out, terms, ttl).run(); }).detach();
  io.run();
}
