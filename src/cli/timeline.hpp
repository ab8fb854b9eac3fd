// Remembers who led when in a demonstration, and what it took to replace a leader.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coelect::cli {

/// Times are counted from the beginning of the demonstration. Candidates are numbered from 0.
class timeline {
public:
  using time = std::chrono::nanoseconds;

  struct stretch {
    std::size_t who;
    time begin;
    std::optional<time> end{};
    std::uint64_t token = 0;  ///< Of a term.
  };
  enum class cause { start = 1, kill, resignation, stop, other };
  struct take_over {
    cause why;
    std::optional<std::size_t> from;
    time begin;  ///< When the old leader was killed, stopped or asked; of the first: when the first stood.
    std::size_t to = 0;
    std::optional<time> end{};
    std::uint64_t token = 0;
    time length() const { return end.value_or(begin) - begin; }
  };
  struct note {
    time at;
    std::size_t who;
    std::string text;
  };

  void joined(std::size_t who, time at);
  void elected(std::size_t who, std::uint64_t token, time at);
  void ended(std::size_t who, time at);  ///< Its term and its presence.
  /// `runs_out`: its hold does, so a take-over begins. The term goes on until there is a new leader.
  void stopped(std::size_t who, time at, bool runs_out);
  void went_on(std::size_t who, time at);
  void forget_stop();  ///< No take-over because of it is awaited any more.
  void lost(std::size_t who, time at) { close(terms_, who, at); }
  void vacated(cause why, std::size_t who, time at);
  void remark(std::size_t who, std::string text, time at) { notes_.push_back({at, who, std::move(text)}); }
  void finish(time at);

  std::vector<stretch> const& presences() const noexcept { return presences_; }
  std::vector<stretch> const& terms() const noexcept { return terms_; }
  std::vector<stretch> const& pauses() const noexcept { return pauses_; }
  std::vector<take_over> const& take_overs() const noexcept { return take_overs_; }
  std::vector<note> const& notes() const noexcept { return notes_; }
  time length() const noexcept { return length_; }

  /// "1.3 ms, 1.1 ms", of the take-overs with this cause; empty when there were none.
  std::string lengths(cause why) const;
  bool tokens_grew() const;
  /// When nobody led, from the first term on. Only after finish().
  struct gap {
    time begin, end;
  };
  std::vector<gap> gaps() const;

private:
  static void close(std::vector<stretch>& list, std::size_t who, time at);

  std::vector<stretch> presences_, terms_, pauses_;
  std::vector<take_over> take_overs_;
  std::vector<note> notes_;
  time length_{0};
};

struct timeline_labels {
  std::string title;
  std::string subtitle;
  std::vector<std::string> candidates;
};

/// The timeline as an SVG document.
std::string draw(timeline const& what, timeline_labels const& labels);
/// The timeline in lines of up to `columns` characters, a row for each candidate.
std::string draw_text(timeline const& what, timeline_labels const& labels, std::size_t columns);

}  // namespace coelect::cli
