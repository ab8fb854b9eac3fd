// Decides what the memory hub answers: leases, tokens and waiting observers of all elections. No I/O.
#include "stores/memory/seats.hpp"
#include <algorithm>
#include <utility>

namespace coelect::stores::memory {

void seats::changed(seat& s) {
  auto const all = std::exchange(s.observers, {});
  for (auto const& weak : all)
    if (auto const tell = weak.lock()) (*tell)();
}

void seats::vacate(seat& s) {
  if (s.held.id == 0) return;
  s.held = {};
  s.deposed_token = 0;
  changed(s);
}

seats::seat& seats::fresh(std::string const& election, nanoseconds now) {
  seat& s = seats_[election];
  // A hub that revives lets the run-out hold stand until somebody else asks for it.
  if (s.held.id != 0 && now >= s.held.expires && !revive_expired_) vacate(s);
  return s;
}

std::uint64_t seats::acquire(std::string const& election, std::uint64_t id, leader_info who, nanoseconds ttl,
                             nanoseconds now) {
  seat& s = fresh(election, now);
  if (s.held.id == id) {
    s.held.expires = now + ttl;
    return s.held.leader.fencing_token();
  }
  if (s.held.id != 0 && now >= s.held.expires) vacate(s);
  if (s.held.id != 0) return 0;
  auto const token = ++s.last_token;
  s.held.id = id;
  s.held.leader = leader_info(who.candidate(), who.value(), token, who.since());
  s.held.expires = now + ttl;
  changed(s);
  return token;
}

bool seats::renew(std::string const& election, std::uint64_t id, nanoseconds ttl, nanoseconds now) {
  seat& s = fresh(election, now);
  if (s.held.id != id) return ack_dead_renewals_;
  s.held.expires = now + ttl;
  return true;
}

bool seats::publish(std::string const& election, std::uint64_t id, std::string value, nanoseconds now) {
  if (!holds(election, id, now)) return false;
  seat& s = seats_[election];
  auto const& old = s.held.leader;
  s.held.leader = leader_info(old.candidate(), std::move(value), old.fencing_token(), old.since());
  changed(s);
  return true;
}

void seats::release(std::string const& election, std::uint64_t id, nanoseconds now) {
  seat& s = fresh(election, now);
  if (s.held.id == id) vacate(s);
}

sighting seats::look(std::string const& election, nanoseconds now) {
  seat& s = fresh(election, now);
  bool const empty = s.held.id == 0 || now >= s.held.expires;
  return empty ? sighting::empty_seat() : sighting(s.held.leader);
}

bool seats::ask_to_resign(std::string const& election, std::uint64_t token, nanoseconds now) {
  seat& s = fresh(election, now);
  if (s.held.id == 0 || s.held.leader.fencing_token() != token) return false;
  s.deposed_token = token;
  changed(s);
  return true;
}

bool seats::deposed(std::string const& election, std::uint64_t id) const {
  auto const found = seats_.find(election);
  if (found == seats_.end()) return false;
  seat const& s = found->second;
  return s.held.id == id && s.deposed_token == s.held.leader.fencing_token();
}

bool seats::holds(std::string const& election, std::uint64_t id, nanoseconds now) {
  seat const& s = fresh(election, now);
  return s.held.id == id && now < s.held.expires;
}

void seats::expire(std::string const& election, nanoseconds now) { vacate(fresh(election, now)); }

void seats::reset(std::string const& election) {
  seat& s = seats_[election];
  vacate(s);
  s.last_token = 0;
}

void seats::observe(std::string const& election, std::weak_ptr<notify> what) {
  auto& all = seats_[election].observers;
  std::erase_if(all, [](auto const& weak) { return weak.expired(); });
  all.push_back(std::move(what));
}

nanoseconds seats::sweep(nanoseconds now) {
  auto next = nanoseconds::max();
  for (auto& [name, s] : seats_) {
    if (s.held.id == 0) continue;
    if (now < s.held.expires) {
      next = std::min(next, s.held.expires);
    } else if (revive_expired_) {
      changed(s);  // whoever waits may take it now
    } else {
      vacate(s);
    }
  }
  return next;
}

}  // namespace coelect::stores::memory
