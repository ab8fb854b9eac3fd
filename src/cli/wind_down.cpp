// Decides when a child gets SIGTERM and when SIGKILL because its term is ending. No I/O, no clock.
#include "cli/wind_down.hpp"
#include <algorithm>

namespace coelect::cli {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds unlimited = nanoseconds::max();

// A killed process needs a moment to be gone, and it must be gone before the deadline.
constexpr nanoseconds longest_margin = std::chrono::milliseconds(250);

bool runs_out(term_view const& term) { return !term.over && term.left != unlimited; }

// Timers do not count time that the machine sleeps, so nobody dozes for long near a deadline.
constexpr std::chrono::seconds longest_doze{1};

}  // namespace

bool wind_down::time_to_begin(term_view const& term) const {
  if (term.over || term.wanted_back) return true;
  return term.overdue && term.left <= grace_;
}

wind_down::time_point wind_down::kill_at(term_view const& term, time_point now) const {
  if (term.over && !term.child_holds_lock) return now;
  auto const by_grace = *begun_at_ + grace_;
  return runs_out(term) ? std::min(by_grace, now + term.left - margin_) : by_grace;
}

wind_down::orders wind_down::decide(term_view const& term, time_point now) {
  orders result;
  if (!begun() && !time_to_begin(term)) {
    if (term.overdue) result.look_again = now + std::min<nanoseconds>(term.left - grace_, longest_doze);
    return result;
  }
  if (!begun()) {
    begun_at_ = now;
    if (runs_out(term)) margin_ = std::min(longest_margin, std::max(term.left, nanoseconds(0)) / 4);
    result.terminate = true;
  }
  if (killed_) return result;
  auto const due = kill_at(term, now);
  killed_ = result.kill = now >= due;
  if (!killed_) result.look_again = std::min(due, now + longest_doze);
  return result;
}

}  // namespace coelect::cli
