// Decides when a child gets SIGTERM and when SIGKILL because its term is ending. No I/O, no clock.
#pragma once
#include <chrono>
#include <optional>

namespace coelect::cli {

/// What is known of a term at one moment.
struct term_view {
  bool over = false;                ///< It has ended; somebody else may lead.
  bool wanted_back = false;         ///< Deposed, or the elector is being stopped; the hold is still renewed.
  bool overdue = false;             ///< No renewal came through; the deadline is near.
  std::chrono::nanoseconds left{};  ///< Before the deadline; max() when there is none.
  /// The child holds the lock, too: nobody else can lead while it lives, whatever happened.
  bool child_holds_lock = false;
};

class wind_down {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit wind_down(std::chrono::nanoseconds grace) : grace_(grace) {}

  struct orders {
    bool terminate = false;
    bool kill = false;
    std::optional<time_point> look_again{};
  };
  /// Each signal is ordered once.
  orders decide(term_view const& term, time_point now);
  bool begun() const noexcept { return begun_at_.has_value(); }

private:
  bool time_to_begin(term_view const& term) const;
  time_point kill_at(term_view const& term, time_point now) const;

  std::chrono::nanoseconds grace_;
  std::chrono::nanoseconds margin_{0};  // SIGKILL comes this long before the deadline
  std::optional<time_point> begun_at_;
  bool killed_ = false;
};

}  // namespace coelect::cli
