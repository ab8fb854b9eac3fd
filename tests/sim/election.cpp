// Puts hosts, servers, faults and the judge together and lets the world run.
#include "sim/election.hpp"
#include "sim/candidate.hpp"
#include <algorithm>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace coelect::sim {

using namespace std::chrono_literals;
using testing::happening;

namespace {

constexpr auto safety_phase = 10min;
constexpr double most_requests = 12;  // a second, of each host, over all of that

class election {
public:
  election(std::string_view kind, std::uint64_t seed, bool trace)
      : world_(seed), faults_(world_), in_{world_, faults_, judge_, guarded_}, outside_(in_) {
    if (trace) world_.tell = [](std::string const& line) { std::puts(line.c_str()); };
    auto const nodes = 2 + world_.below(4);
    // Hosts come first: their numbers are those of the schedule.
    for (std::uint64_t i = 0; i < nodes; ++i) hosts_.push_back(world_.add_host(draw_clock(world_)));
    servers_ = make(kind);
    servers_->valid_on = [this](std::uint64_t token) -> testing::host const* {
      for (auto const& c : candidates_)
        if (c->valid_token() == token) return &c->host();
      return nullptr;
    };
    for (auto const& host : hosts_) candidates_.push_back(std::make_unique<candidate>(in_, *servers_, outside_, host));
    faults_.on_crash = [this](testing::host& h) { candidates_[h.number()]->crash(); };
    faults_.on_start = [this](testing::host& h) { candidates_[h.number()]->start(); };
    draw_faults();
  }

  verdict run() {
    for (auto const& c : candidates_) c->start();
    faults_.start();
    disturb_again();
    auto const begin = world_.now();
    auto const end = begin + safety_phase;
    while (world_.now() < end && judge_.fine() && world_.step()) observe();
    if (judge_.fine()) expect_few_requests(world_.now() - begin);
    heal();
    if (judge_.fine()) expect_leader();
    if (judge_.fine()) expect_nothing_left();
    return summed_up();
  }

private:
  std::unique_ptr<stage> make(std::string_view kind) {
    if (kind == "memory") return make_memory_stage(in_);
    if (kind == "etcd" || kind == "etcd-socket") return make_etcd_stage(in_, kind == "etcd-socket");
    if (kind == "azure") return make_azure_stage(in_);
    throw std::invalid_argument("store: memory, etcd, etcd-socket or azure");
  }

  void draw_faults() {
    testing::fault_mix mix;
    auto const some = [this](unsigned weight) { return world_.chance(50) ? weight : 0; };
    mix.pause = some(40);
    mix.suspend = some(15);
    mix.crash = some(25);
    mix.deaf = some(20);
    mix.mute = some(20);
    mix.wall_clock = some(15);
    mix.longest = 2s + world_.below(nanoseconds(25s));
    mix.apart = 3s + world_.below(nanoseconds(20s));
    drawn_ = std::to_string(hosts_.size()) + " hosts; pause " + std::to_string(mix.pause) + " suspend " +
             std::to_string(mix.suspend) + " crash " + std::to_string(mix.crash) + " deaf " + std::to_string(mix.deaf) +
             " mute " + std::to_string(mix.mute) + " wall clock " + std::to_string(mix.wall_clock) + ", up to " +
             std::to_string(mix.longest / 1ms) + " ms, every " + std::to_string(mix.apart / 1ms) + " ms; " +
             servers_->text();
    faults_.draw(hosts_.size(), safety_phase, mix);
  }

  void disturb_again() {
    world_.after(500ms + world_.below(nanoseconds(4s)), [this] {
      if (healed_) return;
      servers_->disturb();
      auto const& one = candidates_[world_.below(candidates_.size())];
      if (world_.chance(60)) one->fidget();
      for (auto const& c : candidates_) c->write();
      disturb_again();
    });
  }

  void observe() {
    valid_.clear();
    for (auto const& c : candidates_) {
      if (auto const token = c->valid_token()) valid_.push_back(token);
      c->look();
    }
    for (auto const token : valid_)
      if (world_.now() >= servers_->excused_until && !servers_->holds(token))
        judge_.see({happening::dropped, world_.now() - 1ns, {}, {}, token, {}, {}});
    judge_.sample(world_.now(), valid_);
  }

  void heal() {
    healed_ = true;
    world_.note("faults end");
    servers_->heal();
    faults_.heal();
    for (auto const& c : candidates_) {
      c->heal();
      c->host().paused = false;
    }
    bool const nobody = std::none_of(candidates_.begin(), candidates_.end(), [](auto const& c) { return c->stands(); });
    if (nobody) candidates_.front()->stand_again();
  }

  void expect_leader() {
    auto const from = world_.now();
    auto const somebody = [this] {
      observe();
      return !valid_.empty();
    };
    bool const alive = world_.run_until(somebody, servers_->liveness_bound());
    took_ = world_.now() - from;
    if (!alive) wrong("no leader within the bound after the faults had stopped");
  }

  void expect_nothing_left() {
    for (auto const& c : candidates_) c->stop();
    world_.run_for(servers_->ttl() + 30s);
    for (auto const& c : candidates_)
      if (c->valid_token() != 0) wrong("somebody leads after everybody has stopped");
    auto const left = servers_->leftovers();
    if (!left.empty()) wrong("left in the store:" + left);
  }

  // Nobody hammers a store that is in trouble. What is usual is below one a second; a user's own calls come on top.
  void expect_few_requests(nanoseconds span) {
    auto const per_second = static_cast<double>(servers_->sent.requests) / std::chrono::duration<double>(span).count();
    requests_ = per_second / static_cast<double>(hosts_.size());
    if (requests_ > most_requests) wrong(std::to_string(requests_) + " requests a second of each host");
  }

  void wrong(std::string what) { own_.push_back(std::move(what)); }

  verdict summed_up() {
    verdict v;
    v.drawn = drawn_;
    v.complaints = judge_.complaints();
    v.complaints.insert(v.complaints.end(), guarded_.complaints().begin(), guarded_.complaints().end());
    v.complaints.insert(v.complaints.end(), own_.begin(), own_.end());
    v.counts = judge_.counts();
    v.guarded = guarded_.counts().accepted;
    std::uint64_t acknowledged = 0;
    for (auto const& c : candidates_) acknowledged += c->acknowledged();
    if (acknowledged > v.guarded) v.complaints.push_back("more guarded writes were acknowledged than done");
    v.steps = world_.steps();
    v.hash = world_.hash();
    v.requests = requests_;
    v.seconds_to_lead = std::chrono::duration<double>(took_).count();
    if (!v.complaints.empty()) v.last_notes = world_.last_notes();
    return v;
  }

  testing::world world_;
  testing::fault_schedule faults_;
  testing::checker judge_, guarded_;
  surroundings in_;
  resource outside_;
  std::vector<std::shared_ptr<testing::host>> hosts_;
  std::unique_ptr<stage> servers_;
  std::vector<std::unique_ptr<candidate>> candidates_;
  std::string drawn_;
  std::vector<std::uint64_t> valid_;
  std::vector<std::string> own_;
  nanoseconds took_{};
  double requests_ = 0;
  bool healed_ = false;
};

}  // namespace

verdict play(std::string_view store, std::uint64_t seed, bool trace) {
  election one(store, seed, trace);
  return one.run();
}

}  // namespace coelect::sim
