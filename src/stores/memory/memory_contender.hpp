// One candidate in one election of a memory store.
#pragma once
#include "stores/lease_keeper.hpp"
#include "stores/memory/hub.hpp"

namespace coelect::stores::memory {

class memory_contender final : public contender {
public:
  memory_contender(link& way, rules::timings const& times, candidacy const& who, hold_listener& hears);

  void try_acquire(instant give_up, reply<attempt> done) override;
  void wait_turn(reply<outcome> done) override;
  void publish(std::string value, instant give_up, reply<outcome> done) override;
  void leave(instant give_up, reply<outcome> done) override;

private:
  void on_acquired(instant sent, std::uint64_t token, reply<attempt> const& done);
  void renew(instant give_up, reply<renewal> done);
  void watch_own_hold();
  void on_own_hold(bool held, bool asked_to_go);

  link& link_;
  rules::timings times_;
  candidacy const& who_;
  hold_listener& hears_;
  std::uint64_t id_;  // random: a late request of an earlier candidacy cannot touch this one
  lease_keeper keeper_;
  bool asked_to_go_ = false;
  std::shared_ptr<call> asked_, renewing_, publishing_, waiting_, own_hold_;
};

}  // namespace coelect::stores::memory
