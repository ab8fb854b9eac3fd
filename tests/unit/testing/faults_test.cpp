// Fault schedules: by hand and drawn, each kind of trouble, partitions of memory stores, and the end of it all.
#include "support/catch.hpp"
#include <boost/asio/post.hpp>
#include <coelect/testing/faults.hpp>
#include <stdexcept>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using testing::fault_schedule;
using testing::host;
using testing::trouble;
using testing::world;
namespace asio = boost::asio;

namespace {

/// Three hosts and a schedule that remembers crashes and starts.
struct scene {
  explicit scene(std::uint64_t seed = 1) : w(seed), faults(w) {
    for (int i = 0; i < 3; ++i) w.add_host();
    faults.on_crash = [this](host& h) { story += "crash " + std::to_string(h.number()) + ", "; };
    faults.on_start = [this](host& h) { story += "start " + std::to_string(h.number()) + ", "; };
  }
  host& at(std::size_t number) { return *w.hosts()[number]; }
  memory_fate ask(host& on) { return faults.fates(on)(memory_request::renew); }

  world w;
  fault_schedule faults;
  std::string story;
};

}  // namespace

TEST_CASE("a schedule by hand happens when it says", "[testing]") {
  scene s;
  s.faults.add({trouble::pause, 0, 1s, 10s}).add({trouble::suspend, 1, 2s, 30s}).add({trouble::wall_clock, 2, 3s, -1h});
  s.w.run_for(1min);  // times count from start() on
  CHECK_FALSE(s.at(0).paused);
  s.faults.start();
  auto const slept = s.at(1).now();
  auto const wall = s.at(2).wall_clock();
  s.w.run_for(999ms);
  CHECK_FALSE(s.at(0).paused);
  s.w.run_for(2ms);
  CHECK(s.at(0).paused);
  s.w.run_for(2s);
  CHECK(s.at(1).now().boot - slept.boot == 3s + 1ms);
  CHECK(s.at(1).now().raw - slept.raw == 2s);
  CHECK(s.at(2).wall_clock() == wall - 1h + 3s + 1ms);
  s.w.run_for(8s);
  CHECK_FALSE(s.at(0).paused);
  s.w.run_for(30s);
  CHECK(s.at(1).now().boot - slept.boot == 41s + 1ms);
  CHECK(s.at(1).now().raw - slept.raw == 11s + 1ms);
}

TEST_CASE("pauses of one host that overlap end with the last of them", "[testing]") {
  scene s;
  s.faults.add({trouble::pause, 0, 0s, 10s}).add({trouble::pause, 0, 5s, 10s}).add({trouble::pause, 0, 6s, 1s}).start();
  s.w.run_for(14s);
  CHECK(s.at(0).paused);
  s.w.run_for(2s);
  CHECK_FALSE(s.at(0).paused);
}

TEST_CASE("a crash empties the host, tells, and starts it again; a second one while it is down is none", "[testing]") {
  scene s;
  int ran = 0;
  s.faults.add({trouble::crash, 1, 1s, 10s}).add({trouble::crash, 1, 5s, 1s}).start();
  s.w.after(1s - 1ns, [&] { asio::post(s.at(1).executor(), [&] { ++ran; }); });
  s.at(1).paused = true;  // so that what is posted still waits when the crash comes
  s.w.run_for(2s);
  CHECK(s.story == "crash 1, ");
  CHECK(s.faults.down(s.at(1)));
  CHECK(s.faults.deaf(s.at(1)));
  CHECK(s.faults.mute(s.at(1)));
  CHECK_FALSE(s.faults.down(s.at(0)));
  s.w.run_for(8s);
  CHECK(s.faults.down(s.at(1)));
  s.w.run_for(2s);
  CHECK(s.story == "crash 1, start 1, ");
  CHECK_FALSE(s.faults.down(s.at(1)));
  s.at(1).paused = false;
  s.w.run_for(1min);
  CHECK(ran == 0);
}

TEST_CASE("deaf hosts lose answers, mute ones requests, crashed ones both, others nothing", "[testing]") {
  scene s;
  s.faults.add({trouble::deaf, 0, 1s, 10s}).add({trouble::mute, 1, 1s, 10s}).add({trouble::crash, 2, 1s, 10s}).start();
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK_FALSE(s.ask(s.at(i)).lose_reply);
    CHECK_FALSE(s.ask(s.at(i)).lose_request);
  }
  s.w.run_for(2s);
  CHECK(s.ask(s.at(0)).lose_reply);
  CHECK_FALSE(s.ask(s.at(0)).lose_request);
  CHECK(s.ask(s.at(1)).lose_request);
  CHECK_FALSE(s.ask(s.at(1)).lose_reply);
  CHECK(s.ask(s.at(2)).lose_request);
  CHECK(s.ask(s.at(2)).lose_reply);
  s.w.run_for(10s);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK_FALSE(s.ask(s.at(i)).lose_reply);
    CHECK_FALSE(s.ask(s.at(i)).lose_request);
  }
}

TEST_CASE("fates of one's own are kept beside the schedule's, and stay when it is gone", "[testing]") {
  world w(1);
  auto const h = w.add_host();
  std::function<memory_fate(memory_request)> fates;
  auto const slow = [](memory_request what) {
    memory_fate f;
    if (what == memory_request::look) f.reply_delay = 1s;
    return f;
  };
  {
    fault_schedule faults(w);
    faults.add({trouble::mute, 0, 0s, 1h}).start();
    fates = faults.fates(*h, slow);
    w.run_for(1s);
    CHECK(fates(memory_request::look).reply_delay == 1s);
    CHECK(fates(memory_request::look).lose_request);
    CHECK(fates(memory_request::renew).reply_delay == 0s);
  }
  CHECK(fates(memory_request::look).reply_delay == 1s);
  CHECK_FALSE(fates(memory_request::look).lose_request);
}

TEST_CASE("troubled_since counts what goes on and what has been, of that host", "[testing]") {
  scene s;
  auto const begin = s.w.now();
  s.faults.add({trouble::pause, 0, 10s, 5s}).start();
  CHECK_FALSE(s.faults.troubled_since(s.at(0), begin));
  s.w.run_for(12s);
  CHECK(s.faults.troubled_since(s.at(0), s.w.now()));
  CHECK_FALSE(s.faults.troubled_since(s.at(1), begin));
  s.w.run_for(10s);
  CHECK_FALSE(s.faults.troubled_since(s.at(0), s.w.now()));
  CHECK(s.faults.troubled_since(s.at(0), begin + 15s));
}

TEST_CASE("heal ends what goes on and forgets what was to come", "[testing]") {
  scene s;
  s.faults.add({trouble::pause, 0, 1s, 1h}).add({trouble::deaf, 1, 1s, 1h}).add({trouble::crash, 2, 1s, 1h});
  s.faults.add({trouble::crash, 0, 2min, 1s}).start();
  s.w.run_for(1min);
  s.faults.heal();
  CHECK_FALSE(s.at(0).paused);
  CHECK_FALSE(s.faults.deaf(s.at(1)));
  CHECK_FALSE(s.faults.down(s.at(2)));
  CHECK(s.story == "crash 2, start 2, ");
  s.w.run_for(3h);
  CHECK(s.story == "crash 2, start 2, ");  // started once, and no more crashes
}

TEST_CASE("a drawn schedule follows from the seed and keeps to its mix", "[testing]") {
  scene a(7), b(7), c(8);
  testing::fault_mix mix;
  mix.longest = 3s;
  a.faults.draw(2, 1h, mix);
  b.faults.draw(2, 1h, mix);
  c.faults.draw(2, 1h, mix);
  CHECK(a.faults.text() == b.faults.text());
  CHECK(a.faults.text() != c.faults.text());
  CHECK(a.faults.faults().size() > 250);  // one every 10 s on average
  CHECK(a.faults.faults().size() < 500);
  std::map<trouble, int> kinds;
  for (auto const& f : a.faults.faults()) {
    ++kinds[f.what];
    CHECK(f.host < 2);
    CHECK(f.at < 1h);
    if (f.what == trouble::wall_clock) CHECK((f.span >= -1h && f.span <= 1h));
    else CHECK((f.span >= 0s && f.span < 3s));
  }
  CHECK(kinds.size() == 6);
  CHECK(kinds[trouble::pause] > kinds[trouble::wall_clock]);
}

TEST_CASE("kinds without weight are never drawn, nor is anything without kinds or hosts", "[testing]") {
  scene s;
  testing::fault_mix only_deaf{0, 0, 0, 1, 0, 0};
  s.faults.draw(3, 1h, only_deaf);
  REQUIRE_FALSE(s.faults.faults().empty());
  for (auto const& f : s.faults.faults()) CHECK(f.what == trouble::deaf);
  scene none;
  none.faults.draw(3, 1h, {0, 0, 0, 0, 0, 0}).draw(0, 1h).draw(3, 0s);
  CHECK(none.faults.faults().empty());
}

TEST_CASE("text has one fault a line", "[testing]") {
  scene s;
  s.faults.add({trouble::pause, 0, 1500ms, 20s}).add({trouble::wall_clock, 2, 1h, -2s});
  CHECK(s.faults.text() ==
        "at 1500 ms: pause of host 0 for 20000 ms\nat 3600000 ms: wall_clock of host 2 for -2000 ms\n");
  CHECK(to_string(trouble::suspend) == std::string("suspend"));
  CHECK(to_string(trouble{}) == std::string("?"));
}

TEST_CASE("schedules that cannot be are refused", "[testing]") {
  scene s;
  CHECK_THROWS_AS(s.faults.add({trouble::pause, 0, -1s, 1s}), std::invalid_argument);
  CHECK_THROWS_AS(s.faults.add({trouble::pause, 0, 1s, -1s}), std::invalid_argument);
  testing::fault_mix mix;
  mix.longest = 0s;
  CHECK_THROWS_AS(s.faults.draw(3, 1h, mix), std::invalid_argument);
  mix.longest = 1s;
  mix.apart = 0s;
  CHECK_THROWS_AS(s.faults.draw(3, 1h, mix), std::invalid_argument);
  s.faults.add({trouble::pause, 3, 1s, 1s});
  CHECK_THROWS_AS(s.faults.start(), std::invalid_argument);  // there are hosts 0 to 2
  scene twice;
  twice.faults.add({trouble::pause, 0, 1s, 1s}).start();
  CHECK_THROWS_AS(twice.faults.start(), std::logic_error);
  CHECK_THROWS_AS(twice.faults.add({trouble::pause, 0, 1s, 1s}), std::logic_error);
}

TEST_CASE("a schedule may be gone before its faults are due", "[testing]") {
  world w(1);
  auto const h = w.add_host();
  {
    fault_schedule faults(w);
    faults.add({trouble::pause, 0, 1s, 1s}).add({trouble::crash, 0, 1s, 1s}).start();
  }
  w.run_for(500ms);
  w.run_for(1s);
  CHECK_FALSE(h->paused);
}
