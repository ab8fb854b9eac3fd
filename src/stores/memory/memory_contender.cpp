// One candidate in one election of a memory store.
#include "stores/memory/memory_contender.hpp"
#include "stores/memory/wait_at_hub.hpp"

namespace coelect::stores::memory {

memory_contender::memory_contender(link& way, rules::timings const& times, candidacy const& who, hold_listener& hears)
    : link_(way),
      times_(times),
      who_(who),
      hears_(hears),
      id_(way.context()->env().random() | 1),
      keeper_(
          way.context(), times, [this](instant give_up, reply<renewal> done) { renew(give_up, std::move(done)); },
          hears) {}

void memory_contender::try_acquire(instant give_up, reply<attempt> done) {
  auto const sent = link_.context()->now();
  leader_info const leader(who_.candidate, who_.value, 0, link_.context()->env().wall_clock());
  std::function<std::uint64_t(hub&)> at_hub = [election = who_.election, id = id_, leader, ttl = times_.ttl](hub& h) {
    return h.table().acquire(election, id, leader, ttl, h.now());
  };
  reply<outcome, std::uint64_t> answer = [this, sent, done](outcome const& how, std::uint64_t token) {
    if (how.ok() && token != 0) on_acquired(sent, token, done);
    else done(attempt{how, {}});
  };
  asked_ = link_.ask(memory_request::acquire, give_up, std::move(at_hub), std::move(answer));
}

void memory_contender::on_acquired(instant sent, std::uint64_t token, reply<attempt> const& done) {
  if (!keeper_.begin(sent, times_.ttl)) {
    done(attempt{outcome(errc::timed_out, "the answer took longer than the lease is trusted"), {}});
    return;
  }
  watch_own_hold();
  done(attempt{{}, grant{token, keeper_.valid_until()}});
}

void memory_contender::renew(instant give_up, reply<renewal> done) {
  auto const sent = link_.context()->now();
  std::function<bool(hub&)> at_hub = [election = who_.election, id = id_, ttl = times_.ttl](hub& h) {
    return h.table().renew(election, id, ttl, h.now());
  };
  reply<outcome, bool> answer = [sent, done, ttl = times_.ttl](outcome how, bool held) {
    if (how.ok() && !held) how = outcome(errc::lease_lost, "the hub has let the lease go");
    done(renewal{std::move(how), sent, ttl});
  };
  renewing_ = link_.ask(memory_request::renew, give_up, std::move(at_hub), std::move(answer));
}

void memory_contender::wait_turn(reply<outcome> done) {
  auto const election = who_.election;
  auto free = [election](hub& h) { return h.table().look(election, h.now()).empty(); };
  auto answer = [done](outcome const& how, bool) { done(how); };
  waiting_ = wait_at_hub<bool>(link_, memory_request::wait, election, free, answer);
}

void memory_contender::publish(std::string value, instant give_up, reply<outcome> done) {
  std::function<bool(hub&)> at_hub = [election = who_.election, id = id_, value = std::move(value)](hub& h) {
    return h.table().publish(election, id, value, h.now());
  };
  reply<outcome, bool> answer = [done](outcome const& how, bool held) {
    done(how.ok() && !held ? outcome(errc::not_leader, "the hub has let the lease go") : how);
  };
  publishing_ = link_.ask(memory_request::publish, give_up, std::move(at_hub), std::move(answer));
}

void memory_contender::leave(instant give_up, reply<outcome> done) {
  keeper_.let_go();
  renewing_.reset();
  publishing_.reset();
  waiting_.reset();
  own_hold_.reset();
  std::function<bool(hub&)> at_hub = [election = who_.election, id = id_](hub& h) {
    h.table().release(election, id, h.now());
    return true;
  };
  reply<outcome, bool> answer = [done](outcome const& how, bool) { done(how); };
  asked_ = link_.ask(memory_request::release, give_up, std::move(at_hub), std::move(answer));
}

// The holder hears at once when its hold is dropped early or when it is asked to go (R8).
void memory_contender::watch_own_hold() {
  struct state {
    bool held = true;
    bool asked_to_go = false;
    explicit operator bool() const { return !held || asked_to_go; }
  };
  auto look = [election = who_.election, id = id_, heard = asked_to_go_](hub& h) {
    return state{h.table().holds(election, id, h.now()), !heard && h.table().deposed(election, id)};
  };
  auto answer = [this](outcome const& how, state const& seen) {
    if (!how.ok()) return watch_own_hold();
    on_own_hold(seen.held, seen.asked_to_go);
  };
  own_hold_ = wait_at_hub<state>(link_, memory_request::watch, who_.election, look, answer);
}

void memory_contender::on_own_hold(bool held, bool asked_to_go) {
  if (!held) return keeper_.revoked(errc::lease_lost, "the hub has dropped the hold");
  if (!asked_to_go) return;
  asked_to_go_ = true;
  watch_own_hold();
  hears_.asked_to_resign();
}

}  // namespace coelect::stores::memory
