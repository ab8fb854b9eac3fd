// When an etcd lease is trusted, and when not any more: R1, R8, R10 and R13 on virtual time.
#include "fake_etcd.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

constexpr auto V = 8s;  // of ttl 10 s

nanoseconds deadline(etcd_scene const& s, leadership const& term) { return s.world.now() + term.remaining(); }

/// The grant of the lease itself, not the one that asks for the least ttl.
nanoseconds granted_at(etcd_scene const& s) {
  nanoseconds at{};
  for (auto const& c : s.etcd->calls_to("/v3/lease/grant"))
    if (c.body.at("TTL") == "10") at = c.at;
  return at;
}

nanoseconds last_keepalive(etcd_scene const& s) { return s.etcd->calls_to("/v3/lease/keepalive").back().at; }
std::size_t keepalives(etcd_scene const& s) { return s.etcd->calls_to("/v3/lease/keepalive").size(); }
std::size_t anchor_puts(etcd_scene const& s) {
  return static_cast<std::size_t>(std::count_if(s.etcd->calls.begin(), s.etcd->calls.end(), is_anchor_put));
}

call_test const keepalive = to_path("/v3/lease/keepalive");

struct led {
  explicit led(std::size_t endpoints = 1, std::string prefix = {})
      : s(endpoints, std::move(prefix)), e(s.make_elector("A")), term(s.win(e)), until(deadline(s, term)) {
    REQUIRE(term.valid());
    REQUIRE(until == granted_at(s) + V);
  }
  /// Until that many rounds of renewing have been begun, and a little longer.
  void renewals(std::size_t n) {
    REQUIRE(s.until([&] { return keepalives(s) >= n; }));
    s.run(100ms);
  }
  bool over(nanoseconds limit = 60s) {
    return s.until([&] { return static_cast<bool>(term.ended()); }, limit);
  }

  etcd_scene s;
  elector e;
  leadership term;
  nanoseconds until;
};

}  // namespace

TEST_CASE("etcd R1: a term is trusted from the sending of the grant on, however late everything else was") {
  etcd_scene s;
  s.etcd->always([](fake_call const&) { return true; }, [](fake_call& c) { c.delay = 700ms; });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(s.world.now() >= granted_at(s) + 1400ms);  // grant; campaign, which makes the lease's keys too
  CHECK(deadline(s, term) == granted_at(s) + V);
}

TEST_CASE("etcd R1: a renewal counts from the sending of its keep-alive, not of the put, not from the answers") {
  led l;
  l.s.etcd->always([](fake_call const& c) { return keepalive(c) || is_anchor_put(c); },
                   [](fake_call& c) { c.delay = 500ms; });
  REQUIRE(l.s.until([&] { return deadline(l.s, l.term) != l.until; }));
  CHECK(keepalives(l.s) == 1);
  CHECK(deadline(l.s, l.term) == last_keepalive(l.s) + V);
  CHECK(l.s.world.now() == last_keepalive(l.s) + 1s + 2ns);
}

TEST_CASE("etcd R1: a grant whose answer was lost counts from the keep-alive that finds it", "[N5][etcd]") {
  etcd_scene s;
  s.etcd->when([](fake_call const& c) { return c.path == "/v3/lease/grant" && c.body.at("TTL") == "10"; },
               [](fake_call& c) { c.answered = false; });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  REQUIRE(keepalives(s) == 1);
  CHECK(last_keepalive(s) > granted_at(s));
  CHECK(deadline(s, term) == last_keepalive(s) + V);
}

TEST_CASE("etcd R13: a keep-alive counts only together with a put in the same raft term", "[N6][S11][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  led l(1, prefix);
  SECTION("the raft leader changed in between") {
    l.s.etcd->always(is_anchor_put, [&](fake_call&) { ++l.s.etcd->raft_term; });
  }
  SECTION("the put is not answered") {
    l.s.etcd->always(is_anchor_put, [](fake_call& c) { c.answered = false; });
  }
  SECTION("the put is refused") {
    l.s.etcd->always(is_anchor_put, [](fake_call& c) {
      c.execute = false;
      c.text = R"({"error":"e","message":"etcdserver: request timed out","code":14})";
      c.status = 503;
    });
  }
  SECTION("the connection breaks") {
    l.s.etcd->always(is_anchor_put, [](fake_call& c) { c.cut = true; });
  }
  SECTION("the keep-alive speaks of another lease") {
    l.s.etcd->always(keepalive, [](fake_call& c) { c.edit = [](json& body) { body["result"]["ID"] = "999"; }; });
  }
  SECTION("the keep-alive comes from an older raft term (R10)") {
    l.s.etcd->raft_term = 5;
    l.renewals(1);  // believed: 5 is known from now on
    l.until = deadline(l.s, l.term);
    l.s.etcd->always(keepalive,
                     [](fake_call& c) { c.edit = [](json& b) { b["result"]["header"]["raft_term"] = "4"; }; });
  }
  REQUIRE(l.s.until([&] { return l.s.logged("renew failed"); }));
  CHECK(deadline(l.s, l.term) == l.until);
  auto const so_far = keepalives(l.s);
  l.s.etcd->no_rules();
  // The next round is a good one.
  REQUIRE(l.s.until([&] { return deadline(l.s, l.term) != l.until; }));
  CHECK(keepalives(l.s) == so_far + 1);
  CHECK(deadline(l.s, l.term) == last_keepalive(l.s) + V);
}

TEST_CASE("etcd R13: keep-alives that nothing confirms let the term end at the deadline of the grant", "[S11][etcd]") {
  led l;
  l.s.etcd->always(is_anchor_put, [&](fake_call&) { ++l.s.etcd->raft_term; });
  REQUIRE(l.over());
  CHECK(keepalives(l.s) >= 5);
  CHECK(anchor_puts(l.s) >= 5);
  CHECK(l.term.ended().how() == end_of_term::expired);
  CHECK(l.s.world.now() >= l.until);
  CHECK(l.s.world.now() <= l.until + 10ms);
  CHECK_THAT(l.term.ended().detail(), ContainsSubstring("raft leader changed"));
}

TEST_CASE("etcd R12: why a lease ran out is said even if the last try was cut short by its end", "[N1][etcd]") {
  led l;
  bool silent = false;
  l.s.etcd->always(keepalive, [&](fake_call& c) {
    c.execute = false;
    c.answered = !silent;
    c.text = R"({"error":"e","message":"etcdserver: no leader","code":14})";
    c.status = 503;
  });
  REQUIRE(l.s.until([&] { return l.s.world.now() >= l.until - 300ms; }));
  silent = true;
  REQUIRE(l.over());
  CHECK(l.term.ended().how() == end_of_term::expired);
  CHECK(l.s.world.now() <= l.until + 10ms);
  auto const why = l.term.ended().detail();
  CHECK_THAT(why, ContainsSubstring("no leader"));
  CHECK(why.find("no leader") == why.rfind("no leader"));
}

TEST_CASE("etcd R13: a lease that is gone ends the term at once, whoever says so", "[H5][S7][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  led l(1, prefix);
  auto const key = l.s.oldest();
  auto const full = prefix + "leader/";
  auto const lease = l.s.lease_of(l.s.etcd->list(full).front());
  SECTION("a keep-alive without TTL") {
    l.s.etcd->when(keepalive, [](fake_call& c) { c.edit = [](json& body) { body["result"].erase("TTL"); }; });
  }
  SECTION("both") { l.s.etcd->leases.erase(lease); }
  SECTION("the put") {
    l.s.etcd->when(is_anchor_put, [&](fake_call&) { l.s.etcd->leases.erase(lease); });
  }
  REQUIRE(l.s.until([&] { return keepalives(l.s) == 1; }));
  auto const renewed = last_keepalive(l.s);
  REQUIRE(l.over());
  CHECK(l.s.world.now() <= renewed + 10ms);
  CHECK(l.term.ended().how() == end_of_term::lost);
  CHECK(l.term.ended().code() == errc::lease_lost);
}

TEST_CASE("etcd R10: a write with an older revision ends everything, and nothing is won there any more", "[S9][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  led l(1, prefix);
  auto b = l.s.make_elector("B", l.e.where(), "other");
  auto other = l.s.win(b);
  l.s.etcd->revision = 3;
  REQUIRE(l.over());
  REQUIRE(l.s.until([&] { return static_cast<bool>(other.ended()); }, 10ms));
  for (auto const* term : {&l.term, &other}) {
    CHECK(term->ended().how() == end_of_term::lost);
    CHECK(term->ended().code() == errc::store_reset);
  }
  catcher<leadership> again;
  l.e.campaign(again.handler());
  REQUIRE(l.s.until([&] { return again.done(); }));
  CHECK(*again.ec == errc::store_reset);
}

TEST_CASE("etcd R10: another cluster's answers are not believed, and a campaign says so", "[N11][etcd]") {
  led l;
  l.s.etcd->cluster_id = "7002";
  REQUIRE(l.over());
  CHECK(l.term.ended().how() == end_of_term::expired);
  CHECK(l.s.world.now() <= l.until + 10ms);
  CHECK(l.s.logged("another cluster"));
  catcher<leadership> again;
  l.e.campaign(again.handler());
  REQUIRE(l.s.until([&] { return again.done(); }));
  CHECK(*again.ec == errc::wrong_cluster);
}

TEST_CASE("etcd R8: who cannot watch its own key for as long as a lease is trusted must not go on", "[S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  led l(1, prefix);
  l.renewals(1);
  SECTION("no watch begins") {
    l.s.etcd->always(to_path("/v3/watch"), [](fake_call& c) { c.cut = true; });
  }
  SECTION("the server is silent") {
    l.s.etcd->always(to_path("/v3/watch"), [](fake_call& c) { c.answered = false; });
  }
  SECTION("heads come, and no first message") {
    l.s.etcd->always(to_path("/v3/watch"), [](fake_call& c) {
      c.text = "";
      c.mute = true;
    });
  }
  l.s.etcd->end_streams(outcome(errc::unreachable, "cut"));
  auto const blind = l.s.world.now();
  REQUIRE(l.over());
  CHECK(l.s.world.now() > blind + V);            // trouble that passes ends nothing
  CHECK(l.s.world.now() <= blind + 2 * V + 1s);  // the last renewal that counted was before blind + V
  CHECK_FALSE(l.term.ended().detail().empty());
  CHECK_THAT(l.term.ended().detail(), ContainsSubstring("watch"));
}

TEST_CASE("etcd R8: who waits and sees nothing for that long gives its place up, and stands again", "[S5][etcd]") {
  etcd_scene s;
  s.etcd->put("leader/1", "somebody");
  auto e = s.make_elector("B");
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(s.until([&] { return s.standing() == 2; }));
  s.run(4s);
  auto const lease = s.lease_of(s.etcd->list("leader/").back());
  s.etcd->always(to_path("/v3/watch"), [](fake_call& c) { c.cut = true; });
  s.etcd->end_streams(outcome(errc::unreachable, "cut"));
  s.run(V);
  CHECK(s.lease_of(s.etcd->list("leader/").back()) == lease);
  s.run(V + 3s);
  CHECK(s.lease_of(s.etcd->list("leader/").back()) != lease);
  CHECK_FALSE(won.done());
}

TEST_CASE("etcd R8: a watch that is open and tells nothing does not count as sight for ever", "[S5][etcd]") {
  led l(1, "app/");
  l.renewals(1);
  l.s.etcd->always(to_path("/v3/watch"), [](fake_call& c) { c.mute = true; });
  l.s.etcd->end_streams(outcome(errc::unreachable, "cut"));
  CHECK(l.over(60s));
}
