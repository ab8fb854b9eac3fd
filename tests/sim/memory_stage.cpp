// Elections on the memory store: the hub's lies, and messages as its own options have them.
#include "sim/stage.hpp"

namespace coelect::sim {

using namespace std::chrono_literals;

namespace {

class memory_stage final : public stage {
public:
  explicit memory_stage(surroundings in)
      : in_(in),
        losses_(in.world.chance(50)),
        delays_(in.world.chance(70)),
        duplicates_(in.world.chance(50)),
        early_expiry_(in.world.chance(20)) {
    how_.revive_expired = in.world.chance(50);
    how_.ack_dead_renewals = in.world.chance(30);
    how_.env = hub_host_ = in.world.add_host();
    hub_ = make_memory_hub(hub_host_->executor(), how_);
  }

  std::string text() const override {
    std::string all = "memory";
    auto const add = [&all](bool on, char const* name) { all += on ? std::string(" ") + name : std::string(); };
    add(losses_, "losses");
    add(delays_, "delays");
    add(duplicates_, "duplicates");
    add(early_expiry_, "early_expiry");
    add(how_.revive_expired, "revive_expired");
    add(how_.ack_dead_renewals, "ack_dead_renewals");
    return all;
  }

  std::shared_ptr<store> make_store(testing::host& on) override {
    memory_store_options options;
    options.hub = hub_;
    options.log = trace_log(on);
    options.env = on.shared_from_this();
    options.timing.ttl = 10s;
    options.faults = in_.faults.fates(on, [this](memory_request what) { return fate(what); });
    return make_memory_store(on.executor(), options);
  }

  // An operator's doing: between the drop and the holder's hearing of it two may be valid.
  void disturb() override {
    if (!early_expiry_ || !in_.world.chance(10)) return;
    hub_->expire("leader");
    in_.world.note("hub drops the hold");
    in_.judge.see(
        {testing::happening::excuse, in_.world.now(), in_.world.now() + 12s, {}, 0, "the hub dropped a hold", {}});
  }
  void heal() override { healed_ = true; }
  nanoseconds ttl() const override { return 10s; }
  nanoseconds liveness_bound() const override { return 30s; }  // ttl, a request's time limit, the largest back-off

private:
  memory_fate fate(memory_request what) {
    auto& dice = in_.world;
    memory_fate f;
    if (healed_) return f;
    if (delays_ && dice.chance(40)) f.request_delay = dice.below(nanoseconds(2500ms));
    if (delays_ && dice.chance(40)) f.reply_delay = dice.below(nanoseconds(2500ms));
    f.lose_request = losses_ && dice.chance(15);
    f.lose_reply = losses_ && dice.chance(15);
    bool const writes = what != memory_request::look && what != memory_request::watch;
    if (duplicates_ && writes && dice.chance(10)) f.duplicate_after = dice.below(nanoseconds(15s));
    return f;
  }

  surroundings in_;
  memory_hub_options how_;
  std::shared_ptr<testing::host> hub_host_;
  std::shared_ptr<memory_hub> hub_;
  bool losses_, delays_, duplicates_, early_expiry_, healed_ = false;
};

}  // namespace

message_mix draw_messages(testing::world& dice) {
  message_mix m;
  if (dice.chance(20)) return m;  // calm: what must be prompt can be told from what is late
  auto const some = [&dice](unsigned most) {
    return dice.chance(50) ? 1 + static_cast<unsigned>(dice.below(most)) : 0;
  };
  m.lose_request = some(15);
  m.lose_answer = some(15);
  m.cut = some(10);
  m.delay = some(40);
  m.very_late = some(5);
  m.twice = some(8);
  m.stream_break = some(60);
  m.stream_silent = some(40);
  return m;
}

testing::host_clock draw_clock(testing::world& world) {
  testing::host_clock clock;
  clock.permille = 910 + static_cast<int>(world.below(181));
  clock.offset = world.below(nanoseconds(24h));
  return clock;
}

log_fn trace_log(testing::host& on) {
  if (!on.world().tell) return {};
  return [&on](severity, std::string_view line) {
    on.world().tell("                     host " + std::to_string(on.number()) + ": " + std::string(line));
  };
}

std::unique_ptr<stage> make_memory_stage(surroundings in) { return std::make_unique<memory_stage>(in); }

}  // namespace coelect::sim
