// How an etcd watch is kept open: where it resumes, when it is given up for dead, and what a gap makes it look at.
#include "fake_etcd.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

call_test const watch = to_path("/v3/watch");

std::int64_t start_of(fake_call const& c) {
  return std::stoll(c.body.at("create_request").value("start_revision", std::string("0")));
}

struct led {
  explicit led(std::size_t endpoints = 1, std::string prefix = "app/")
      : s(endpoints, std::move(prefix)), e(s.make_elector("A")), term(s.win(e)) {
    REQUIRE(term.valid());
    s.run(100ms);
  }
  std::string key() const { return s.etcd->list(s.how.prefix + "leader/").front(); }
  std::vector<fake_call> watches() const { return s.etcd->calls_to("/v3/watch"); }

  etcd_scene s;
  elector e;
  leadership term;
};

std::string canceled(std::string const& more) {
  return R"({"result":{"header":{"cluster_id":"7001"},"created":true,"canceled":true,)" + more + "}}";
}

}  // namespace

// etcd serves a watch that begins in the past by a loop of 100 ms: who stands again would hear that late of its turn.
TEST_CASE("etcd watch: a session that is taken up again begins no watch in the past", "[etcd]") {
  auto const prefix = GENERATE(std::string("app/"), std::string());
  led l(1, prefix);
  catcher<void> gone;
  l.term.resign(gone.handler());
  REQUIRE(l.s.until([&] { return gone.done(); }));
  l.s.run(100ms);
  REQUIRE(l.s.etcd->streams() == 0);
  for (int i = 0; i < 20; ++i) l.s.etcd->put("app/of-another-process", std::to_string(i));
  auto const before = l.watches().size();
  l.term = l.s.win(l.e);
  l.s.run(100ms);
  REQUIRE(l.watches().size() > before);
  for (auto i = before; i < l.watches().size(); ++i)
    CHECK(start_of(l.watches()[i]) == static_cast<std::int64_t>(l.term.fencing_token()) + 1);
  CHECK(l.s.etcd->leases.size() == 1);
}

TEST_CASE("etcd watch: with a prefix one stream serves the store, without one each candidate and lease has its own") {
  {
    led l(1, "app/");
    CHECK(l.watches().size() == 1);
    CHECK(decoded(l.watches()[0].body.at("create_request").at("key")) == "app/");
  }
  {
    led l(1, "");
    CHECK(l.watches().size() == 2);
  }
}

TEST_CASE("etcd watch: what the server ends in time is resumed right after the last event", "[post]") {
  led l;
  std::vector<std::int64_t> known;
  l.s.etcd->always(watch, [&](fake_call&) { known.push_back(l.s.etcd->revision); });
  REQUIRE(l.s.until([&] { return known.size() >= 3; }, 3min));
  auto const all = l.watches();
  REQUIRE(all.size() == 4);
  for (std::size_t i = 0; i < known.size(); ++i) CHECK(start_of(all[i + 1]) == known[i] + 1);
  CHECK(all[1].at - all[0].at <= 31s);
  CHECK(l.term.valid());
}

TEST_CASE("etcd watch: a stream of its own is renewed about as often as the lease, from where it was", "[post]") {
  led l(1, "");
  auto const before = l.watches();
  l.s.run(30s);
  CHECK(l.watches().size() >= before.size() + 14);  // two streams, every 3.2 s at most
  CHECK(l.watches().size() <= before.size() + 30);
  CHECK(l.term.valid());
}

TEST_CASE("etcd watch: a stream that never says `created` is given up and opened elsewhere", "[N3][S5][etcd]") {
  auto const head = GENERATE(true, false);
  etcd_scene s(2, "app/");
  s.etcd->when(watch, [=](fake_call& c) {
    c.answered = head;
    c.text = "";
    c.mute = true;
  });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  REQUIRE(s.until([&] { return s.etcd->calls_to("/v3/watch").size() == 2; }, 10s));
  auto const all = s.etcd->calls_to("/v3/watch");
  CHECK(all[0].endpoint == 0);
  CHECK(all[1].endpoint == 1);
  CHECK(all[1].at - all[0].at >= 1600ms);
  CHECK(all[1].at - all[0].at <= 1600ms + 1s);
  CHECK(start_of(all[1]) == start_of(all[0]));
  CHECK(term.valid());
}

TEST_CASE("etcd watch: after a renewal whose put it does not show, it is opened elsewhere", "[S5][etcd]") {
  etcd_scene s(2, "app/");
  s.etcd->when(watch, [](fake_call& c) { c.mute = true; });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  auto const begin = s.world.now();
  REQUIRE(s.until([&] { return s.etcd->calls_to("/v3/watch").size() == 2; }, 30s));
  CHECK(s.world.now() - begin <= 3200ms + 1600ms + 1s);
  auto const all = s.etcd->calls_to("/v3/watch");
  CHECK(all[0].endpoint == 0);
  CHECK(all[1].endpoint == 1);
  CHECK(s.logged("behind or dead"));
  // And what the first one did not show comes now.
  s.run(1s);
  s.etcd->erase(s.oldest());
  CHECK(s.until([&] { return static_cast<bool>(term.ended()); }, 1s));
}

TEST_CASE("etcd watch: after a compaction it goes on behind it, and what may have been missed is looked at",
          "[S5][etcd]") {
  auto const gone = GENERATE(true, false);
  auto const prefix = GENERATE(std::string("app/"), std::string());
  INFO("gone " << gone << ", prefix '" << prefix << "'");
  led l(1, prefix);
  auto const key = l.key();
  l.s.etcd->always(watch, [](fake_call& c) { c.cut = true; });
  l.s.etcd->end_streams(outcome(errc::unreachable, "cut"));
  l.s.run(10ms);
  if (gone) l.s.etcd->keys.erase(key);  // in the compacted part: no event will ever tell
  l.s.etcd->revision += 5;
  auto const compacted = l.s.etcd->revision;
  l.s.etcd->no_rules();
  auto const before = l.watches().size();
  l.s.etcd->when(
      watch, [=](fake_call& c) { c.text = canceled(R"("compact_revision":")" + std::to_string(compacted) + "\""); },
      prefix.empty() ? 2 : 1);
  REQUIRE(l.s.until([&] { return l.watches().size() >= before + (prefix.empty() ? 4 : 2); }, 5s));
  CHECK(start_of(l.watches().back()) == compacted + 1);
  l.s.run(500ms);
  CHECK(l.term.valid() == !gone);
}

TEST_CASE("etcd watch: what is cut in parts is resumed at its own revision until the last part has come",
          "[S5][etcd]") {
  led l;
  auto const revision = l.s.etcd->revision + 1;
  l.s.etcd->revision = revision;
  fake_event part{
      "app/x", revision, false, {{"kv", {{"key", "YXBwL3g="}, {"mod_revision", std::to_string(revision)}}}}};
  auto line = l.s.etcd->event_line({part});
  line["result"]["fragment"] = true;
  l.s.etcd->say(line.dump());
  l.s.run(1ms);
  SECTION("cut between the parts") {
    l.s.etcd->end_streams(outcome(errc::unreachable, "cut"));
    REQUIRE(l.s.until([&] { return l.watches().size() == 2; }, 2s));
    CHECK(start_of(l.watches()[1]) == revision);
  }
  SECTION("cut after the last part") {
    l.s.etcd->say(l.s.etcd->event_line({part}).dump());
    l.s.run(1ms);
    l.s.etcd->end_streams(outcome(errc::unreachable, "cut"));
    REQUIRE(l.s.until([&] { return l.watches().size() == 2; }, 2s));
    CHECK(start_of(l.watches()[1]) == revision + 1);
  }
}

TEST_CASE("etcd watch: lines that are not etcd's, errors and ends only make it open again", "[H5][H6][S5][etcd]") {
  auto const prefix = GENERATE(std::string("app/"), std::string());
  led l(1, prefix);
  std::vector<std::string> const bad{
      "",
      "{",
      "null",
      "[]",
      "{}",
      "<html>",
      "{\"result\":{}}",
      "{\"result\":null}",
      "{\"result\":[]}",
      R"({"result":{"events":[{"kv":{}}]}})",
      R"({"result":{"header":{},"events":[{"type":"BOGUS","kv":{"key":"YQ=="}}]}})",
      R"({"result":{"header":{"revision":"x"}}})",
      R"({"result":{"header":{},"events":{"kv":1}}})",
      R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})",
      R"({"error":{"grpc_code":4,"message":"context deadline exceeded"}})",
      canceled(R"("cancel_reason":"whatever")"),
      R"({"result":{"header":{},"canceled":true,"compact_revision":"-5"}})",
      R"({"result":{"header":{},"canceled":true,"compact_revision":"99999999999999999999"}})",
      std::string(1'000'000, 'x'),
      std::string(100'000, '[')};
  for (auto const& line : bad) {
    INFO(line.substr(0, 80));
    REQUIRE(l.s.until([&] { return l.s.etcd->streams() == (prefix.empty() ? 2 : 1); }, 10s));
    l.s.etcd->say(line);
    l.s.run(1s);
    CHECK(l.term.valid());
  }
  REQUIRE(l.s.until([&] { return l.s.etcd->streams() == (prefix.empty() ? 2 : 1); }, 10s));
  auto const key = l.key();
  l.s.etcd->erase(key);
  CHECK(l.s.until([&] { return !l.term.valid(); }, 10ms));
}

TEST_CASE("etcd watch: a refused token is forgotten and a new one used", "[T4][etcd]") {
  etcd_scene s(1, "app/");
  s.how.username = "u";
  s.how.password = "p";
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.run(100ms);
  auto const logins = s.etcd->calls_to("/v3/auth/authenticate").size();
  s.etcd->when(watch, [](fake_call& c) {
    c.text = R"({"result":{"header":{},"watch_id":"-1","created":true,"canceled":true,)"
             R"("cancel_reason":"rpc error: code = Unauthenticated desc = etcdserver: invalid auth token"}})";
  });
  s.etcd->end_streams();
  REQUIRE(s.until([&] { return s.etcd->calls_to("/v3/watch").size() == 3; }, 10s));
  CHECK(s.etcd->calls_to("/v3/auth/authenticate").size() == logins + 1);
  s.run(100ms);
  CHECK(s.etcd->streams() == 1);
  CHECK(term.valid());
}
