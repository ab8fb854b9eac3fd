// validity: the shortcut over one clock never says yes when either clock has reached the deadline.
#include "election/validity.hpp"
#include "support/catch.hpp"

using namespace coelect;
using namespace coelect::detail;
using namespace std::chrono_literals;

namespace {

/// Two clocks that are set by hand; counts how often both were read.
class two_clocks final : public environment {
public:
  instant at{};
  mutable int both_read = 0;

  instant now() const noexcept override {
    ++both_read;
    return at;
  }
  std::chrono::nanoseconds boottime() const noexcept override { return at.boot; }
  std::chrono::system_clock::time_point wall_clock() const override { return {}; }
  std::uint64_t random() override { return 1; }
  std::unique_ptr<coelect::alarm> make_alarm(boost::asio::any_io_executor) override { return nullptr; }
};

}  // namespace

TEST_CASE("R5: holds() says what both clocks say, at every slew the kernel allows", "[P4][etcd][azure]") {
  for (int const raw_permille : {880, 1000, 1050, 1100, 1112, 1124}) {  // of CLOCK_BOOTTIME
    auto const clocks = std::make_shared<two_clocks>();
    clocks->at = {1'000s, 900s};
    validity v(clocks);
    auto const until = clocks->at + 9s;
    v.begin(7, until);
    bool was_true = false, was_false = false;
    for (auto passed = 0ms; passed < 12s; passed += 1ms) {
      clocks->at = {1'000s + passed, 900s + passed * raw_permille / 1000};
      bool const exact = !until.reached(clocks->at);
      REQUIRE(v.holds(7) == exact);
      (exact ? was_true : was_false) = true;
    }
    CHECK(was_true);
    CHECK(was_false);
  }
}

TEST_CASE("R5: a suspend at any moment is seen at once, also after renewals", "[P4][etcd][azure]") {
  for (auto suspended_at = 0ms; suspended_at < 20s; suspended_at += 250ms) {
    auto const clocks = std::make_shared<two_clocks>();
    clocks->at = {1'000s, 900s};
    validity v(clocks);
    auto until = clocks->at + 9s;
    v.begin(7, until);
    for (auto passed = 0ms; passed < 30s; passed += 10ms) {
      auto const slept = passed > suspended_at ? 4s : 0s;
      clocks->at = {1'000s + passed + slept, 900s + passed};
      REQUIRE(v.holds(7) == !until.reached(clocks->at));
      bool const renews = passed.count() % 3'000 == 0 && passed < 20s && v.holds(7);
      if (!renews) continue;
      until = clocks->at + 9s;
      v.extend(until);
    }
    CHECK_FALSE(v.holds(7));
  }
}

TEST_CASE("far from the deadline one clock is enough, near it both are read") {
  auto const clocks = std::make_shared<two_clocks>();
  clocks->at = {1'000s, 900s};
  validity v(clocks);
  v.begin(7, clocks->at + 9s);
  clocks->both_read = 0;
  clocks->at = clocks->at + 7s;
  CHECK(v.holds(7));
  CHECK(clocks->both_read == 0);
  clocks->at = clocks->at + 1'500ms;
  CHECK(v.holds(7));
  CHECK(clocks->both_read == 1);
}

TEST_CASE("a term that ended, another term's token and no term do not hold") {
  auto const clocks = std::make_shared<two_clocks>();
  validity v(clocks);
  CHECK_FALSE(v.holds(0));
  v.begin(7, clocks->at + 9s);
  CHECK_FALSE(v.holds(6));
  CHECK_FALSE(v.holds(0));
  CHECK(v.current() == 7);
  v.end(6);
  CHECK(v.holds(7));
  v.end(7);
  CHECK_FALSE(v.holds(7));
  CHECK(v.current() == 0);
  v.begin(8, instant::never());
  CHECK(v.holds(8));
  CHECK(v.left(8) == std::chrono::nanoseconds::max());
  CHECK_FALSE(v.holds(7));
}
