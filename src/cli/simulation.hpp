// A simulation as it runs: candidates that crash and resign at random moments, and what came of it.
#pragma once
#include "cli/demo_cast.hpp"
#include "cli/demo_view.hpp"
#include "cli/session.hpp"
#include "cli/timeline.hpp"
#include <vector>

namespace coelect::cli {

/// What is to happen.
struct simulation_plan {
  std::vector<std::string> names;
  bool disturbed = true;  ///< They crash and resign; otherwise they are watched.
  std::uint64_t seed = 0;
  timeline::time ttl{0};  ///< 0: the store has no leases.
  timeline::time duration{0};
};

class simulation {
public:
  using clock = std::chrono::steady_clock;

  simulation(task_group& tasks, session& with, std::vector<std::string> flags, simulation_plan plan);

  void heading(std::string const& text) { view_.heading(text); }

  boost::asio::awaitable<void> play();       ///< For as long as is planned, or until a candidate ends by itself.
  boost::asio::awaitable<void> show();       ///< Keeps the picture up to date.
  boost::asio::awaitable<void> send_home();  ///< Everybody resigns and ends.
  void close();                              ///< Kills who is left and removes the picture.

  /// All candidates ended only when they were made to, and tokens grew.
  bool fine() const { return !failed_ && record_.tokens_grew(); }
  void sum_up(std::size_t columns);
  std::string drawing(std::string const& kind_of_store) const;

private:
  enum class wish { none, crash, resignation };

  bool disturb();  ///< False: nobody leads, or not for long enough.
  void crash(std::size_t who);
  void resign(std::size_t who);
  void restart_due();
  std::optional<std::size_t> another_than(std::size_t leader);
  void hear(candidate_news const& news);
  void hear_elected(std::size_t who, std::uint64_t token);
  void hear_gone(std::size_t who);
  void tell(std::size_t who, std::string const& text, demo_view::tone how = demo_view::tone::plain);
  void draw_picture();
  std::string named(std::size_t who) const;
  timeline_labels labels(std::string subtitle) const;
  std::string take_overs(timeline::cause why) const;
  std::uint64_t draw_number(std::uint64_t below);
  timeline::time between(double least, double most);
  timeline::time now() const { return clock::now() - start_; }

  clock::time_point start_ = clock::now();
  simulation_plan plan_;
  timeline::time pace_;  ///< The usual time between two disturbances.
  std::uint64_t chance_;
  demo_view view_;
  bell news_;
  timeline record_;
  std::vector<wish> wishes_;
  std::vector<timeline::time> back_at_;
  demo_cast cast_;
  timeline::time term_began_{0};
  std::size_t crashes_of_others_ = 0, remarks_left_;
  bool failed_ = false, closing_ = false;
};

}  // namespace coelect::cli
