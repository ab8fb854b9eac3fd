// Asks every seat's valid() each millisecond and notes for how long it said yes.
#pragma once
#include "seat.hpp"
#include <deque>
#include <thread>

namespace coelect::test {

class sampler {
public:
  sampler(std::deque<seat> const& seats, std::string name, journal& out)
      : seats_(seats), name_(std::move(name)), out_(out), stretches_(seats.size()) {}

  [[noreturn]] void run() {
    for (;;) {
      for (std::size_t i = 0; i < seats_.size(); ++i) {
        auto const term = seats_[i].term();
        auto const before = boot_now();
        bool const yes = term && term->valid();
        auto const after = boot_now();
        // Stopped within the question: nobody knows when it said yes.
        if (after - before < std::chrono::milliseconds(1)) seen(i, term ? term->fencing_token() : 0, yes, before);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

private:
  static constexpr auto apart = std::chrono::milliseconds(50);
  static constexpr auto noted_every = std::chrono::milliseconds(100);

  /// All samples between the two moments said yes. Each counts from before it was asked: who holds a term when he asks,
  /// and hears yes, held it then, too. So one sample is a stretch of no length.
  struct stretch {
    std::uint64_t token = 0;
    std::chrono::nanoseconds begin{}, end{};
  };

  void seen(std::size_t i, std::uint64_t token, bool yes, std::chrono::nanoseconds before) {
    auto& s = stretches_[i];
    bool const goes_on = yes && token == s.token && s.begin.count() != 0 && before - s.end < apart;
    if (!goes_on) {
      note(i);
      s = {};
    }
    if (!yes) return;
    if (!goes_on) s = {token, before, before};
    s.end = before;
    if (s.end - s.begin < noted_every) return;
    note(i);
    s.begin = s.end;
  }

  void note(std::size_t i) {
    auto const& s = stretches_[i];
    if (s.begin.count() == 0) return;
    testing::event e;
    e.what = testing::happening::valid;
    e.at = s.begin;
    e.until = s.end;
    e.candidate = name_;
    e.token = s.token;
    e.election = seats_[i].election();
    out_.note(e);
  }

  std::deque<seat> const& seats_;
  std::string name_;
  journal& out_;
  std::vector<stretch> stretches_;
};

}  // namespace coelect::test
