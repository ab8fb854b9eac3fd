// Virtual time: the hosts' clocks and alarms, and which handler runs next.
#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <coelect/testing/world.hpp>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace coelect::testing {

namespace asio = boost::asio;

namespace {

// `wait` >= 0; the end of time when it is beyond that.
nanoseconds moment_after(nanoseconds now, nanoseconds wait) noexcept {
  return wait > nanoseconds::max() - now ? nanoseconds::max() : now + wait;
}

}  // namespace

// --- What is ready ----------------------------------------------------------------------------------------------------

void ready_queue::push(std::unique_ptr<task> one) {
  if (!closed_) ready_.push_back(std::move(one));
}

std::unique_ptr<ready_queue::task> ready_queue::take(std::size_t which) {
  auto one = std::move(ready_[which]);
  ready_[which] = std::move(ready_.back());
  ready_.pop_back();
  return one;
}

void ready_queue::close() {
  closed_ = true;
  while (!ready_.empty()) auto const last = take(ready_.size() - 1);
}

// --- A host -----------------------------------------------------------------------------------------------------------

class virtual_alarm final : public alarm {
public:
  virtual_alarm(std::shared_ptr<host> on, asio::any_io_executor where)
      : host_(std::move(on)), where_(std::move(where)) {}

  void set(instant when, std::function<void()> ring) override {
    armed_ = std::make_shared<int>(0);
    // One more, because a clock's division rounds down.
    auto const wait =
        moment_after(std::max(host_->world_wait(when.left(host_->now())), nanoseconds(0)), nanoseconds(1));
    auto& world = host_->world();
    auto checked = [live = std::weak_ptr<int>(armed_), ring = std::move(ring)] {
      if (!live.expired()) ring();
    };
    world.rings_.emplace(moment_after(world.now(), wait), world::ring{host_.get(), armed_, where_, std::move(checked)});
  }
  void clear() override { armed_.reset(); }

private:
  std::shared_ptr<host> host_;
  asio::any_io_executor where_;
  std::shared_ptr<int> armed_;
};

host::host(testing::world& world, host_clock clock, std::size_t number)
    : loop_(std::make_unique<asio::io_context>(1)),
      io(*loop_),
      world_(world),
      clock_(clock),
      number_(number),
      ready_(std::make_shared<ready_queue>(*loop_)) {}

host::~host() = default;

// Divided first, so that long times do not overflow; the result is the same.
nanoseconds host::local(nanoseconds world_time) const noexcept {
  return world_time / 1000 * clock_.permille + world_time % 1000 * clock_.permille / 1000;
}

nanoseconds host::world_wait(nanoseconds local_wait) const noexcept {
  auto const whole = local_wait / clock_.permille;
  if (whole >= nanoseconds::max() / 1000) return nanoseconds::max();
  return whole * 1000 + local_wait % clock_.permille * 1000 / clock_.permille;
}

instant host::now() const noexcept {
  auto const passed = local(world_.now()) + clock_.offset;
  auto const missing = asleep_since_ < nanoseconds(0) ? nanoseconds(0) : passed - asleep_since_;
  return {passed + suspended, passed - raw_behind_ - missing};
}

void host::fall_asleep() noexcept {
  if (asleep_since_ < nanoseconds(0)) asleep_since_ = local(world_.now()) + clock_.offset;
}

void host::wake_up() noexcept {
  if (asleep_since_ < nanoseconds(0)) return;
  raw_behind_ += local(world_.now()) + clock_.offset - asleep_since_;
  asleep_since_ = nanoseconds(-1);
}

std::chrono::system_clock::time_point host::wall_clock() const {
  auto const since = std::chrono::duration_cast<std::chrono::system_clock::duration>(world_.now() + wall_step);
  return std::chrono::system_clock::time_point(std::chrono::hours(480'000)) + since;
}

std::uint64_t host::random() { return world_.draw(); }

std::unique_ptr<alarm> host::make_alarm(asio::any_io_executor where) {
  return std::make_unique<virtual_alarm>(shared_from_this(), std::move(where));
}

/// Somebody in sleep(). The world's ring owns it until it has rung, so a crash must empty it.
class host::nap {
public:
  nap(coelect::detail::handler<void(error_code)> done, asio::any_io_executor otherwise)
      : done_(std::move(done)), where_(done_.executor ? done_.executor : std::move(otherwise)) {}

  void start(std::unique_ptr<alarm> bell, std::shared_ptr<nap> const& self, instant when) {
    bell_ = std::move(bell);
    auto const slot = asio::get_associated_cancellation_slot(done_.call);
    if (slot.is_connected()) {
      auto cancel = [weak = std::weak_ptr(self)](asio::cancellation_type) {
        if (auto const asleep = weak.lock()) asleep->wake(asio::error::operation_aborted);
      };
      auto to_connect = slot;
      to_connect.assign(std::move(cancel));
    }
    bell_->set(when, [self] { self->wake({}); });
  }
  void wake(error_code ec) {
    if (!end()) return;
    asio::post(where_, [call = std::move(done_.call), ec]() mutable { std::move(call)(ec); });
  }
  void die() {
    if (end()) auto const dropped = std::move(done_.call);
  }

private:
  bool end() {
    if (std::exchange(over_, true)) return false;
    bell_->clear();
    asio::get_associated_cancellation_slot(done_.call).clear();
    return true;
  }

  coelect::detail::handler<void(error_code)> done_;
  asio::any_io_executor where_;
  std::unique_ptr<alarm> bell_;
  bool over_ = false;
};

void host::start_sleep(host& self, nanoseconds span, coelect::detail::handler<void(error_code)> done) {
  auto const where = self.executor();
  auto const one = std::make_shared<nap>(std::move(done), where);
  auto const gone = [](std::weak_ptr<nap> const& each) { return each.expired(); };
  if (self.naps_.size() == self.naps_.capacity()) std::erase_if(self.naps_, gone);
  self.naps_.push_back(one);
  auto const now = self.now();
  one->start(self.make_alarm(where), one, {moment_after(now.boot, span), moment_after(now.raw, span)});
}

void host::crash() {
  auto const dead = std::exchange(ready_, std::make_shared<ready_queue>(*loop_));
  dead->close();
  for (auto const& each : std::exchange(naps_, {}))
    if (auto const asleep = each.lock()) asleep->die();
}

bool host::run_one() {
  if (paused || asleep_since_ >= nanoseconds(0)) return false;
  auto const ready = ready_->size();
  // The io_context counts as one more handler, since nobody can ask it how many it has.
  auto const lot = world_.below(ready + 1);
  if (lot == ready) {
    if (io.stopped()) io.restart();
    if (io.poll_one() == 1) return true;
    if (ready == 0) return false;
  }
  auto const one = ready_->take(lot < ready ? lot : world_.below(ready));
  one->run();
  return true;
}

// --- The world --------------------------------------------------------------------------------------------------------

// A state of 0 would give nothing but zeros.
world::world(std::uint64_t seed) : dice_(seed * 2654435761ULL + 88172645463325252ULL) {
  if (dice_ == 0) dice_ = 1;
}

world::~world() {
  // Rings hold strands of the loops, and what they or a handler destroys may set timers.
  auto const silence = [this] {
    while (!rings_.empty()) auto const gone = std::exchange(rings_, {});
  };
  silence();
  for (auto const& each : hosts_) each->ready_->close();
  silence();
  for (auto const& each : hosts_) each->loop_.reset();
}

std::shared_ptr<host> world::add_host(host_clock clock) {
  if (clock.permille < 1 || clock.permille > 10'000) throw std::invalid_argument("host_clock: permille is 1 to 10,000");
  if (clock.offset < nanoseconds(0)) throw std::invalid_argument("host_clock: offset is not negative");
  hosts_.push_back(std::make_shared<host>(*this, clock, hosts_.size()));
  return hosts_.back();
}

// xorshift64*, by Marsaglia and Vigna: the same numbers from every compiler.
std::uint64_t world::draw() noexcept {
  dice_ ^= dice_ >> 12;
  dice_ ^= dice_ << 25;
  dice_ ^= dice_ >> 27;
  return dice_ * 0x2545F4914F6CDD1DULL;
}

bool world::run_ready() {
  if (hosts_.empty()) return false;
  auto const first = below(hosts_.size());
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    auto const& each = hosts_[(first + i) % hosts_.size()];
    if (!each->run_one()) continue;
    ++steps_;
    mix(each->number_);
    return true;
  }
  return false;
}

bool world::next_ring(nanoseconds not_after) {
  while (!rings_.empty() && rings_.begin()->second.armed.expired()) rings_.erase(rings_.begin());
  if (rings_.empty() || rings_.begin()->first > not_after) return false;
  now_ = std::max(now_, rings_.begin()->first);
  mix(static_cast<std::uint64_t>(now_.count()));
  auto const due = std::move(rings_.begin()->second);
  rings_.erase(rings_.begin());
  if (due.on == nullptr) due.work();
  else asio::post(due.where, due.work);
  return true;
}

bool world::step() { return run_ready() || next_ring(nanoseconds::max()); }

void world::at(nanoseconds when, std::function<void()> work) {
  rings_.emplace(std::max(now_, when), ring{nullptr, forever_, {}, std::move(work)});
}

void world::suspend(host& which, nanoseconds span) {
  which.suspended += which.local(span);
  std::multimap<nanoseconds, ring> kept;
  for (auto& [when, r] : rings_) {
    auto const at = r.on == &which ? std::max(now_, when - span) : when;
    kept.emplace(at, std::move(r));
  }
  rings_ = std::move(kept);
}

void world::settle() {
  while (run_ready()) {
  }
}

bool world::run_until(std::function<bool()> const& done, nanoseconds limit) {
  auto const end = moment_after(now_, std::max(limit, nanoseconds(0)));
  while (!done()) {
    if (run_ready() || next_ring(end)) continue;
    now_ = end;
    return done();
  }
  return true;
}

void world::run_for(nanoseconds span) {
  run_until([] { return false; }, span);
}

void world::note(char const* what, std::uint64_t a, std::uint64_t b) {
  noted const one{now_, what, a, b};
  notes_[noted_++ % notes_.size()] = one;
  for (auto const* c = what; *c != '\0'; ++c) mix(static_cast<unsigned char>(*c));
  mix(a);
  mix(b);
  if (tell) tell(text_of(one));
}

std::string world::text_of(noted const& one) {
  char text[200];
  auto const ns = one.at.count();
  std::snprintf(text, sizeof text, "%6lld.%09lld  %-28s %llu %llu", static_cast<long long>(ns / 1'000'000'000),
                static_cast<long long>(ns % 1'000'000'000), one.what, static_cast<unsigned long long>(one.a),
                static_cast<unsigned long long>(one.b));
  return text;
}

std::vector<std::string> world::last_notes() const {
  std::vector<std::string> all;
  auto const first = noted_ > notes_.size() ? noted_ - notes_.size() : 0;
  for (auto i = first; i < noted_; ++i) all.push_back(text_of(notes_[i % notes_.size()]));
  return all;
}

}  // namespace coelect::testing
