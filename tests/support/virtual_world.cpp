// Several hosts on virtual time in one thread: each with its own clock rate, pauses and event loop.
#include "support/virtual_world.hpp"
#include <algorithm>
#include <utility>

namespace coelect::test {

class virtual_alarm final : public alarm {
public:
  virtual_alarm(std::shared_ptr<virtual_host> host, boost::asio::any_io_executor where)
      : host_(std::move(host)), where_(std::move(where)) {}

  void set(instant when, std::function<void()> ring) override {
    armed_ = std::make_shared<int>(0);
    auto const wait = std::max(host_->world_wait(when.left(host_->now())), nanoseconds(0)) + nanoseconds(1);
    auto& world = host_->world();
    auto checked = [live = std::weak_ptr<int>(armed_), ring = std::move(ring)] {
      if (!live.expired()) ring();
    };
    world.rings_.emplace(world.now() + wait, virtual_world::ring{host_.get(), armed_, where_, std::move(checked)});
  }
  void clear() override { armed_.reset(); }

private:
  std::shared_ptr<virtual_host> host_;
  boost::asio::any_io_executor where_;
  std::shared_ptr<int> armed_;
};

instant virtual_host::now() const noexcept {
  auto const awake = local(world_.now());
  return {awake + suspended, awake};
}

std::chrono::system_clock::time_point virtual_host::wall_clock() const {
  auto const since = std::chrono::duration_cast<std::chrono::system_clock::duration>(world_.now());
  return std::chrono::system_clock::time_point(std::chrono::hours(480'000)) + since;
}

std::uint64_t virtual_host::random() { return world_.draw(); }

std::unique_ptr<alarm> virtual_host::make_alarm(boost::asio::any_io_executor where) {
  return std::make_unique<virtual_alarm>(shared_from_this(), std::move(where));
}

bool virtual_host::run_one() {
  if (paused) return false;
  if (io.stopped()) io.restart();
  return io.poll_one() == 1;
}

virtual_world::~virtual_world() {
  rings_.clear();  // they hold strands of the loops
  for (auto const& host : hosts_) host->loop_.reset();
}

std::shared_ptr<virtual_host> virtual_world::add_host(int permille) {
  hosts_.push_back(std::make_shared<virtual_host>(*this, permille));
  return hosts_.back();
}

std::uint64_t virtual_world::draw() noexcept {
  dice_ ^= dice_ >> 12;
  dice_ ^= dice_ << 25;
  dice_ ^= dice_ >> 27;
  return dice_ * 0x2545F4914F6CDD1DULL;
}

bool virtual_world::run_ready() {
  auto const first = below(hosts_.size());
  for (std::size_t i = 0; i < hosts_.size(); ++i)
    if (hosts_[(first + i) % hosts_.size()]->run_one()) return true;
  return false;
}

bool virtual_world::next_ring(nanoseconds not_after) {
  while (!rings_.empty() && rings_.begin()->second.armed.expired()) rings_.erase(rings_.begin());
  if (rings_.empty() || rings_.begin()->first > not_after) return false;
  now_ = std::max(now_, rings_.begin()->first);
  auto const due = std::move(rings_.begin()->second);
  rings_.erase(rings_.begin());
  boost::asio::post(due.where, due.work);
  return true;
}

bool virtual_world::step() { return run_ready() || next_ring(nanoseconds::max()); }

void virtual_world::suspend(virtual_host& host, nanoseconds span) {
  host.suspended += host.local(span);
  std::multimap<nanoseconds, ring> kept;
  for (auto& [when, r] : rings_) {
    auto const at = r.host == &host ? std::max(now_, when - span) : when;
    kept.emplace(at, std::move(r));
  }
  rings_ = std::move(kept);
}

void virtual_world::settle() {
  while (run_ready()) {
  }
}

bool virtual_world::run_until(std::function<bool()> const& done, nanoseconds limit) {
  auto const end = now_ + limit;
  while (!done()) {
    if (run_ready() || next_ring(end)) continue;
    now_ = end;
    return done();
  }
  return true;
}

void virtual_world::run_for(nanoseconds span) {
  run_until([] { return false; }, span);
}

}  // namespace coelect::test
