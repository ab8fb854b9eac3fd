// Lets the faults of a schedule happen as the world's time goes by.
#include <algorithm>
#include <array>
#include <coelect/testing/faults.hpp>
#include <stdexcept>
#include <utility>

namespace coelect::testing {

char const* to_string(trouble what) noexcept {
  switch (what) {
    case trouble::pause: return "pause";
    case trouble::suspend: return "suspend";
    case trouble::crash: return "crash";
    case trouble::deaf: return "deaf";
    case trouble::mute: return "mute";
    case trouble::wall_clock: return "wall_clock";
  }
  return "?";
}

fault_schedule& fault_schedule::add(fault one) {
  if (started_) throw std::logic_error("fault_schedule: it has started");
  if (one.at < nanoseconds(0) || (one.span < nanoseconds(0) && one.what != trouble::wall_clock))
    throw std::invalid_argument("fault_schedule: times are not negative");
  faults_.push_back(one);
  return *this;
}

fault_schedule& fault_schedule::draw(std::size_t hosts, nanoseconds end, fault_mix mix) {
  if (mix.longest <= nanoseconds(0) || mix.apart <= nanoseconds(0))
    throw std::invalid_argument("fault_mix: longest and apart are above 0");
  using weighted = std::pair<trouble, unsigned>;
  std::array<weighted, 6> const kinds{
      weighted{trouble::pause, mix.pause}, weighted{trouble::suspend, mix.suspend},
      weighted{trouble::crash, mix.crash}, weighted{trouble::deaf, mix.deaf},
      weighted{trouble::mute, mix.mute},   weighted{trouble::wall_clock, mix.wall_clock}};
  unsigned sum = 0;
  for (auto const& k : kinds) sum += k.second;
  if (sum == 0 || hosts == 0) return *this;
  for (nanoseconds at = world_.below(2 * mix.apart); at < end; at += world_.below(2 * mix.apart) + nanoseconds(1)) {
    auto lot = world_.below(sum);
    std::size_t which = 0;
    while (lot >= kinds[which].second) lot -= kinds[which++].second;
    fault one{kinds[which].first, static_cast<std::size_t>(world_.below(hosts)), at, world_.below(mix.longest)};
    // In both directions: a wall clock may say anything.
    if (one.what == trouble::wall_clock) one.span = world_.below(std::chrono::hours(2)) - std::chrono::hours(1);
    add(one);
  }
  return *this;
}

std::string fault_schedule::text() const {
  std::string all;
  for (auto const& f : faults_) {
    auto const ms = [](nanoseconds t) { return std::to_string(t.count() / 1'000'000) + " ms"; };
    all += "at " + ms(f.at) + ": " + to_string(f.what) + " of host " + std::to_string(f.host) + " for " + ms(f.span) +
           "\n";
  }
  return all;
}

fault_schedule::state& fault_schedule::of(host const& which) {
  if (states_.size() <= which.number()) states_.resize(which.number() + 1);
  return states_[which.number()];
}

fault_schedule::state const& fault_schedule::of(host const& which) const {
  static state const untouched;
  return which.number() < states_.size() ? states_[which.number()] : untouched;
}

void fault_schedule::start() {
  if (started_) throw std::logic_error("fault_schedule: it has started");
  for (auto const& f : faults_)
    if (f.host >= world_.hosts().size()) throw std::invalid_argument("fault_schedule: there is no such host");
  started_ = true;
  for (auto const& f : faults_) {
    world_.after(f.at, [this, f, weak = std::weak_ptr(alive_)] {
      if (!weak.expired() && !healed_) happen(f);
    });
  }
}

void fault_schedule::happen(fault const& one) {
  auto const which = world_.hosts()[one.host];
  auto& s = of(*which);
  auto const end = world_.now() + one.span;
  s.troubled_until = std::max(s.troubled_until, end);
  world_.note(to_string(one.what), one.host, static_cast<std::uint64_t>(one.span.count()));
  switch (one.what) {
    case trouble::pause:
      s.paused_until = std::max(s.paused_until, end);
      which->paused = true;
      world_.at(s.paused_until, [this, which, weak = std::weak_ptr(alive_)] {
        if (!weak.expired() && world_.now() >= of(*which).paused_until) which->paused = false;
      });
      return;
    case trouble::suspend:
      s.asleep_until = std::max(s.asleep_until, end);
      which->fall_asleep();
      world_.at(s.asleep_until, [this, which, weak = std::weak_ptr(alive_)] {
        if (!weak.expired() && world_.now() >= of(*which).asleep_until) which->wake_up();
      });
      return;
    case trouble::crash:
      if (s.down) return;
      s.down = true;
      which->crash();
      if (on_crash) on_crash(*which);
      world_.at(end, [this, which, weak = std::weak_ptr(alive_)] {
        if (weak.expired() || !of(*which).down) return;
        of(*which).down = false;
        if (on_start) on_start(*which);
      });
      return;
    case trouble::deaf: s.deaf_until = std::max(s.deaf_until, end); return;
    case trouble::mute: s.mute_until = std::max(s.mute_until, end); return;
    case trouble::wall_clock: which->wall_step += one.span; return;
  }
}

void fault_schedule::heal() {
  healed_ = true;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    auto const which = world_.hosts()[i];
    auto& s = states_[i];
    s.deaf_until = s.mute_until = s.paused_until = nanoseconds(-1);
    s.asleep_until = nanoseconds(-1);
    which->paused = false;
    which->wake_up();
    if (!std::exchange(s.down, false)) continue;
    if (on_start) on_start(*which);
  }
}

bool fault_schedule::down(host const& which) const { return of(which).down; }
bool fault_schedule::deaf(host const& which) const { return of(which).down || world_.now() < of(which).deaf_until; }
bool fault_schedule::mute(host const& which) const { return of(which).down || world_.now() < of(which).mute_until; }

bool fault_schedule::troubled_since(host const& which, nanoseconds moment) const {
  return of(which).troubled_until >= moment;
}

std::function<memory_fate(memory_request)> fault_schedule::fates(host const& which,
                                                                 std::function<memory_fate(memory_request)> otherwise) {
  return [this, &which, otherwise = std::move(otherwise), weak = std::weak_ptr(alive_)](memory_request what) {
    memory_fate f = otherwise ? otherwise(what) : memory_fate{};
    if (weak.expired()) return f;
    if (mute(which)) f.lose_request = true;
    if (deaf(which)) f.lose_reply = true;
    return f;
  };
}

}  // namespace coelect::testing
