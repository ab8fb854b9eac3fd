// How the watches of a store share a WebSocket: who travels on it, how they resume, when it is given up for which other way.
#include "fake_etcd.hpp"
#include "stores/etcd/watch_socket.hpp"
#include <algorithm>
#include <map>
#include <set>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

// Of etcd_scene's ttl, 10 s.
constexpr auto V = 8s;
constexpr auto renew_every = 3200ms;
constexpr auto request_timeout = 1600ms;

call_test const begins = to_path("/v3/watch");
call_test const upgrade = to_path("/v3/watch upgrade");
call_test const progress = to_path("/v3/watch progress");

call_test at(std::size_t endpoint, call_test what) {
  return [=](fake_call const& c) { return c.endpoint == endpoint && what(c); };
}
std::int64_t start_of(fake_call const& c) {
  return std::stoll(c.body.at("create_request").value("start_revision", std::string("0")));
}
std::string key_of(fake_call const& c) { return decoded(c.body.at("create_request").at("key")); }
bool on_socket(fake_call const& c) { return c.body.at("create_request").contains("watch_id"); }

struct scene : etcd_scene {
  explicit scene(std::size_t endpoints = 1, std::string const& under = {}) : etcd_scene(endpoints, under) {
    etcd->sockets = true;
  }
  std::size_t count(std::string const& path) const { return etcd->calls_to(path).size(); }
  std::size_t upgrades() const { return count("/v3/watch upgrade"); }
  std::size_t begun(bool socket) const {
    auto const all = etcd->calls_to("/v3/watch");
    auto const n = std::count_if(all.begin(), all.end(), [=](auto const& c) { return on_socket(c) == socket; });
    return static_cast<std::size_t>(n);
  }
  void cut() { etcd->end_streams(outcome(errc::unreachable, "cut")); }
};

struct led {
  explicit led(std::size_t endpoints = 1, std::string const& under = {})
      : s(endpoints, under), e(s.make_elector("A")), term(s.win(e)) {
    s.run(100ms);
    REQUIRE(term.valid());
  }
  std::string key() const { return s.etcd->list(s.how.prefix + "leader/").front(); }
  bool over(nanoseconds limit) {
    return s.until([&] { return static_cast<bool>(term.ended()); }, limit);
  }
  scene s;
  elector e;
  leadership term;
};

/// What one watch was told.
struct listener final : stores::etcd::watch_listener {
  std::vector<std::int64_t> heard;
  int gaps = 0, refusals = 0;
  std::function<void()> at_each = [] {};
  void on_event(wire::etcd::watch_event const& what) override {
    heard.push_back(what.kv.mod_revision);
    at_each();
  }
  void on_gap() override {
    ++gaps;
    at_each();
  }
  void on_refused(outcome const&) override {
    ++refusals;
    at_each();
  }
};

/// Watches without elections: what a store that never writes has.
struct watchers {
  explicit watchers(std::size_t endpoints = 1) : s(endpoints) {
    for (std::size_t i = 0; i < endpoints; ++i)
      how.endpoints.push_back({false, "10.0.0." + std::to_string(i + 1), 2379});
    how.network = s.etcd;
    context = store_context::make(s.host->io.get_executor(), s.how.env, s.how.log);
    client.emplace(context, std::move(how), [] {});
    times.ttl = 10s;
    times.validity = V;
    times.renew_every = renew_every;
    times.request_timeout = request_timeout;
    times.retry_min = 100ms;
    times.retry_max = 2s;
    socket.emplace(*client, times);
  }
  void watch(std::string const& key, std::int64_t from = 0) {
    auto& to = all[key];
    to = std::make_unique<listener>();
    handles[key] =
        socket->add(wire::etcd::key_range::one(key), from == 0 ? s.etcd->revision + 1 : from, false, renew_every, *to);
  }
  bool sees(std::string const& key) const { return !handles.at(key)->blind_since(); }
  bool all_see() const {
    return std::all_of(handles.begin(), handles.end(), [](auto const& h) { return !h.second->blind_since(); });
  }

  scene s;
  stores::etcd::client_options how;
  std::shared_ptr<store_context> context;
  rules::timings times;
  std::optional<stores::etcd::etcd_client> client;
  std::optional<stores::etcd::watch_socket> socket;
  std::map<std::string, std::unique_ptr<listener>> all;
  std::map<std::string, std::unique_ptr<stores::etcd::watch_handle>> handles;
};

std::string canceled(std::string const& more) {
  return R"({"result":{"header":{"cluster_id":"7001"},"canceled":true,)" + more + "}}";
}

}  // namespace

// --- Who travels on it ------------------------------------------------------------------------------------------------

TEST_CASE("etcd socket: without a user name all watches of a store share one", "[etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  led l(1, prefix);
  auto other = l.s.make_elector("B", l.e.where(), "other");
  auto second = l.s.win(other);
  l.s.run(100ms);
  CHECK(l.s.upgrades() == 1);
  CHECK(l.s.etcd->open_sockets() == 1);
  CHECK(l.s.begun(false) == 0);
  CHECK(l.s.begun(true) == (prefix.empty() ? 3 : 1));  // the lease's room and two keys, or everything under the prefix
  l.s.run(60s);
  CHECK(l.s.upgrades() == 1);
  CHECK(l.s.begun(true) == (prefix.empty() ? 3 : 1));
  CHECK(l.s.count("/v3/watch progress") == 0);  // each renewal's own event shows that it lives
  CHECK(l.term.valid());
  l.s.etcd->erase(l.key());
  CHECK(l.over(10ms));
  CHECK(second.valid());
}

TEST_CASE("etcd socket: with a user name there is none, for it cannot carry a token", "[etcd]") {
  scene s(1, "app/");
  s.how.username = "u";
  s.how.password = "p";
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.run(10s);
  CHECK(s.upgrades() == 0);
  CHECK(s.begun(false) > 0);
  CHECK(term.valid());
}

TEST_CASE("etcd socket: watches begin and end on it as candidates come and go", "[etcd]") {
  led l;
  auto const before = l.s.etcd->streams();
  auto const where = l.s.make_store();
  auto e = l.s.make_elector("B", where);
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(l.s.until([&] { return l.s.etcd->streams() == before + 3; }));  // its room, its key, the one before it
  catcher<void> gone;
  l.term.resign(gone.handler());
  REQUIRE(l.s.until([&] { return won.done(); }));
  l.s.run(300ms);
  CHECK(l.s.etcd->streams() == 2);
  CHECK(l.s.etcd->open_sockets() == 1);  // the first store has nothing to watch any more
  CHECK(won.result.valid());
}

TEST_CASE("etcd socket: who stands again at once finds the socket still open; later it has been closed", "[etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  INFO("prefix '" << prefix << "'");
  led l(1, prefix);
  auto const resign = [&] {
    catcher<void> done;
    l.term.resign(done.handler());
    REQUIRE(l.s.until([&] { return done.done(); }));
  };
  REQUIRE(l.s.upgrades() == 1);
  for (int i = 0; i < 3; ++i) {
    resign();
    l.s.run(50ms);
    l.term = l.s.win(l.e);
    l.s.run(50ms);
    CHECK(l.s.etcd->open_sockets() == 1);
  }
  CHECK(l.s.upgrades() == 1);
  l.s.etcd->erase(l.key());  // and it is heard
  REQUIRE(l.over(1s));
  l.term = l.s.win(l.e);
  resign();
  l.s.run(300ms);
  CHECK(l.s.etcd->open_sockets() == 0);
  CHECK(l.s.upgrades() == 1);
  l.term = l.s.win(l.e);
  l.s.run(50ms);
  CHECK(l.s.upgrades() == 2);
}

TEST_CASE("etcd socket: a socket that nobody needs any more and that breaks is not opened again", "[N2][etcd]") {
  led l;
  catcher<void> done;
  l.term.resign(done.handler());
  REQUIRE(l.s.until([&] { return done.done(); }));
  l.s.run(20ms);
  l.s.cut();
  l.s.run(5s);
  CHECK(l.s.upgrades() == 1);
}

TEST_CASE("etcd socket: each watch hears of its own key only, from its own revision on", "[etcd]") {
  watchers w;
  auto const base = w.s.etcd->put("a", "1");
  w.watch("a");
  w.watch("b", base);  // in the past: told to look
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  auto const first = w.s.etcd->put("a", "2");
  auto const second = w.s.etcd->put("b", "2");
  w.s.run(10ms);
  CHECK(w.all["a"]->heard == std::vector{first});
  CHECK(w.all["b"]->heard == std::vector{second});
  CHECK(w.all["a"]->gaps == 0);
  CHECK(w.all["b"]->gaps == 1);
  w.handles.erase("a");
  w.s.etcd->put("a", "3");
  w.s.run(10ms);
  CHECK(w.all["a"]->heard == std::vector{first});
  CHECK(w.s.etcd->streams() == 1);
}

TEST_CASE("etcd socket: a listener may end watches and begin others from within", "[L3][etcd]") {
  watchers w;
  w.watch("a");
  w.watch("b");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  auto const what = GENERATE(0, 1, 2);
  w.all["a"]->at_each = [&] {
    if (what == 0) w.handles.erase("a");
    if (what == 1) w.handles.clear();
    if (what == 2) w.socket.reset();
  };
  w.s.etcd->put("a", "1");
  w.s.run(1s);
  w.s.etcd->put("a", "2");
  w.s.run(1s);
  CHECK(w.all["a"]->heard.size() == 1);
  w.all["a"]->at_each = [] {};
  w.handles.clear();
  w.s.run(1s);
  CHECK(w.s.etcd->open_sockets() == 0);
}

TEST_CASE("etcd socket: thousands begin without more than 512 unanswered at a time", "[L5][etcd]") {
  watchers w;
  std::size_t most = 0;
  auto const answered = std::make_shared<std::size_t>(0);
  w.s.etcd->always(begins, [&, answered](fake_call& c) {
    c.delay = 20ms;
    c.edit = [answered](json&) { ++*answered; };
  });
  for (int i = 0; i < 2'000; ++i) w.watch("k" + std::to_string(i));
  for (int i = 0; i < 5'000 && !w.all_see(); ++i) {
    w.s.run(1ms);
    std::size_t seeing = 0;
    for (auto const& h : w.handles) seeing += h.second->blind_since() ? 0 : 1;
    most = std::max(most, w.s.begun(true) - seeing);
  }
  CHECK(w.all_see());
  CHECK(w.s.upgrades() == 1);
  CHECK(most <= 512);
  CHECK(most >= 256);
}

// --- What breaks ------------------------------------------------------------------------------------------------------

TEST_CASE("etcd socket: after a break each watch resumes at its own next revision", "[N2][S5][etcd]") {
  watchers w(2);
  w.watch("a");
  w.watch("b");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  auto const from_b = w.s.etcd->revision + 1;
  auto const a = w.s.etcd->put("a", "1");
  w.s.run(2s);
  w.s.cut();
  w.s.run(1us);
  CHECK_FALSE(w.sees("a"));
  auto const missed = w.s.etcd->put("b", "1");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 100ms));  // what had worked is opened again at once
  std::map<std::string, std::int64_t> starts;
  auto const calls = w.s.etcd->calls_to("/v3/watch");
  REQUIRE(calls.size() == 4);
  for (std::size_t i = 2; i < 4; ++i) {
    starts[key_of(calls[i])] = start_of(calls[i]);
    CHECK(calls[i].endpoint == 1);  // and elsewhere
  }
  CHECK(starts["a"] == a + 1);
  CHECK(starts["b"] == from_b);
  w.s.run(10ms);
  CHECK(w.all["a"]->heard == std::vector{a});
  CHECK(w.all["b"]->heard == std::vector{missed});
  CHECK(w.all["a"]->gaps + w.all["b"]->gaps == 0);
}

TEST_CASE("etcd socket: after a compaction a watch goes on behind it and what may be missing is looked at",
          "[S5][etcd]") {
  auto const gone = GENERATE(true, false);
  led l;
  auto const key = l.key();
  l.s.etcd->always(upgrade, [](fake_call& c) { c.cut = true; });
  l.s.cut();
  l.s.run(10ms);
  if (gone) l.s.etcd->keys.erase(key);  // in the compacted part: no event will ever tell
  l.s.etcd->revision += 5;
  auto const compacted = l.s.etcd->revision;
  l.s.etcd->no_rules();
  auto const before = l.s.begun(true);
  l.s.etcd->when(
      begins, [=](fake_call& c) { c.text = canceled(R"("compact_revision":")" + std::to_string(compacted) + "\""); },
      2);
  REQUIRE(l.s.until([&] { return l.s.begun(true) >= before + 4; }, 5s));
  CHECK(start_of(l.s.etcd->calls_to("/v3/watch").back()) == compacted + 1);
  l.s.run(500ms);
  CHECK(l.s.etcd->open_sockets() == 1);
  CHECK(l.term.valid() == !gone);
}

TEST_CASE("etcd socket: what is cut in parts is resumed at its own revision until the last part has come",
          "[S5][etcd]") {
  auto const whole = GENERATE(false, true);
  watchers w;
  w.watch("a");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  auto const revision = ++w.s.etcd->revision;
  fake_event part{"a", revision, false, {{"kv", {{"key", "YQ=="}, {"mod_revision", std::to_string(revision)}}}}};
  auto line = w.s.etcd->event_line({part});
  line["result"]["fragment"] = true;
  w.s.etcd->say(line.dump());
  if (whole) w.s.etcd->say(w.s.etcd->event_line({part}).dump());
  w.s.run(2s);
  w.s.cut();
  REQUIRE(w.s.until([&] { return w.s.begun(true) == 2; }, 5s));
  CHECK(start_of(w.s.etcd->calls_to("/v3/watch").back()) == revision + (whole ? 1 : 0));
}

TEST_CASE("etcd socket: messages that are not etcd's, errors and refusals only make it open again",
          "[H5][H6][S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  led l(1, prefix);
  std::vector<std::string> const bad{"",
                                     "{",
                                     "null",
                                     "Not Found",
                                     "{}",
                                     "{\"result\":{}}",
                                     "{\"result\":[]}",
                                     R"({"result":{"watch_id":"x","header":{}}})",
                                     R"({"result":{"watch_id":"99999999999999999999","header":{}}})",
                                     R"({"result":{"header":{},"events":[{"type":"BOGUS","kv":{"key":"YQ=="}}]}})",
                                     R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})",
                                     R"({"error":{"grpc_code":4,"message":"context deadline exceeded"}})",
                                     canceled(R"("cancel_reason":"whatever")"),
                                     R"({"result":{"header":{},"canceled":true,"compact_revision":"-5"}})",
                                     R"({"result":{"header":{"cluster_id":"7002"},"watch_id":"-1"}})",
                                     R"({"result":{"header":{"cluster_id":"7001","raft_term":"1"},"watch_id":"-1"}})",
                                     std::string(1'000'000, 'x'),
                                     std::string(100'000, '[')};
  for (auto const& line : bad) {
    INFO(line.substr(0, 80));
    REQUIRE(l.s.until([&] { return l.s.etcd->streams() == (prefix.empty() ? 2 : 1); }, 10s));
    auto const before = l.s.upgrades();
    l.s.run(1100ms);
    l.s.etcd->say(line);
    REQUIRE(l.s.until([&] { return l.s.upgrades() == before + 1; }, 3s));
    CHECK(l.term.valid());
  }
  REQUIRE(l.s.until([&] { return l.s.etcd->streams() == (prefix.empty() ? 2 : 1); }, 10s));
  l.s.run(10ms);
  l.s.etcd->erase(l.key());
  CHECK(l.over(10ms));
}

TEST_CASE("etcd socket: answers for watches that are gone, or never were, are for nobody", "[etcd]") {
  watchers w;
  w.watch("a");
  w.watch("b");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  auto const number = [&](std::size_t i) {
    return w.s.etcd->calls_to("/v3/watch").at(i).body.at("create_request").at("watch_id").get<std::string>();
  };
  auto const old = number(0);
  w.handles.erase("a");
  w.watch("c");  // takes the same place
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  REQUIRE(number(2) != old);
  for (auto const& id : {old, std::string("-7"), std::string("0"), std::string("123456789")}) {
    w.s.etcd->say(R"({"result":{"header":{"cluster_id":"7001","raft_term":"2","revision":"11"},"watch_id":")" + id +
                  R"(","events":[{"kv":{"key":"YQ==","mod_revision":"900"}}]}})");
    w.s.etcd->say(R"({"result":{"header":{"cluster_id":"7001","raft_term":"2","revision":"11"},"watch_id":")" + id +
                  R"(","canceled":true,"cancel_reason":"gone"}})");
  }
  w.s.run(1s);
  CHECK(w.s.upgrades() == 1);
  CHECK(w.all["b"]->heard.empty());
  CHECK(w.all["c"]->heard.empty());
  CHECK(w.all_see());
}

TEST_CASE("etcd socket: a refused watch is told to all, for all are nobody in particular", "[T4][etcd]") {
  watchers w;
  w.watch("a");
  w.watch("b");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  w.s.run(2s);
  w.s.etcd->when(begins, [](fake_call& c) {
    c.text = R"({"result":{"header":{"cluster_id":"7001"},"watch_id":"-1","created":true,"canceled":true,)"
             R"("cancel_reason":"rpc error: code = PermissionDenied desc = etcdserver: permission denied"}})";
  });
  w.s.cut();
  REQUIRE(w.s.until([&] { return w.all["a"]->refusals == 1; }, 1s));
  CHECK(w.all["b"]->refusals == 1);
  REQUIRE(w.s.until([&] { return w.all_see(); }, 10s));  // and it goes on trying
}

// --- Whether it lives -------------------------------------------------------------------------------------------------

TEST_CASE("etcd socket: after a renewal whose put it does not show, all its watches move elsewhere", "[S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  scene s(2, prefix);
  s.etcd->always(at(0, begins), [](fake_call& c) { c.mute = true; });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  auto const begin = s.world.now();
  REQUIRE(s.until([&] { return s.upgrades() == 2; }, 30s));
  CHECK(s.world.now() - begin <= renew_every + request_timeout + 1s);
  CHECK(s.logged("behind or dead"));
  auto const all = s.etcd->calls_to("/v3/watch upgrade");
  CHECK(all[0].endpoint == 0);
  CHECK(all[1].endpoint == 1);
  // And what the first one did not show comes now.
  s.run(1s);
  s.etcd->erase(s.oldest());
  CHECK(s.until([&] { return static_cast<bool>(term.ended()); }, 1s));
}

TEST_CASE(
    "etcd socket: one that falls silent is left within a renewal period and a request's time, also by who never writes",
    "[N3][S5][etcd]") {
  watchers w(2);
  w.watch("a");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  w.s.run(renew_every * 3);
  CHECK(w.s.upgrades() == 1);
  CHECK(w.s.count("/v3/watch progress") >= 2);
  w.s.etcd->always(at(0, progress), [](fake_call& c) { c.answered = false; });
  w.s.etcd->always(at(0, begins), [](fake_call& c) { c.answered = false; });
  auto const silent = w.s.world.now();
  REQUIRE(w.s.until([&] { return w.s.upgrades() == 2; }, 30s));
  CHECK(w.s.world.now() - silent <= renew_every * 9 / 8 + request_timeout + 100ms);
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  CHECK(w.s.etcd->calls_to("/v3/watch").back().endpoint == 1);
}

// Found by the simulation: the probe waited for a renewal that was on its way for 4 s, and for a read of its own.
TEST_CASE("etcd socket: silence is noticed in time also while nothing else is answered", "[N3][S5][etcd]") {
  led l(2);
  l.s.run(renew_every);
  auto const held = [](fake_call& c) { c.answered = false; };
  l.s.etcd->always(at(0, [](fake_call const&) { return true; }), held);
  auto const silent = l.s.world.now();
  l.s.etcd->always(at(1, [](fake_call const& c) { return c.path != "/v3/watch" && !upgrade(c); }), held);
  l.s.etcd->mute_sockets();
  REQUIRE(l.s.until([&] { return l.s.upgrades() == 2; }, 30s));
  CHECK(l.s.world.now() - silent <= renew_every * 9 / 8 + request_timeout + 100ms);
  l.s.etcd->erase(l.key());
  CHECK(l.over(100ms));
}

TEST_CASE("etcd socket: a member that is cut off from the others answers, but what it shows is too old", "[S5][etcd]") {
  watchers w(2);
  auto const old = std::to_string(w.s.etcd->revision);
  auto const stale = [old](fake_call& c) {
    c.edit = [old](json& answer) { answer["result"]["header"]["revision"] = old; };
    c.mute = true;
  };
  w.s.etcd->always(at(0, progress), stale);
  w.s.etcd->always(at(0, begins), stale);
  w.watch("a");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  auto const change = w.s.etcd->put("a", "1");  // by somebody else, through another member
  REQUIRE(w.s.until([&] { return !w.all["a"]->heard.empty(); }, renew_every * 2 + request_timeout));
  CHECK(w.all["a"]->heard == std::vector{change});
  CHECK(w.s.etcd->calls_to("/v3/watch").back().endpoint == 1);
}

TEST_CASE("etcd socket: a server that answers no progress request while a watch lags is not left for that",
          "[S5][etcd]") {
  watchers w;
  w.watch("a");
  w.s.etcd->always(progress, [](fake_call& c) { c.answered = false; });
  w.s.run(60s);
  CHECK(w.s.upgrades() == 1);
  CHECK(w.all_see());
  CHECK(w.s.count("/v3/watch progress") >= 10);
  CHECK(w.s.etcd->streams() == 1);  // the watches that were begun for their answer are ended
}

TEST_CASE("etcd socket: a watch that does not begin in time moves all of them elsewhere", "[N3][S5][etcd]") {
  watchers w(2);
  w.watch("a");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  w.s.run(1s);
  w.s.etcd->when(begins, [](fake_call& c) { c.answered = false; });
  auto const asked = w.s.world.now();
  w.watch("b");
  REQUIRE(w.s.until([&] { return w.s.upgrades() == 2; }, 10s));
  CHECK(w.s.world.now() - asked <= request_timeout + 100ms);
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
}

TEST_CASE("etcd socket: an event that etcd loses is made up for by a look, within a renewal period", "[S5][S6][etcd]") {
  scene s;
  s.etcd->put("leader/1", "somebody");
  // Only the watch on that key is deaf: everything else on the socket shows that it lives.
  s.etcd->always([](fake_call const& c) { return begins(c) && key_of(c) == "leader/1"; },
                 [](fake_call& c) { c.mute = true; });
  auto e = s.make_elector("B");
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(s.until([&] { return s.standing() == 2; }));
  s.run(10s);
  s.etcd->erase("leader/1");
  REQUIRE(s.until([&] { return won.done(); }, renew_every * 5 / 4 + 100ms));
  auto const ours = s.oldest();
  s.etcd->always([=](fake_call const& c) { return begins(c) && key_of(c) == ours; },
                 [](fake_call& c) { c.mute = true; });
  s.cut();
  s.run(10s);
  CHECK(won.result.valid());
  CHECK(s.upgrades() == 2);
  s.etcd->erase(ours);
  CHECK(s.until([&] { return !won.result.valid(); }, renew_every * 5 / 4 + 100ms));
}

TEST_CASE("etcd socket: `created` is no proof once the watches were dead in spite of it", "[S5][etcd]") {
  led l;
  l.s.run(renew_every);
  l.s.etcd->always(begins, [](fake_call& c) { c.mute = true; });
  l.s.cut();
  CHECK(l.over(60s));
  CHECK_THAT(l.term.ended().detail(), ContainsSubstring("watch"));
}

TEST_CASE("etcd R8 on a socket: who cannot watch its own key for as long as a lease is trusted must not go on",
          "[S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  led l(1, prefix);
  l.s.run(renew_every);
  auto const how = GENERATE(0, 1, 2, 3, 4);
  auto& etcd = *l.s.etcd;
  if (how == 0) etcd.always(begins, [](fake_call& c) { c.cut = true; });
  if (how == 1) etcd.always(begins, [](fake_call& c) { c.answered = false; });
  if (how == 2) etcd.always(begins, [](fake_call& c) { c.text = ""; });
  if (how == 3) {
    etcd.always(upgrade, [](fake_call& c) { c.answered = false; });
    etcd.always(begins, [](fake_call& c) { c.cut = true; });
  }
  if (how == 4) etcd.always(upgrade, [](fake_call& c) { c.cut = true; });
  INFO("case " << how);
  l.s.cut();
  auto const blind = l.s.world.now();
  REQUIRE(l.over(60s));
  CHECK(l.s.world.now() > blind + V);            // trouble that passes ends nothing
  CHECK(l.s.world.now() <= blind + 2 * V + 1s);  // the last renewal that counted was before blind + V
  CHECK_THAT(l.term.ended().detail(), ContainsSubstring("watch"));
}

// --- Servers and proxies without WebSocket ----------------------------------------------------------------------------

TEST_CASE("etcd socket: where the upgrade is refused, each watch has a stream, until it is tried again",
          "[H1][S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  scene s(1, prefix);
  s.etcd->always(upgrade, [](fake_call& c) { c.status = 404; });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.run(100ms);
  CHECK(s.upgrades() == 1);
  CHECK(s.etcd->streams() == (prefix.empty() ? 2 : 1));
  CHECK(s.begun(true) == 0);
  CHECK(s.logged("HTTP status 404"));
  s.run(3min);
  CHECK(s.upgrades() >= 3);
  CHECK(s.upgrades() <= 5);  // once a minute
  CHECK(s.etcd->open_sockets() == 0);
  s.etcd->no_rules();
  REQUIRE(s.until([&] { return s.etcd->open_sockets() == 1; }, 70s));
  s.run(100ms);
  CHECK(s.etcd->streams() == (prefix.empty() ? 2 : 1));  // the streams are gone
  auto const posts = s.begun(false);
  s.run(60s);
  CHECK(s.begun(false) == posts);
  CHECK(term.valid());
  s.etcd->erase(s.oldest());
  CHECK(s.until([&] { return static_cast<bool>(term.ended()); }, 10ms));
}

TEST_CASE("etcd socket: who comes while streams stand in gets one, and nothing is lost on the way back", "[S5][etcd]") {
  watchers w;
  w.s.etcd->always(upgrade, [](fake_call& c) { c.status = 502; });
  w.watch("a");
  w.s.run(1s);
  w.watch("b");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  CHECK(w.s.etcd->streams() == 2);
  w.s.etcd->no_rules();
  std::vector<std::int64_t> puts;
  for (int i = 0; i < 20'000 && w.s.etcd->open_sockets() == 0; ++i) {
    puts.push_back(w.s.etcd->put("b", "x"));
    w.s.run(7ms);
  }
  REQUIRE(w.s.etcd->open_sockets() == 1);
  puts.push_back(w.s.etcd->put("b", "y"));
  w.s.run(100ms);
  puts.push_back(w.s.etcd->put("b", "z"));
  w.s.run(100ms);
  CHECK(w.all["b"]->heard == puts);
  CHECK(w.all_see());
}

TEST_CASE("etcd socket: a proxy that swallows upgrades, or passes nothing on, is found out after two tries",
          "[N3][etcd]") {
  auto const swallows = GENERATE(true, false);
  watchers w;
  if (swallows) w.s.etcd->always(upgrade, [](fake_call& c) { c.answered = false; });
  else
    w.s.etcd->always([](fake_call const& c) { return begins(c) && on_socket(c); },
                     [](fake_call& c) { c.answered = false; });
  auto const begin = w.s.world.now();
  w.watch("a");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 30s));
  CHECK(w.s.world.now() - begin <= 2 * request_timeout + 1s);
  CHECK(w.s.world.now() - begin < V);
  CHECK(w.s.upgrades() == 2);
  CHECK(w.s.etcd->streams() == (swallows ? 1 : 1));
}

TEST_CASE("etcd socket: a server that is down is not taken for one without WebSocket", "[N1][etcd]") {
  watchers w;
  w.watch("a");
  REQUIRE(w.s.until([&] { return w.all_see(); }, 1s));
  w.s.run(2s);
  w.s.etcd->always(upgrade, [](fake_call& c) { c.cut = true; });
  w.s.cut();
  w.s.run(30s);
  CHECK(w.s.upgrades() >= 10);
  CHECK(w.s.upgrades() <= 60);
  CHECK(w.s.begun(false) == 0);
  CHECK_FALSE(w.sees("a"));
  w.s.etcd->no_rules();
  CHECK(w.s.until([&] { return w.all_see(); }, 5s));
}

TEST_CASE("etcd socket: another endpoint's socket is tried as soon as the streams have gone there", "[S5][etcd]") {
  scene s(2);
  s.etcd->always(at(0, upgrade), [](fake_call& c) { c.status = 404; });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.run(10s);
  CHECK(s.upgrades() == 1);
  s.etcd->always([](fake_call const& c) { return c.endpoint == 0; }, [](fake_call& c) { c.cut = true; });
  s.cut();
  REQUIRE(s.until([&] { return s.etcd->open_sockets() == 1; }, 3 * renew_every));
  CHECK(s.etcd->calls_to("/v3/watch upgrade").back().endpoint == 1);
  CHECK(term.valid());
}
