// How an etcd candidate stands, waits and wins when answers are lost, late or contradictory: R9, R14, and its own key.
#include "base/base64.hpp"
#include "fake_etcd.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

/// A leads, B waits right behind it, in stores of their own.
struct two {
  explicit two(std::string prefix = {}) : s(1, std::move(prefix)), a(s.make_elector("A")), b(s.make_elector("B")) {
    first = s.win(a);
    b.campaign(second.handler());
    REQUIRE(s.until([&] { return s.standing() == 2; }));
    s.run(200ms);  // the watch on the predecessor is open
    REQUIRE_FALSE(second.done());
    keys = s.etcd->list(s.how.prefix + "leader/");
  }
  std::int64_t created(std::size_t i) const { return s.etcd->keys.at(keys.at(i)).created; }

  etcd_scene s;
  elector a, b;
  leadership first;
  catcher<leadership> second;
  std::vector<std::string> keys;
};

std::string deletion(fake_etcd const& etcd, std::string const& key, std::int64_t revision) {
  fake_event e{key, revision, true, {}};
  e.line = {{"type", "DELETE"}, {"kv", {{"key", base::base64(key)}, {"mod_revision", std::to_string(revision)}}}};
  return etcd.event_line({e}).dump();
}

std::vector<fake_call> chosen(fake_etcd const& etcd, call_test const& fits) {
  std::vector<fake_call> found;
  for (auto const& c : etcd.calls)
    if (fits(c)) found.push_back(c);
  return found;
}

/// What a campaign compares the generation key with.
std::int64_t compared_generation(fake_call const& campaign) {
  return number(campaign.body.at("compare").at(1), "mod_revision");
}

}  // namespace

TEST_CASE("etcd R9: whose own key is gone when the predecessor goes is not elected by it", "[S15][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  two t(prefix);
  auto const old = t.created(1);
  // Nobody tells B that its key is gone: only the verifying transaction shows it.
  t.s.etcd->when(is_verification, [&](fake_call&) { t.s.etcd->keys.erase(t.keys[1]); });
  t.s.etcd->erase(t.keys[0]);
  REQUIRE(t.s.until([&] { return t.second.done(); }));
  CHECK(*t.second.ec == error_code());
  CHECK(t.second.result.fencing_token() > static_cast<std::uint64_t>(old));
  CHECK(t.s.logged("our key is gone"));
}

TEST_CASE("etcd R9: who finds somebody older while verifying waits on", "[S6][etcd]") {
  two t;
  fake_etcd::entry older;
  older.value = "somebody";
  older.created = older.modified = t.created(1) - 1;
  t.s.etcd->when(is_verification, [&](fake_call&) { t.s.etcd->keys["leader/77"] = older; });
  t.s.etcd->erase(t.keys[0]);
  t.s.run(5s);
  CHECK_FALSE(t.second.done());
  t.s.etcd->erase("leader/77");
  REQUIRE(t.s.until([&] { return t.second.done(); }));
  CHECK(t.second.result.valid());
  CHECK(t.second.result.fencing_token() == static_cast<std::uint64_t>(t.created(1)));
}

TEST_CASE("etcd R9: what verifies writes, so that it goes through raft") {
  two t;
  t.s.etcd->erase(t.keys[0]);
  REQUIRE(t.s.until([&] { return t.second.done(); }));
  auto const verified = chosen(*t.s.etcd, is_verification);
  REQUIRE(verified.size() == 1);
  CHECK(verified[0].body.at("compare").at(0).at("create_revision") == std::to_string(t.created(1)));
  CHECK(writes_nothing(verified[0]));
}

TEST_CASE("etcd R9: an answer in which our own key is missing elects nobody", "[S15][etcd]") {
  two t;
  t.s.etcd->when(is_verification, [](fake_call& c) {
    c.edit = [](json& body) { body["responses"][1]["response_range"] = {{"count", "0"}}; };
  });
  t.s.etcd->erase(t.keys[0]);
  REQUIRE(t.s.until([&] { return t.second.done(); }));
  CHECK(chosen(*t.s.etcd, is_verification).size() >= 2);
}

TEST_CASE("etcd R10: a verification answered in an older raft term, or by another cluster, elects nobody",
          "[N11][etcd]") {
  two t;
  auto const field = GENERATE(std::string("raft_term"), std::string("cluster_id"));
  auto const doubtful = [=](fake_call& c) {
    c.edit = [=](json& body) { body["header"][field] = field == "raft_term" ? "1" : "7002"; };
  };
  t.s.etcd->when(is_verification, doubtful, 2);  // a question is asked twice
  t.s.etcd->erase(t.keys[0]);
  REQUIRE(t.s.until([&] { return t.second.done(); }));
  if (field == "cluster_id") {
    CHECK(*t.second.ec == errc::wrong_cluster);
    CHECK_FALSE(t.second.result.valid());
  } else {
    CHECK(t.second.result.valid());
    CHECK(chosen(*t.s.etcd, is_verification).size() == 3);
  }
}

TEST_CASE("etcd R14: after a lost answer the generation is renewed before the next campaign transaction",
          "[N5][N8][etcd]") {
  auto const carried_out = GENERATE(true, false);
  auto const how = GENERATE(0, 1, 2);
  auto const first_of_its_lease = GENERATE(true, false);
  INFO("carried out " << carried_out << ", way " << how << ", first " << first_of_its_lease);
  etcd_scene s;
  auto keeper = s.make_elector("K", {}, "other");
  leadership other;
  if (!first_of_its_lease) other = s.win(keeper);
  auto const from = s.etcd->calls.size();
  s.etcd->when(is_campaign, [=](fake_call& c) {
    c.execute = carried_out;
    c.answered = how != 0;
    c.cut = how == 1;
    if (how == 2) {
      c.status = 503;
      c.text = R"({"error":"e","message":"etcdserver: request timed out","code":14})";
    }
  });
  auto e = s.make_elector("A", keeper.where());
  auto term = s.win(e);
  REQUIRE(term.valid());
  s.etcd->calls.erase(s.etcd->calls.begin(), s.etcd->calls.begin() + static_cast<std::ptrdiff_t>(from));
  auto const campaigns = chosen(*s.etcd, is_campaign);
  auto const voids =
      chosen(*s.etcd, [](fake_call const& c) { return puts_key(c, "/generation") && !c.body.contains("compare"); });
  REQUIRE(campaigns.size() == 2);
  REQUIRE(voids.size() == 1);
  CHECK(voids[0].at > campaigns[0].at);
  CHECK(campaigns[1].at > voids[0].at);
  CHECK(compared_generation(campaigns[1]) > compared_generation(campaigns[0]));
  CHECK(s.standing() == 1);
  CHECK(term.fencing_token() == static_cast<std::uint64_t>(s.etcd->keys.at(s.oldest()).created));

  // The first transaction, stuck somewhere, is carried out after all: nothing may come of it.
  catcher<void> resigned;
  term.resign(resigned.handler());
  REQUIRE(s.until([&] { return resigned.done(); }));
  REQUIRE(s.standing() == 0);
  auto const late = s.etcd->carry_out(campaigns[0].path, campaigns[0].body).second;
  CHECK_FALSE(late.value("succeeded", false));
  CHECK(s.standing() == 0);
}

TEST_CASE("etcd R14: a withdrawal in doubt makes the transaction void before it is confirmed", "[N8][etcd]") {
  etcd_scene s;
  fake_call stuck;
  auto keeper = s.make_elector("K", {}, "other");
  auto other = s.win(keeper);  // the lease goes on for its sake
  s.etcd->when(is_campaign, [&](fake_call& c) {
    c.execute = false;
    c.answered = false;
    stuck = c;
  });
  auto e = s.make_elector("A", keeper.where());
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(s.until([&] { return !stuck.path.empty(); }));
  s.etcd->no_rules();
  catcher<void> stopped;
  e.stop(stopped.handler());
  REQUIRE(s.until([&] { return stopped.done() && won.done(); }));
  CHECK(*won.ec == errc::stopped);
  CHECK(*stopped.ec == error_code());
  CHECK_FALSE(s.etcd->carry_out(stuck.path, stuck.body).second.value("succeeded", false));
  CHECK(s.standing() == 0);
  CHECK(other.valid());
}

TEST_CASE("etcd R14: a candidate that was refused and cannot find out why takes away what is there", "[N5][N8][etcd]") {
  // The deletion of nothing, and two ranges: its key, and the generation.
  auto const is_inquiry = [](fake_call const& c) {
    return writes_nothing(c) && !c.body.contains("compare") && c.body.at("success").size() == 3;
  };
  etcd_scene s;
  auto keeper = s.make_elector("K", {}, "other");
  auto other = s.win(keeper);  // the lease goes on for its sake
  s.etcd->when(is_campaign, [](fake_call& c) { c.answered = false; });
  s.etcd->always(is_inquiry, [](fake_call& c) { c.answered = false; });
  auto e = s.make_elector("A", keeper.where());
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(s.until([&] { return !chosen(*s.etcd, is_inquiry).empty(); }));
  CHECK(s.standing() == 1);
  s.run(1s);
  CHECK_FALSE(won.done());
  catcher<void> stopped;
  e.stop(stopped.handler());
  REQUIRE(s.until([&] { return stopped.done() && won.done(); }));
  CHECK(*stopped.ec == error_code());
  CHECK(s.standing() == 0);
  CHECK(other.valid());
}

TEST_CASE("etcd: a request to resign that came too late to be heard is not meant for the next term", "[etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_scene s(1, prefix);
  auto keeper = s.make_elector("K", {}, "other");
  auto other = s.win(keeper);  // the same lease, so that the request stays
  auto e = s.make_elector("A", keeper.where());
  auto term = s.win(e);
  auto const key = s.etcd->list(prefix + "leader/").front();
  auto const lease = s.lease_of(key);
  auto const request = prefix + "@coelect/" + key.substr(key.rfind('/') + 1) + "/depose/leader";
  catcher<void> resigned;
  term.resign(resigned.handler());
  s.etcd->put(request, std::to_string(term.fencing_token()), lease);
  REQUIRE(s.until([&] { return resigned.done(); }));
  CHECK(s.etcd->keys.contains(request));
  auto next = s.win(e);
  // What was missed while nobody could see is looked for.
  s.etcd->end_streams(outcome(errc::unreachable, "cut"));
  s.etcd->put(prefix + "elsewhere", "");
  s.etcd->compact();
  s.run(20s);
  CHECK(next.valid());
  // One that is heard goes with the term that it ended.
  s.etcd->put(request, std::to_string(next.fencing_token()), lease);
  REQUIRE(s.until([&] { return next.ended().how() == end_of_term::deposed; }, 20s));
  REQUIRE(s.until([&] { return !s.etcd->keys.contains(request); }, 20s));
  CHECK(other.valid());
}

TEST_CASE("etcd R14: who withdraws while it makes the lease's keys leaves neither a ghost nor those who wait for them",
          "[L1][N8][etcd]") {
  etcd_scene s;
  fake_call stuck;
  s.etcd->when(is_campaign, [&](fake_call& c) {
    c.execute = false;
    c.answered = false;
    stuck = c;
  });
  auto e = s.make_elector("A");
  auto keeper = s.make_elector("K", e.where(), "other");
  catcher<leadership> won, other;
  e.campaign(won.handler());
  REQUIRE(s.until([&] { return !stuck.path.empty(); }));
  keeper.campaign(other.handler());
  s.run(100ms);
  CHECK_FALSE(other.done());
  auto const begin = s.world.now();
  catcher<void> stopped;
  e.stop(stopped.handler());
  REQUIRE(s.until([&] { return other.done() && stopped.done() && won.done(); }));
  CHECK(s.world.now() - begin < 100ms);  // not when the answer would have been given up
  CHECK(other.result.valid());
  CHECK_FALSE(s.etcd->carry_out(stuck.path, stuck.body).second.value("succeeded", false));
  CHECK(s.standing() == 0);
  s.run(20s);
  CHECK(other.result.valid());
}

TEST_CASE("etcd: who comes while a lease's keys are made waits for that, whatever becomes of it", "[L5][etcd]") {
  auto const answer = GENERATE(0, 1, 2);
  INFO("answer " << answer);
  etcd_scene s;
  s.etcd->when(is_campaign, [=](fake_call& c) {
    c.delay = 300ms;
    c.cut = answer == 1;
    if (answer == 2) {
      c.execute = false;
      c.status = 403;
      c.text = R"({"error":"etcdserver: permission denied","code":7})";
    }
  });
  auto a = s.make_elector("A", {}, "a");
  auto b = s.make_elector("B", a.where(), "b");
  catcher<leadership> first, second;
  a.campaign(first.handler());
  REQUIRE(s.until([&] { return !chosen(*s.etcd, is_campaign).empty(); }));
  b.campaign(second.handler());
  s.run(200ms);
  CHECK(chosen(*s.etcd, is_campaign).size() == 1);
  REQUIRE(s.until([&] { return first.done() && second.done(); }));
  CHECK(second.result.valid());
  CHECK(first.result.valid() == (answer != 2));
  CHECK(s.etcd->leases.size() == 1);
}

TEST_CASE("etcd: who expects to be alone asks whether it is, and stands in line with others", "[etcd]") {
  etcd_scene s;
  auto a = s.make_elector("A", s.make_store());
  auto const store = s.make_store();
  auto b = s.make_elector("B", store);
  auto term = s.win(a);
  auto const alone = chosen(*s.etcd, is_campaign);
  REQUIRE(alone.size() == 1);
  CHECK(alone.front().raw_body.find("request_range") == std::string::npos);
  catcher<leadership> waits;
  b.campaign(waits.handler());
  REQUIRE(s.until([&] { return s.etcd->list("leader/").size() == 2; }));
  auto const tries = chosen(*s.etcd, is_campaign);
  REQUIRE(tries.size() == 3);
  CHECK(tries[1].raw_body.find("request_range") == std::string::npos);
  CHECK(tries[2].raw_body.find("request_range") != std::string::npos);
  // Once wrong, twice careful: its store does not guess so in the next election.
  auto c = s.make_elector("C", store, "other");
  auto const other = s.win(c);
  CHECK(chosen(*s.etcd, is_campaign).back().raw_body.find("request_range") != std::string::npos);
  catcher<void> done;
  term.resign(done.handler());
  REQUIRE(s.until([&] { return waits.done(); }));
  CHECK(waits.result.valid());
}

TEST_CASE("etcd R8: while nobody can look whether our key is there, renewals give nothing", "[S6][etcd]") {
  etcd_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.run(100ms);
  auto const until = s.world.now() + term.remaining();
  // Renewals come through. Watches do not, and questions about our key are lost.
  s.etcd->always([](fake_call const& c) { return c.path.starts_with("/v3/watch") || is_own_key_question(c); },
                 [](fake_call& c) { c.cut = true; });
  s.etcd->end_streams(outcome(errc::unreachable, "cut"));
  REQUIRE(s.until([&] { return static_cast<bool>(term.ended()); }, 60s));
  CHECK(s.world.now() <= until + 10ms);
  CHECK(term.ended().how() == end_of_term::expired);
  CHECK(s.etcd->calls_to("/v3/lease/keepalive").size() >= 2);
}

TEST_CASE("etcd R8: a database that is full answers where our key is all the same", "[S4][S6][etcd]") {
  etcd_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.run(100ms);
  s.etcd->always([](fake_call const& c) { return puts_key(c, ""); },
                 [](fake_call& c) {
                   c.status = 429;
                   c.text = R"({"error":"etcdserver: mvcc: database space exceeded","code":8})";
                 });
  bool blind = true;
  s.etcd->always([&](fake_call const& c) { return blind && c.path.starts_with("/v3/watch"); },
                 [](fake_call& c) { c.cut = true; });
  s.etcd->end_streams(outcome(errc::unreachable, "cut"));
  REQUIRE(s.until([&] { return !chosen(*s.etcd, is_own_key_question).empty(); }, 60s));
  blind = false;
  s.run(60s);
  CHECK(term.valid());
}

TEST_CASE("etcd R9: on a database that is full who waits takes over all the same", "[S4][etcd]") {
  two t;
  t.s.etcd->always([](fake_call const& c) { return puts_key(c, ""); },
                   [](fake_call& c) {
                     c.execute = false;
                     c.status = 429;
                     c.text = R"({"error":"etcdserver: mvcc: database space exceeded","code":8})";
                   });
  t.first = {};
  REQUIRE(t.s.until([&] { return t.second.done(); }, 5s));
  CHECK(t.second.result.valid());
  t.s.run(60s);
  CHECK(t.second.result.valid());
}

TEST_CASE("etcd own key: a deletion from before it was made is ignored, one after it ends the term at once",
          "[S6][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_scene s(1, prefix);
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.run(100ms);
  auto const key = s.etcd->list(prefix + "leader/").front();
  auto const created = s.etcd->keys.at(key).created;
  REQUIRE(s.etcd->streams() >= 1);
  s.etcd->say(deletion(*s.etcd, key, created - 1));
  s.run(1s);
  CHECK(term.valid());
  s.etcd->say(deletion(*s.etcd, key, created));
  s.run(1s);
  CHECK(term.valid());
  auto const before = s.world.now();
  s.etcd->say(deletion(*s.etcd, key, created + 1));
  REQUIRE(s.until([&] { return static_cast<bool>(term.ended()); }));
  CHECK(s.world.now() == before);
  CHECK_FALSE(term.valid());
  CHECK(term.ended().code() == errc::lease_lost);
}

TEST_CASE("etcd own key: a waiting candidate whose key goes stands again at the end", "[S6][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  two t(prefix);
  auto const old = t.created(1);
  t.s.etcd->erase(t.keys[1]);
  REQUIRE(t.s.until([&] { return t.s.standing() == 2; }));
  CHECK_FALSE(t.second.done());
  CHECK(t.s.etcd->keys.at(t.s.etcd->list(prefix + "leader/").back()).created > old);
}

TEST_CASE("etcd leases: two candidates of one election in one store never share one", "[L5][etcd]") {
  etcd_scene s;
  auto const where = s.make_store();
  auto a = s.make_elector("A", where), b = s.make_elector("B", where), c = s.make_elector("C", where, "other");
  auto first = s.win(a);
  auto other = s.win(c);
  catcher<leadership> second;
  b.campaign(second.handler());
  REQUIRE(s.until([&] { return s.standing() == 2; }));
  auto const keys = s.etcd->list("leader/");
  CHECK(s.lease_of(keys[0]) != s.lease_of(keys[1]));
  CHECK(s.lease_of(s.oldest("other")) == s.lease_of(keys[0]));
  s.run(30s);
  CHECK(first.valid());
  CHECK_FALSE(second.done());
  s.etcd->expire(s.lease_of(keys[0]));
  REQUIRE(s.until([&] { return second.done() && first.ended() && other.ended(); }));
  CHECK(second.result.valid());
  CHECK_FALSE(first.valid());
  CHECK_FALSE(other.valid());
}

// Found by the simulation (etcd#20418): the key was taken for gone, stayed under the store's lease, and blocked everybody.
TEST_CASE("etcd R9: a search answered from before our key was made does not say that it is gone", "[S11][etcd]") {
  etcd_scene s;
  auto first = s.make_elector("first");
  auto term = s.win(first);
  auto const where = s.make_store();
  auto second = s.make_elector("second", where);
  auto const revision_before = s.etcd->revision;
  s.etcd->when(is_search, [&](fake_call& c) {
    c.edit = [&](json& answer) {
      answer.erase("succeeded");
      answer["responses"] = json::array();
      answer["header"]["revision"] = std::to_string(revision_before);
    };
  });
  catcher<leadership> won;
  second.campaign(won.handler());
  REQUIRE(s.until([&] { return s.standing() == 2; }));
  auto const key = s.etcd->list("leader/").back();
  auto const made = s.etcd->keys.at(key).created;
  s.run(std::chrono::seconds(5));
  REQUIRE(s.etcd->keys.contains(key));
  CHECK(s.etcd->keys.at(key).created == made);  // neither given up nor made anew
  catcher<void> gone;
  term.resign(gone.handler());
  REQUIRE(s.until([&] { return won.done(); }));
  CHECK(won.result.valid());
  CHECK(s.standing() == 1);
}
