// Three copies of the billing service on simulated hosts that pause, crash and are cut off: 300 runs of five minutes.
//   billing_test [SEED]     one seed with everything that happens, or 300 of them
#include "billing.hpp"
#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <coelect/testing/checker.hpp>
#include <coelect/testing/faults.hpp>
#include <coelect/testing/world.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>

namespace asio = boost::asio;
namespace testing = coelect::testing;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

/// Tells the judge in which order bookings arrive. In half of the seeds they arrive at once and are never
/// refused, which shows what the service does. In the others they are up to 20 s under way and there is a fence.
class judged_ledger : public billing::ledger {
public:
  judged_ledger(testing::world& world, testing::checker& judge)
      : world_(world), judge_(judge), far_away_(world.chance(50)) {}

  void book(std::uint64_t token, int) override {
    if (!far_away_) return arrive(true, token);
    world_.after(world_.below(nanoseconds(20s)), [this, token] { arrive(fence_.admit(token), token); });
  }

private:
  void arrive(bool accepted, std::uint64_t token) {
    world_.note(accepted ? "booked under token" : "refused token", token);
    auto const what = accepted ? testing::happening::accepted : testing::happening::refused;
    judge_.see({.what = what, .at = world_.now(), .token = token});
  }

  testing::world& world_;
  testing::checker& judge_;
  coelect::fence fence_;
  bool far_away_;
};

/// What time is in the world. The host is kept by the waiting coroutine.
asio::awaitable<void> wait_on(std::shared_ptr<testing::host> host, nanoseconds span) {
  co_await host->sleep(span, asio::use_awaitable);
}

/// One run. Everything in it follows from the seed: the hosts' clocks, the faults, the order of handlers.
class run {
public:
  explicit run(std::uint64_t seed) : world_(seed), faults_(world_), books_(world_, judge_) {
    for (std::size_t i = 0; i < copies_.size(); ++i) world_.add_host(950 + static_cast<int>(world_.below(101)));
    auto const server = world_.add_host();  // has the elections; nothing happens to it
    hub_ = coelect::make_memory_hub(server->executor(), {.env = server});
    faults_.on_crash = [this](testing::host& on) { copies_[on.number()].reset(); };
    faults_.on_start = [this](testing::host& on) { start_copy(on); };
    faults_.draw(copies_.size(), 5min);
  }

  void tell_everything() {
    world_.tell = [](std::string const& line) { std::cout << line << '\n'; };
  }

  /// What is wrong; empty: nothing.
  std::vector<std::string> play() {
    for (std::size_t i = 0; i < copies_.size(); ++i) start_copy(*world_.hosts()[i]);
    faults_.start();
    auto const end = world_.now() + 5min;
    while (world_.now() < end && world_.step()) sample();
    faults_.heal();
    auto wrong = judge_.complaints();
    if (!world_.run_until([this] { return sample(); }, 30s)) wrong.push_back("nobody leads 30 s after the last fault");
    return wrong;
  }

  std::string schedule() const { return faults_.text(); }
  std::string summary() const { return judge_.summary(); }
  testing::checker::figures const& counts() const { return judge_.counts(); }

private:
  void start_copy(testing::host& on) {
    auto const host = on.shared_from_this();
    coelect::memory_store_options options;
    options.hub = hub_;
    options.env = host;
    options.timing.ttl = 10s;
    options.faults = faults_.fates(on);
    auto const store = coelect::make_memory_store(host->executor(), options);
    auto const name = "copy" + std::to_string(on.number()) + "." + std::to_string(++starts_);
    auto wait = [host](nanoseconds span) { return wait_on(host, span); };
    auto& copy = copies_[on.number()];
    copy.emplace(host->executor(), store, name, books_, wait);
    copy->start();
  }

  /// After each step: for whom does valid() say yes? True when it does for anybody.
  bool sample() {
    std::vector<std::uint64_t> tokens;
    for (auto const& copy : copies_) tokens.push_back(copy ? copy->signal().fencing_token() : 0);
    judge_.sample(world_.now(), tokens);
    return std::any_of(tokens.begin(), tokens.end(), [](std::uint64_t token) { return token != 0; });
  }

  testing::world world_;  // first, because everything else asks it for the time
  testing::fault_schedule faults_;
  testing::checker judge_;
  judged_ledger books_;
  std::shared_ptr<coelect::memory_hub> hub_;
  std::array<std::optional<billing::service>, 3> copies_;
  int starts_ = 0;
};

/// Prints what is wrong with this seed, and how to see it again.
bool fine(std::uint64_t seed, run& one) {
  auto const wrong = one.play();
  if (wrong.empty()) return true;
  std::cout << "seed " << seed << ": " << wrong.front() << "\n" << one.schedule();
  std::cout << "again, with everything that happens: billing_test " << seed << std::endl;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    auto const seed = std::strtoull(argv[1], nullptr, 10);
    run one(seed);
    one.tell_everything();
    return fine(seed, one) ? 0 : 1;
  }
  std::uint64_t terms = 0, booked = 0, refused = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    run one(seed);
    if (!fine(seed, one)) return 1;
    terms += one.counts().terms;
    booked += one.counts().accepted;
    refused += one.counts().refused;
  }
  std::cout << "300 seeds: no complaint. " << terms << " terms, " << booked << " bookings, " << refused
            << " refused by the fence" << std::endl;
}
