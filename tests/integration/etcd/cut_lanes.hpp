// Many elections side by side, each behind a proxy of its own: one fault of a connection, at one byte after the other.
#pragma once
#include "support/fault_proxy.hpp"
#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <coelect/coelect.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace coelect::test {

using boost::asio::awaitable;
using boost::asio::use_awaitable;

/// Which bytes a run takes: COELECT_CUT_OFFSET, or else another number each second, so that runs one after the other
/// take others. Strides are different primes: one number says where all of them begin.
inline std::size_t cut_offset() {
  static std::size_t const number = [] {
    auto const* const asked = std::getenv("COELECT_CUT_OFFSET");
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    auto const n = asked ? std::strtoull(asked, nullptr, 10) : static_cast<unsigned long long>(seconds);
    std::cout << "cut: COELECT_CUT_OFFSET=" << n << " takes the same bytes again" << std::endl;
    return static_cast<std::size_t>(n);
  }();
  return number;
}

/// Some runs take a request more than others; after so many there is no such byte.
constexpr std::size_t enough_in_vain = 4;

/// Which fault, and at which bytes of an exchange.
struct cut_plan {
  std::string exchange;
  direction whose = direction::request;
  ending how = ending::rst;
  std::size_t stride = 1;
  std::size_t end = std::size_t(-1);  ///< Bytes of the exchange; otherwise it is over when runs end before their cut.

  std::size_t first() const { return cut_offset() % stride; }
};

struct cut_figures {
  std::size_t next = 0;  ///< Offset that nobody has taken yet.
  std::size_t vain = 0;  ///< So many runs, one after the other, were over before their cut came.
  std::size_t runs = 0, cuts = 0, in_doubt = 0;
  std::chrono::milliseconds longest{};
  std::size_t longest_at = 0;
  std::string story;  ///< Of the longest run: what its store and its candidate said, and when.
  std::vector<std::string> wrong;
};

/// What was said in one run, and when.
struct cut_story {
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  std::string text;

  std::chrono::milliseconds took() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  }
  void add(std::string_view line) {
    text += "  " + std::to_string(took().count()) + " ms  " + std::string(line) + "\n";
  }
};

/// One election and its proxy. Runs in the test's loop, one offset at a time.
class cut_lane {
public:
  explicit cut_lane(std::uint16_t port) : proxy(port) {}
  cut_lane(cut_lane const&) = delete;
  cut_lane& operator=(cut_lane const&) = delete;
  virtual ~cut_lane() = default;

  virtual awaitable<void> get_ready() = 0;  ///< To where the exchange begins, undisturbed.
  virtual awaitable<void> exchange() = 0;   ///< Under the fault.
  virtual awaitable<void> go_on() = 0;      ///< What must hold afterwards, undisturbed again.
  virtual awaitable<void> leave() = 0;      ///< At the end: nothing of it stays in the store.

  fault_proxy proxy;
  std::size_t offset = 0;
  cut_figures* figures = nullptr;
  bool done = false;

  void begin() { *story_ = {}; }
  std::chrono::milliseconds took() const { return story_->took(); }
  std::string const& story() const { return story_->text; }

protected:
  void note(std::string_view line) const { story_->add(line); }
  /// For the store's log. The store may live longer than the lane.
  log_fn tell() const {
    return [story = story_](severity, std::string_view line) { story->add(line); };
  }
  void say(std::string const& what) const { figures->wrong.push_back(std::to_string(offset) + ": " + what); }
  void expect(bool so, std::string const& otherwise) const {
    if (!so) say(otherwise);
  }
  /// Success, or a doubt that the operation's description allows for.
  void accept(error_code ec, std::string const& what) const {
    if (ec == cond::transient) ++figures->in_doubt;
    else if (ec) say(what + ": " + ec.message());
  }
  static awaitable<bool> wait_for(std::function<bool()> so, std::chrono::milliseconds limit) {
    boost::asio::any_io_executor const here = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer pause(here);
    auto const end = std::chrono::steady_clock::now() + limit;
    for (std::chrono::milliseconds each(1); !so(); each = std::min(2 * each, std::chrono::milliseconds(16))) {
      if (std::chrono::steady_clock::now() > end) co_return false;
      pause.expires_after(each);
      co_await pause.async_wait(use_awaitable);
    }
    co_return true;
  }

private:
  std::shared_ptr<cut_story> story_ = std::make_shared<cut_story>();
};

inline awaitable<void> run_lane(cut_lane& l, cut_plan const& plan, cut_figures& w) {
  while (w.vain < enough_in_vain && w.next < plan.end && w.wrong.size() < 10) {
    l.offset = std::exchange(w.next, w.next + plan.stride);
    co_await l.get_ready();
    l.begin();
    auto const before = l.proxy.counters().cut;
    l.proxy.cut(plan.whose, l.offset, plan.how);
    co_await l.exchange();
    bool const cut = l.proxy.counters().cut != before;
    w.cuts += cut ? 1 : 0;
    w.vain = cut ? 0 : w.vain + 1;
    l.proxy.pass();
    co_await l.go_on();
    ++w.runs;
    if (auto const took = l.took(); took > w.longest) {
      w.longest = took;
      w.longest_at = l.offset;
      w.story = l.story();
    }
  }
  co_await l.leave();
  l.done = true;
}

inline char const* to_string(ending how) {
  if (how == ending::rst) return "RST";
  return how == ending::fin ? "FIN" : "stall";
}
inline char const* to_string(direction whose) { return whose == direction::request ? "requests" : "replies"; }

/// The offsets of one plan, and who takes them.
struct cut_group {
  cut_plan plan;
  std::vector<std::unique_ptr<cut_lane>> lanes;
  cut_figures figures{};
  std::chrono::milliseconds took{};

  std::string name() const { return plan.exchange + ", " + to_string(plan.whose) + ", " + to_string(plan.how); }
  bool done() const {
    return std::all_of(lanes.begin(), lanes.end(), [](auto const& l) { return l->done; });
  }
  void print() const {
    auto const& w = figures;
    std::cout << "cut: " << name() << ": " << w.cuts << " offsets from " << plan.first() << " by " << plan.stride
              << " below " << std::min(w.next, plan.end) << ", " << took.count() << " ms, longest " << w.longest.count()
              << " ms (byte " << w.longest_at << "), " << w.in_doubt << " in doubt" << std::endl;
  }
};

using run_until_fn = std::function<bool(std::function<bool()>, std::chrono::milliseconds)>;

/// Takes the offsets of all groups side by side. `run` runs the loop until a condition holds, and tells whether it does.
inline void cut_side_by_side(boost::asio::io_context& io, std::vector<cut_group>& groups, run_until_fn const& run) {
  auto const begin = std::chrono::steady_clock::now();
  for (auto& g : groups) {
    g.figures.next = g.plan.first();
    for (auto const& lane : g.lanes) {
      lane->figures = &g.figures;
      auto over = [&g, begin](std::exception_ptr e) {
        if (e) std::rethrow_exception(e);
        auto const now = std::chrono::steady_clock::now();
        if (!g.done()) return;
        g.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - begin);
        g.print();
      };
      boost::asio::co_spawn(io, run_lane(*lane, g.plan, g.figures), std::move(over));
    }
  }
  auto const all = [&] { return std::all_of(groups.begin(), groups.end(), [](auto const& g) { return g.done(); }); };
  bool const in_time = run(all, std::chrono::hours(1));
  for (auto& g : groups)
    if (!in_time && !g.done()) g.figures.wrong.push_back("not done in time");
}

}  // namespace coelect::test
