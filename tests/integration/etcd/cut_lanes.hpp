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
#include <coelect/coelect.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace coelect::test {

using boost::asio::awaitable;
using boost::asio::use_awaitable;

/// Which fault, and at which bytes of an exchange.
struct cut_plan {
  std::string exchange;
  direction whose = direction::request;
  ending how = ending::rst;
  std::size_t first = 0, step = 1;
  std::size_t end = std::size_t(-1);  ///< Bytes of the exchange; otherwise it is over when a run ends before its cut.
};

struct cut_figures {
  std::size_t next = 0;  ///< Offset that nobody has taken yet.
  bool beyond = false;   ///< A run was over before its cut came: there is no such byte.
  std::size_t runs = 0, cuts = 0, in_doubt = 0;
  std::chrono::milliseconds longest{};
  std::vector<std::string> wrong;
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

protected:
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
    while (!so()) {
      if (std::chrono::steady_clock::now() > end) co_return false;
      pause.expires_after(std::chrono::milliseconds(2));
      co_await pause.async_wait(use_awaitable);
    }
    co_return true;
  }
};

inline awaitable<void> run_lane(cut_lane& l, cut_plan const& plan, cut_figures& w) {
  while (!w.beyond && w.next < plan.end && w.wrong.size() < 10) {
    l.offset = std::exchange(w.next, w.next + plan.step);
    co_await l.get_ready();
    auto const begin = std::chrono::steady_clock::now();
    auto const before = l.proxy.counters().cut;
    l.proxy.cut(plan.whose, l.offset, plan.how);
    co_await l.exchange();
    bool const cut = l.proxy.counters().cut != before;
    w.cuts += cut ? 1 : 0;
    w.beyond = w.beyond || !cut;
    l.proxy.pass();
    co_await l.go_on();
    ++w.runs;
    auto const took = std::chrono::steady_clock::now() - begin;
    w.longest = std::max(w.longest, std::chrono::duration_cast<std::chrono::milliseconds>(took));
  }
  co_await l.leave();
  l.done = true;
}

inline char const* to_string(ending how) {
  if (how == ending::rst) return "RST";
  return how == ending::fin ? "FIN" : "stall";
}

/// Takes the offsets of `plan` with all the lanes. `run` runs the loop until a condition holds, and tells whether it does.
inline cut_figures cut_in_lanes(boost::asio::io_context& io, std::vector<std::unique_ptr<cut_lane>> const& lanes,
                                cut_plan const& plan,
                                std::function<bool(std::function<bool()>, std::chrono::milliseconds)> const& run) {
  cut_figures w;
  w.next = plan.first;
  auto const begin = std::chrono::steady_clock::now();
  for (auto const& lane : lanes) {
    lane->figures = &w;
    lane->done = false;
    boost::asio::co_spawn(io, run_lane(*lane, plan, w), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
  }
  auto const all = [&] { return std::all_of(lanes.begin(), lanes.end(), [](auto const& l) { return l->done; }); };
  if (!run(all, std::chrono::seconds(240))) w.wrong.push_back("not done in time");
  auto const took = std::chrono::steady_clock::now() - begin;
  std::cout << "cut: " << plan.exchange << ", " << (plan.whose == direction::request ? "requests, " : "replies, ")
            << to_string(plan.how) << ": " << w.cuts << " offsets from " << plan.first << " by " << plan.step
            << " below " << std::min(w.next, plan.end) << ", "
            << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms, longest "
            << w.longest.count() << " ms, " << w.in_doubt << " in doubt" << std::endl;
  return w;
}

}  // namespace coelect::test
