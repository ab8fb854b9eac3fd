// How an Azure candidate wins and counts, and how long its lease is trusted, on virtual time.
#include "fake_azure.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

constexpr auto V = azure_scene::V;

nanoseconds last_sent(azure_scene const& s, std::string const& kind) { return s.azure->calls_of(kind).back().at; }
std::size_t count_of(azure_scene const& s, std::string const& kind) { return s.azure->calls_of(kind).size(); }

http::response granted_to(std::string const& id) {
  auto good = fake_azure::answer(200);
  if (!id.empty()) good.fields.push_back({"x-ms-lease-id", id});
  return good;
}

std::string const stranger = "bbbbbbbb-0000-4000-8000-000000000002";

}  // namespace

TEST_CASE("azure R1: a term is trusted from the sending of the acquire on, however late everything else was") {
  azure_scene s;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  for (auto const* kind : {"acquire", "look", "count"}) s.azure->when(kind, [](blob_call& c) { c.delay = 800ms; });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(count_of(s, "acquire") == 1);
  CHECK(s.world.now() >= last_sent(s, "acquire") + 2400ms);
  CHECK(s.deadline(term) == last_sent(s, "acquire") + V);
}

TEST_CASE("azure R1: an acquire whose answer was lost counts from the one that was answered, under the same id",
          "[N5][azure]") {
  azure_scene s;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  s.azure->when(
      "acquire", [](blob_call& c) { c.answered = false; }, 2);
  auto e = s.make_elector("A");
  auto term = s.win(e);
  auto const all = s.azure->calls_of("acquire");
  REQUIRE(all.size() == 3);
  for (auto const& c : all) CHECK(c.field("x-ms-proposed-lease-id") == all[0].field("x-ms-proposed-lease-id"));
  CHECK(s.deadline(term) == all.back().at + V);
  CHECK(term.fencing_token() == 6);
}

TEST_CASE("azure R1: a renewal counts from its sending, not from its answer") {
  azure_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  auto const first = s.deadline(term);
  s.azure->when("renew", [](blob_call& c) { c.delay = 2s; });
  REQUIRE(s.until([&] { return s.deadline(term) != first; }));
  CHECK(count_of(s, "renew") == 1);
  CHECK(s.deadline(term) == last_sent(s, "renew") + V);
  CHECK(s.world.now() >= last_sent(s, "renew") + 2s);
}

TEST_CASE("azure R2: answers that come after the deadline, or none at all, end the term at the deadline",
          "[N3][N6][azure]") {
  azure_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  auto const until = s.deadline(term);
  s.azure->when(
      "renew", [](blob_call& c) { c.answered = false; }, 100);
  s.run(term.remaining() - 100ms);
  CHECK(term.valid());
  REQUIRE(s.until([&] { return static_cast<bool>(term.ended()); }));
  CHECK(term.ended().how() == end_of_term::expired);
  CHECK(s.world.now() >= until);
  CHECK(s.world.now() < until + 10ms);
  // None of them was waited for beyond the deadline, and the service was told so.
  for (auto const& c : s.azure->calls_of("renew")) {
    auto const at = c.target.find("timeout=");
    REQUIRE(at != std::string::npos);
    auto const limit = std::chrono::seconds(std::stoi(c.target.substr(at + 8)));
    CHECK(limit >= 1s);
    CHECK(c.at + limit < until + 1s);
    CHECK(limit <= 3s);
  }
}

TEST_CASE("azure R2: a win whose answers came too late is none, and the lease is given back", "[N4][azure]") {
  azure_scene s;
  s.how.timing.request_timeout = 2500ms;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  // The host sleeps between the acquire and its answer: longer than the lease is trusted.
  s.azure->when("count", [&](blob_call& c) {
    c.delay = 1s;
    s.host->paused = true;
  });
  auto e = s.make_elector("A");
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(s.until([&] { return s.host->paused; }));
  s.run(V + 1s);
  s.host->paused = false;
  REQUIRE(s.until([&] { return won.done(); }));
  REQUIRE(*won.ec == error_code());
  CHECK(won.result.valid());
  CHECK(s.deadline(won.result) <= last_sent(s, "acquire") + V);
  CHECK(count_of(s, "acquire") >= 2);
  CHECK(won.result.fencing_token() == s.counted());
}

TEST_CASE("azure: a renewal that is answered with another id, or with none, is a loss", "[S11][azure]") {
  auto const id = GENERATE(as<std::string>(), stranger, "");
  azure_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.azure->when("renew", [&](blob_call& c) { c.instead = granted_to(id); });
  REQUIRE(s.until([&] { return static_cast<bool>(term.ended()); }, 8s));
  CHECK(term.ended().how() == end_of_term::lost);
  CHECK(term.ended().code() == errc::lease_lost);
}

TEST_CASE("azure: an acquire that is answered with another id is no win", "[S11][azure]") {
  azure_scene s;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  s.azure->when("acquire", [](blob_call& c) {
    c.execute = false;
    c.instead = granted_to(stranger);
  });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(count_of(s, "acquire") == 2);
  CHECK(term.fencing_token() == 6);
}

TEST_CASE("azure: our own term write, whose answer was lost, is known by its nonce; there is no second token for it",
          "[N5][azure]") {
  auto const lost = GENERATE(0, 1);
  azure_scene s;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  s.azure->when("count", [&](blob_call& c) { (lost == 0 ? c.answered : c.cut) = lost != 0; });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(count_of(s, "count") == 1);
  CHECK(term.fencing_token() == 6);
  CHECK(s.counted() == 6);
  CHECK(s.deadline(term) == last_sent(s, "acquire") + V);
}

TEST_CASE("azure: our own term is not enough for a win when the lease was broken meanwhile", "[S8][azure]") {
  azure_scene s;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  s.azure->when("count", [&](blob_call& c) {
    c.cut = true;
    s.azure->when("look", [&](blob_call&) { s.leader_blob().broken = true; });
  });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(count_of(s, "acquire") == 3);
  CHECK_FALSE(s.leader_blob().broken);
  CHECK(term.fencing_token() == s.counted());
}

TEST_CASE("azure: a term write that comes through late, after a second one was begun, gives its term to nobody",
          "[N8][azure]") {
  azure_scene s;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  std::optional<blob_call> late;
  s.azure->when("count", [&](blob_call& c) {
    c.execute = c.answered = false;
    late = c;
  });
  auto e = s.make_elector("A");
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(s.until([&] { return late.has_value(); }));
  // It arrives just before the second one.
  s.azure->when("count", [&](blob_call&) { CHECK(s.azure->carry_out(*late).status == 200); });
  REQUIRE(s.until([&] { return won.done(); }));
  CHECK(*won.ec == error_code());
  CHECK(won.result.fencing_token() == 7);
  CHECK(s.counted() == 7);
  // And once more, long after: the ETag is another one.
  CHECK(s.azure->carry_out(*late).status == 412);
}

TEST_CASE("azure: a lease that was taken between acquire and the term write is no win, and no term is lost to it",
          "[S8][azure]") {
  azure_scene s;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  s.azure->when("count", [&](blob_call&) {
    auto& b = s.leader_blob();
    b.lease = stranger;
    b.until = s.world.now() + 5s;
  });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(s.world.now() > 5s);
  CHECK(term.fencing_token() == 6);
  CHECK(s.leader_blob().lease != stranger);
}

TEST_CASE("azure: a stranger's write between look and term write costs a look, not a term that is there twice",
          "[S10][azure]") {
  azure_scene s;
  s.azure->blobs["/leases/leader"].metadata = {{"x-ms-meta-term", "5"}};
  s.azure->when("count", [&](blob_call&) {
    auto& b = s.leader_blob();
    b.metadata = {{"x-ms-meta-term", "40"}};
    ++b.version;
  });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(term.fencing_token() == 41);
  CHECK(count_of(s, "count") == 2);
}

TEST_CASE("azure: a new blob's first term is the service's own time, not ours") {
  azure_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(term.fencing_token() == 1'782'517'152'000'001ULL);  // Fri, 26 Jun 2026 23:39:12 GMT
  CHECK(count_of(s, "make") == 1);
}

TEST_CASE("azure: no token comes twice when the blob is deleted, or wiped, in the very second of its first term",
          "[S9][azure]") {
  auto const wiped = GENERATE(false, true);
  azure_scene s;
  std::uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    auto e = s.make_elector("A" + std::to_string(i));  // each knows nothing of the terms before
    auto term = s.win(e);
    INFO("round " << i << ", " << (wiped ? "wiped" : "deleted"));
    CHECK(term.fencing_token() > last);
    last = term.fencing_token();
    catcher<void> done;
    term.resign(done.handler());
    REQUIRE(s.until([&] { return done.done(); }));
    if (!wiped) s.azure->blobs.clear();
    else s.leader_blob() = {};
  }
  CHECK(s.world.now() < std::chrono::hours(1) + 60s);
}

// Found by the simulation.
TEST_CASE("azure: no token comes twice when a blob is made by a request from before the deletion", "[N7][S9][azure]") {
  azure_scene s;
  std::optional<blob_call> late;
  s.azure->when("make", [&](blob_call& c) { late = c; });
  auto a = s.make_elector("A");
  auto const first = s.win(a);
  REQUIRE(late);
  s.run(3s);
  s.azure->blobs.clear();
  s.azure->carry_out(*late);
  auto b = s.make_elector("B");
  auto const second = s.win(b);
  CHECK(second.fencing_token() > first.fencing_token());
  CHECK(second.fencing_token() == s.counted());
}

TEST_CASE("azure: tries that are shorter than the second that a first term waits do not begin it anew", "[azure]") {
  azure_scene s;
  s.how.timing.request_timeout = 500ms;
  s.run(30ms);
  auto e = s.make_elector("A");
  catcher<leadership> won;
  e.campaign(won.handler());
  CHECK(s.until([&] { return won.done(); }, 10s));
  CHECK(won.result.valid());
  CHECK(count_of(s, "make") == 1);
}

// Found by the simulation: the renewals of a term went on in another blob, where the term had never been counted.
TEST_CASE("azure: a lease on a blob that was made anew does not keep a term going", "[N7][S9][azure]") {
  azure_scene s;
  std::optional<blob_call> make, acquire;
  s.azure->when("make", [&](blob_call& c) { make = c; });
  s.azure->when(
      "acquire", [&](blob_call& c) { acquire = c; }, 2);
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.azure->blobs.clear();
  REQUIRE((make && acquire));
  s.azure->carry_out(*make);
  REQUIRE(s.azure->carry_out(*acquire).status == 201);
  REQUIRE(s.until([&] { return static_cast<bool>(term.ended()); }, 8s));
  CHECK(term.ended().code() == errc::lease_lost);
}

TEST_CASE("azure: a term goes on when its own write, whose answer was lost, has changed the blob", "[N7][azure]") {
  azure_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.azure->when("count", [](blob_call& c) { c.answered = false; });
  catcher<void> done;
  term.proclaim("here", done.handler());
  s.run(30s);
  CHECK(term.valid());
  auto const looks = count_of(s, "look");
  s.run(30s);
  CHECK(term.valid());
  CHECK(count_of(s, "look") == looks);  // once was enough
}

TEST_CASE("azure: every candidacy has a lease id of its own, a version 4 GUID in lower case") {
  azure_scene s;
  auto e = s.make_elector("A");
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    auto term = s.win(e);
    ids.push_back(s.leader_blob().lease);
    catcher<void> done;
    term.resign(done.handler());
    REQUIRE(s.until([&] { return done.done(); }));
    CHECK(*done.ec == error_code());
  }
  CHECK(ids[0] != ids[1]);
  CHECK(ids[1] != ids[2]);
  for (auto const& id : ids) {
    CHECK(id.size() == 36);
    CHECK(id.find_first_not_of("0123456789abcdef-") == id.npos);
    CHECK(id[14] == '4');
  }
}

TEST_CASE("azure: a release whose answer was lost was one: the second is told so, and that is success", "[N7][azure]") {
  azure_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  s.azure->when("release",
                [&](blob_call& c) { c.instead = fake_azure::answer(409, "LeaseIdMismatchWithLeaseOperation"); });
  catcher<void> done;
  term.resign(done.handler());
  REQUIRE(s.until([&] { return done.done(); }));
  CHECK(*done.ec == error_code());
  CHECK(s.leader_blob().lease.empty());
}

TEST_CASE("azure: two renewals apart, a refusal is got over; the deadline stays where it was meanwhile",
          "[T5][azure]") {
  azure_scene s;
  auto e = s.make_elector("A");
  auto term = s.win(e);
  auto const first = s.deadline(term);
  s.azure->when(
      "renew", [](blob_call& c) { c.instead = fake_azure::answer(403, "AuthenticationFailed"); }, 2);
  REQUIRE(s.until([&] { return count_of(s, "renew") == 2; }));
  CHECK(s.deadline(term) == first);
  CHECK(term.valid());
  REQUIRE(s.until([&] { return s.deadline(term) != first; }));
  CHECK(s.deadline(term) == last_sent(s, "renew") + V);
}

// Found by the simulation: the campaign ended for good with "the place for elections does not exist".
TEST_CASE("azure: a blob that is deleted between winning its lease and counting the term is made anew", "[S9][azure]") {
  azure_scene s;
  auto const between = GENERATE(as<std::string>(), "look", "count");
  s.azure->when(between, [&](blob_call& c) { s.azure->model.erase(c.blob); });
  auto e = s.make_elector("A");
  auto const term = s.win(e);
  CHECK(term.valid());
  CHECK(term.fencing_token() == s.counted());
}
