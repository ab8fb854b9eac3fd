// Clocks that are wrong: ours and the store's, slewed, stepped and put back. Margins cover rates; tokens cover the rest.
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include "support/scratch_directory.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct rates {
  int holder, store;  ///< Thousandths of the true rate.
};

/// A leads and is stopped; B, on a host of its own, takes over. For how long did both have a valid term?
nanoseconds overlap(rates r, double margin) {
  virtual_world world(3);
  auto const holder = world.add_host(r.holder), other = world.add_host(), hub_host = world.add_host(r.store);
  memory_hub_options hub_options;
  hub_options.env = hub_host;
  auto const hub = make_memory_hub(hub_host->io.get_executor(), hub_options);
  auto const open = [&](std::shared_ptr<virtual_host> const& on) {
    memory_store_options how;
    how.hub = hub;
    how.env = on;
    how.timing.ttl = 10s;
    how.timing.clock_rate_error = margin;
    return make_memory_store(on->io.get_executor(), how);
  };
  elector_options who;
  who.election = "leader";
  elector a(holder->io.get_executor(), open(holder), who);
  elector b(other->io.get_executor(), open(other), who);
  catcher<leadership> first, second;
  a.campaign(first.handler());
  REQUIRE(world.run_until([&] { return first.done(); }, 1min));
  holder->paused = true;  // it hears of nothing, and its clock runs on
  b.campaign(second.handler());
  nanoseconds both{};
  auto before = world.now();
  while (world.now() < std::chrono::hours(1) + 30s) {
    if (first.result.valid() && second.result.valid()) both += world.now() - before;
    before = world.now();
    world.run_for(1ms);
  }
  CHECK(second.result.valid());
  CHECK(second.result.fencing_token() > first.result.fencing_token());
  return both;
}

}  // namespace

TEST_CASE("a store whose clock is fast, or a holder whose clock is slow, makes no overlap within the margin",
          "[S13][P4][etcd][azure]") {
  auto const r = GENERATE(values<rates>({{1000, 1100}, {910, 1000}, {950, 1050}, {1100, 1000}, {1000, 900}}));
  INFO("holder " << r.holder << ", store " << r.store);
  CHECK(overlap(r, 0.1) == 0ns);
}

TEST_CASE("without a margin the same clocks would overlap", "[S13][etcd][azure]") {
  auto const r = GENERATE(values<rates>({{1000, 1100}, {910, 1000}}));
  CHECK(overlap(r, 0.0) > 500ms);
}

TEST_CASE("when the store's clock steps ahead two may act, and the token tells them apart", "[S13][etcd][azure]") {
  one_host h;
  auto const elsewhere = h.world.add_host();
  memory_store_options how;
  how.hub = h.hub;
  how.env = elsewhere;
  elector_options who;
  who.election = "leader";
  elector b(elsewhere->io.get_executor(), make_memory_store(elsewhere->io.get_executor(), how), who);
  auto a = h.make_elector("A");
  auto old = h.win(a);
  h.host->paused = true;    // it hears of nothing
  h.hub->expire("leader");  // as by an hour's step
  catcher<leadership> won;
  b.campaign(won.handler());
  REQUIRE(h.world.run_until([&] { return won.done(); }, 1s));
  CHECK(old.valid());  // no lock service can help that
  CHECK(won.result.valid());
  fence resource;
  CHECK(resource.admit(old.fencing_token()));
  CHECK(resource.admit(won.result.fencing_token()));
  CHECK_FALSE(resource.admit(old.fencing_token()));
}

TEST_CASE("a wall clock that is set changes no term", "[P4][etcd][azure]") {
  auto const step = GENERATE(as<nanoseconds>(), 1h, -1h, 24h * 365, -24h * 365);
  one_host h;
  auto e = h.make_elector("A");
  auto const term = h.win(e);
  auto const left = term.remaining();
  h.host->wall_step = step;
  h.hub_host->wall_step = -step;
  CHECK(term.remaining() == left);
  h.world.run_for(60s);
  CHECK(term.valid());
  h.fate = [](memory_request) {
    memory_fate f;
    f.lose_request = true;
    return f;
  };
  auto const until = h.world.now() + term.remaining();
  h.host->wall_step = -step;
  REQUIRE(h.world.run_until([&] { return static_cast<bool>(term.ended()); }, 20s));
  CHECK(h.world.now() >= until);
  CHECK(h.world.now() < until + 10ms);
}

TEST_CASE("a wall clock that is put back brings no file token back", "[P4][file]") {
  struct real_but_wall final : environment {
    std::shared_ptr<environment> const real = environment::real();
    std::chrono::nanoseconds step{};
    instant now() const noexcept override { return real->now(); }
    std::chrono::system_clock::time_point wall_clock() const override {
      return real->wall_clock() + std::chrono::duration_cast<std::chrono::system_clock::duration>(step);
    }
    std::uint64_t random() override { return real->random(); }
    std::unique_ptr<coelect::alarm> make_alarm(asio::any_io_executor where) override { return real->make_alarm(where); }
  };
  auto const env = std::make_shared<real_but_wall>();
  scratch_directory scratch;
  asio::io_context io;
  file_store_options how;
  how.directory = scratch.path();
  how.env = env;
  std::uint64_t last = 0;
  for (auto const step : {0h, -24h, 24h, -24h * 365}) {
    env->step = step;
    elector_options who;
    who.election = "leader";
    elector e(io.get_executor(), make_file_store(io.get_executor(), how), who);
    catcher<leadership> won;
    e.campaign(won.handler());
    REQUIRE(run_until(io, [&] { return won.done(); }));
    CHECK(won.result.fencing_token() > last);
    last = won.result.fencing_token();
    env->step = -step;
    CHECK(won.result.valid());
  }
}

TEST_CASE("a timer for the beginning of time rings at once, and the others in their turn", "[etcd][azure]") {
  one_host h;
  bool at_once = false, later = false;
  auto& context = *h.where->context();
  auto const first = context.at(instant{}, [&] { at_once = true; });
  auto const second = context.after(1s, [&] { later = true; });
  CHECK(h.world.run_until([&] { return at_once; }, 100ms));
  CHECK(h.world.run_until([&] { return later; }, 2s));
}
