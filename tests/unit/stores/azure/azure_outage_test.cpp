// The Azure service is away, busy, restarted or heard only one way, for short and for long, and a hundred candidates ask it.
#include "fake_azure.hpp"
#include <set>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

constexpr auto V = azure_scene::V;

bool any(blob_call const&) { return true; }

std::size_t count_of(azure_scene const& s, std::string const& kind) { return s.azure->calls_of(kind).size(); }

http::response busy(int status, std::string const& retry_after) {
  auto made = fake_azure::answer(status, "ServerBusy");
  if (!retry_after.empty()) made.fields.push_back({"Retry-After", retry_after});
  return made;
}

/// Not carried out, and nothing comes back.
void away(blob_call& c) {
  c.execute = false;
  c.cut = true;
}

struct led {
  led() : a(s.make_elector("A")), term(s.win(a)), until(s.deadline(term)), token(term.fencing_token()) {}
  bool over(nanoseconds limit = 60s) {
    return s.until([&] { return static_cast<bool>(term.ended()); }, limit);
  }
  azure_scene s;
  elector a;
  leadership term;
  nanoseconds until;
  std::uint64_t token;
};

}  // namespace

TEST_CASE("azure outage: nobody is there: the term lasts to its deadline, candidates wait and win afterwards",
          "[N1][azure]") {
  led l;
  l.s.azure->when(any, away, 1'000'000);
  auto b = l.s.make_elector("B");
  catcher<leadership> won;
  b.campaign(won.handler());
  l.s.run(l.term.remaining() - 10ms);
  CHECK(l.term.valid());
  REQUIRE(l.over());
  CHECK(l.term.ended().how() == end_of_term::expired);
  CHECK(l.s.world.now() >= l.until);
  CHECK(l.s.world.now() < l.until + 10ms);
  l.s.run(5min);
  CHECK_FALSE(won.done());
  auto const told = std::count_if(l.s.lines.begin(), l.s.lines.end(),
                                  [](auto const& line) { return line.find("trouble") != line.npos; });
  CHECK(told <= 2);
  l.s.azure->no_rules();
  REQUIRE(l.s.until([&] { return won.done(); }, 10s));
  CHECK(won.result.fencing_token() > l.token);
}

TEST_CASE("azure outage: requests arrive and answers do not: over at the deadline, and the lease is left to run out",
          "[N10][azure]") {
  led l;
  l.s.azure->when(
      any, [](blob_call& c) { c.answered = false; }, 1'000'000);
  REQUIRE(l.over());
  CHECK(l.term.ended().how() == end_of_term::expired);
  CHECK(l.s.world.now() < l.until + 10ms);
  auto const renewed = l.s.azure->calls_of("renew");
  REQUIRE(renewed.size() >= 2);  // and each of them made the lease longer
  CHECK(l.s.leader_blob().until >= renewed.back().at + 20s);
  l.s.run(5s);
  CHECK(count_of(l.s, "renew") == renewed.size());
  // Somebody whose answers come.
  l.s.azure->no_rules();
  auto b = l.s.make_elector("B");
  catcher<leadership> won;
  b.campaign(won.handler());
  REQUIRE(l.s.until([&] { return won.done(); }, 30s));
  CHECK(l.s.world.now() <= renewed.back().at + 20s + 6s);
  CHECK(won.result.fencing_token() == l.token + 1);
}

TEST_CASE("azure outage: the service restarts: refused, then busy, then itself; the term goes on", "[S1][azure]") {
  led l;
  l.s.azure->when(any, away, 1'000'000);
  l.s.run(8s);  // the first renewal is after 6.66 s
  l.s.azure->no_rules();
  l.s.azure->when(
      any,
      [](blob_call& c) {
        c.instead = busy(503, "");
        c.execute = false;
      },
      1'000'000);
  l.s.run(3s);
  CHECK(count_of(l.s, "renew") >= 3);
  CHECK(l.s.deadline(l.term) == l.until);
  l.s.azure->no_rules();
  l.s.run(60s);
  CHECK(l.term.valid());
  CHECK(l.term.fencing_token() == l.token);
}

TEST_CASE("azure outage: whatever Retry-After says, a holder asks again in time and is trusted no longer",
          "[H2][azure]") {
  auto const status = GENERATE(408, 429, 500, 502, 503, 504);
  auto const later = GENERATE(as<std::string>(), "", "0", "-1", "1", "1000000000", "99999999999999999999",
                              "Wed, 21 Oct 2065 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", "soon");
  INFO(status << ", Retry-After: " << later);
  led l;
  auto const answer_busy = [&](blob_call& c) {
    c.execute = false;
    c.instead = busy(status, later);
  };
  l.s.azure->when("renew", answer_busy, 2);
  REQUIRE(l.s.until([&] { return l.s.deadline(l.term) != l.until; }, V));
  CHECK(count_of(l.s, "renew") == 3);
  CHECK(l.s.deadline(l.term) == l.s.azure->calls_of("renew").back().at + V);
  // And a candidate.
  auto b = l.s.make_elector("B");
  catcher<leadership> won;
  l.s.azure->when("acquire", answer_busy, 2);
  b.campaign(won.handler());
  l.s.run(20s);
  catcher<void> resigned;
  l.term.resign(resigned.handler());
  CHECK(l.s.until([&] { return won.done(); }, 90s));  // two waits of 30 s at most
}

TEST_CASE("azure outage: a busy service is left alone for as long as it asks", "[H2][azure]") {
  led l;
  l.s.azure->when(
      "renew",
      [](blob_call& c) {
        c.instead = busy(503, "3");
        c.execute = false;
      },
      1);
  REQUIRE(l.s.until([&] { return count_of(l.s, "renew") == 2; }, 20s));
  auto const all = l.s.azure->calls_of("renew");
  CHECK(all[1].at - all[0].at >= 3s);
}

TEST_CASE("azure outage: a token that is refused is replaced within the same request", "[T4][azure]") {
  azure_scene s;
  int issued = 0;
  s.how.credential = azure_credential::token([&](std::function<void(error_code, azure_token)> const& done) {
    done({}, {"token" + std::to_string(++issued), 1h});
  });
  auto e = s.make_elector("A");
  auto term = s.win(e);
  REQUIRE(issued == 1);
  auto const until = s.deadline(term);
  s.azure->when("renew", [](blob_call& c) {
    c.execute = false;
    c.instead = fake_azure::answer(401, "InvalidAuthenticationInfo");
  });
  REQUIRE(s.until([&] { return s.deadline(term) != until; }, V));
  CHECK(issued == 2);
  CHECK(count_of(s, "renew") == 2);
  auto const all = s.azure->calls_of("renew");
  CHECK(all[1].at - all[0].at < 100ms);  // not a retry after a pause
  for (auto const& line : s.lines) CHECK(line.find("renew failed") == line.npos);
}

TEST_CASE("azure crowd: a hundred candidates: one leads, each asks once per poll at most", "[S14][azure]") {
  azure_scene s;
  std::vector<elector> all;
  std::vector<leadership> terms;
  for (int i = 0; i < 100; ++i) {
    all.push_back(s.make_elector("A" + std::to_string(i)));
    all.back().campaign([&](error_code ec, leadership won) {
      if (!ec) terms.push_back(std::move(won));
    });
  }
  REQUIRE(s.until([&] { return !terms.empty(); }));
  s.run(5s);  // whoever lost the race for the first win polls now
  auto const before = s.azure->calls_of("acquire").size();
  s.run(60s);
  CHECK(terms.size() == 1);
  CHECK(terms[0].valid());
  auto const asked = s.azure->calls_of("acquire");
  std::map<std::string, int> by_candidate;
  for (auto i = before; i < asked.size(); ++i) ++by_candidate[asked[i].field("x-ms-proposed-lease-id")];
  CHECK(by_candidate.size() == 99);
  for (auto const& [id, times] : by_candidate) CHECK(times <= 61);
  catcher<void> resigned;
  terms[0].resign(resigned.handler());
  REQUIRE(s.until([&] { return terms.size() == 2; }, 6s));
  CHECK(terms[1].fencing_token() == terms[0].fencing_token() + 1);
}

TEST_CASE("azure crowd: many electors of one store are independent, and the same key waits like a stranger's",
          "[L5][azure]") {
  azure_scene s;
  auto const where = make_azure_blob_store(s.host->io.get_executor(), s.how);
  auto const make = [&](int i) {
    elector_options o;
    o.election = "election" + std::to_string(i);
    o.candidate = "A";
    return elector(s.host->io.get_executor(), where, o);
  };
  std::vector<elector> all;
  std::vector<leadership> terms;
  for (int i = 0; i < 300; ++i) {
    all.push_back(make(i));
    all.back().campaign([&](error_code, leadership won) { terms.push_back(std::move(won)); });
  }
  REQUIRE(s.until([&] { return terms.size() == 300; }));
  auto again = make(7);
  catcher<leadership> next;
  again.campaign(next.handler());
  s.run(60s);
  auto const valid = [&] { return std::count_if(terms.begin(), terms.end(), [](auto const& t) { return t.valid(); }); };
  CHECK(valid() == 300);
  CHECK_FALSE(next.done());
  s.azure->blobs.at("/leases/election7").broken = true;  // by an administrator
  REQUIRE(s.until([&] { return next.done(); }));
  CHECK(next.result.valid());
  CHECK(s.until([&] { return valid() == 299; }, 8s));  // whoever held it hears so at the next renewal
}
