// The candidate processes of the demonstration: starts them, hears them, does things to them.
#pragma once
#include "cli/child_process.hpp"
#include "cli/signals.hpp"
#include "cli/task_group.hpp"
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

namespace coelect::cli {

/// What a candidate said, or what became of it.
struct candidate_news {
  enum class kind { stands = 1, sees, elected, lost, resigned, gone };
  kind what{};
  std::size_t who = 0;
  std::uint64_t token = 0;
  std::string leader{};  ///< sees: who leads while this one waits; empty: nobody.
};

/// One of the processes. It may have had several lives.
struct candidate_process {
  std::string name;
  std::optional<child_process> process{};
  bool leads = false;
  bool is_stopped = false;
  std::uint64_t token = 0;  ///< Of its latest term.
};

/// Ends only what it has started, also when it is destroyed early.
class demo_cast {
public:
  using hear_fn = std::function<void(candidate_news const&)>;

  /// `flags` go to every `coelect campaign`.
  demo_cast(task_group& tasks, boost::asio::any_io_executor ex, std::vector<std::string> flags, hear_fn hear);
  demo_cast(demo_cast const&) = delete;
  demo_cast& operator=(demo_cast const&) = delete;
  ~demo_cast();

  void add(std::string name) { all_.push_back({std::move(name)}); }
  void start(std::size_t who);
  void signal(std::size_t who, int number);
  void end_all();  ///< Kills who is left; nothing is heard of them any more.

  std::vector<candidate_process> const& all() const noexcept { return all_; }
  std::optional<std::size_t> leader() const;
  std::optional<std::size_t> stopped() const;
  bool nobody_left() const;

private:
  boost::asio::awaitable<void> listen(std::size_t who, pid_t life, boost::asio::posix::stream_descriptor from);
  void read_line(std::size_t who, pid_t life, std::string const& line);
  void look_for_ended();
  void end_life(std::size_t who);

  task_group& tasks_;
  boost::asio::any_io_executor executor_;
  std::vector<std::string> flags_;
  hear_fn hear_;
  std::vector<candidate_process> all_;
  signal_listener children_;
};

}  // namespace coelect::cli
