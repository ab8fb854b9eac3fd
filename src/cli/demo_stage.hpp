// The demonstration as it runs: what can be done to the candidates, and what came of it.
#pragma once
#include "cli/demo_cast.hpp"
#include "cli/demo_view.hpp"
#include "cli/session.hpp"
#include "cli/timeline.hpp"
#include <array>
#include <deque>

namespace coelect::cli {

class demo_stage {
public:
  using clock = std::chrono::steady_clock;

  /// `ttl` 0: the store has no leases, a stopped process keeps its hold.
  demo_stage(task_group& tasks, session& with, std::vector<std::string> flags, timeline::time ttl);

  void heading(std::string const& text) { view_.heading(text); }
  void say(std::string const& text) { view_.line(now(), text); }

  void start_all();
  void take_away(timeline::cause how);  ///< Kills the leader, or asks it to resign.
  void stop_leader();
  void go_on();  ///< The stopped one.
  bool holds_run_out() const noexcept { return ttl_ != timeline::time(0); }
  bool someone_is_stopped() const { return cast_.stopped().has_value(); }

  /// Until somebody leads, or a key is pressed. False: nobody did in time.
  boost::asio::awaitable<bool> someone_leads();
  /// Until those that have been replaced know it, or a key is pressed. False: one did not notice in time.
  boost::asio::awaitable<bool> nobody_leads_by_mistake();
  /// Or until a key is pressed. Who is missing is started again meanwhile.
  boost::asio::awaitable<void> pause(std::chrono::milliseconds length);
  boost::asio::awaitable<void> something_happens();  ///< The same for an indefinite, short time.
  boost::asio::awaitable<void> send_home();          ///< Everybody resigns and ends.
  boost::asio::awaitable<void> show();               ///< Keeps the picture up to date.

  bool key_waits() const noexcept { return !keys_.empty(); }
  std::optional<char> next_key();

  void close();  ///< Kills who is left and removes the picture.
  void sum_up();
  std::string drawing(std::string const& kind_of_store) const;

private:
  void restart_missing();
  bool seat_is_open() const;
  void hear(candidate_news const& news);
  void hear_lost(std::size_t who, std::uint64_t token);
  void hear_elected(std::size_t who, std::uint64_t token);
  void press(std::string_view typed);
  void draw_picture();
  std::string named(std::size_t who) const;
  timeline::time now() const { return clock::now() - start_; }

  clock::time_point start_ = clock::now();
  timeline::time ttl_;
  demo_view view_;
  bell news_;
  timeline record_;
  std::vector<std::string> names_;
  demo_cast cast_;
  std::optional<terminal_listener> keyboard_;
  std::deque<char> keys_;
  std::array<timeline::time, 3> gone_at_{};
  timeline::time term_began_{0};
  std::uint64_t stopped_token_ = 0;
  std::optional<timeline::time> went_on_at_;  ///< The one that was stopped last.
  bool closing_ = false;
};

}  // namespace coelect::cli
