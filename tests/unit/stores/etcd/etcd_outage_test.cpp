// The cluster is away, busy or heard only one way, a dead holder's lease stays, and a hundred candidates stand at once.
#include "fake_etcd.hpp"
#include <set>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

bool any(fake_call const&) { return true; }
call_test const keepalive = to_path("/v3/lease/keepalive");

void away(fake_call& c) {
  c.execute = false;
  c.cut = true;
}

struct led {
  explicit led(std::size_t endpoints = 1, std::string prefix = {})
      : s(endpoints, std::move(prefix)), a(s.make_elector("A")), term(s.win(a)), until(deadline()) {}
  nanoseconds deadline() const { return s.world.now() + term.remaining(); }
  bool over(nanoseconds limit = 60s) {
    return s.until([&] { return static_cast<bool>(term.ended()); }, limit);
  }
  std::size_t calls(std::string const& path) const { return s.etcd->calls_to(path).size(); }
  etcd_scene s;
  elector a;
  leadership term;
  nanoseconds until;
};

}  // namespace

TEST_CASE("etcd outage: no endpoint is there: the term lasts to its deadline, candidates wait and win afterwards",
          "[N1][etcd]") {
  auto const endpoints = GENERATE(1U, 3U);
  led l(endpoints, "app/");
  auto const lease = l.s.lease_of(l.s.etcd->list("app/leader/").front());
  l.s.etcd->always(any, away);
  l.s.etcd->end_streams(outcome(errc::unreachable, "cut"));
  auto b = l.s.make_elector("B");
  catcher<leadership> won;
  b.campaign(won.handler());
  l.s.run(l.term.remaining() - 10ms);
  CHECK(l.term.valid());
  REQUIRE(l.over());
  CHECK(l.term.ended().how() == end_of_term::expired);
  CHECK(l.s.world.now() >= l.until);
  CHECK(l.s.world.now() < l.until + 10ms);
  // Every endpoint was asked, not one of them for ever.
  std::set<std::size_t> asked;
  for (auto const& c : l.s.etcd->calls) asked.insert(c.endpoint);
  CHECK(asked.size() == endpoints);
  l.s.run(5min);
  CHECK_FALSE(won.done());
  auto const told = std::count_if(l.s.lines.begin(), l.s.lines.end(),
                                  [](auto const& line) { return line.find("trouble") != line.npos; });
  CHECK(told <= 2);
  l.s.etcd->no_rules();
  l.s.etcd->expire(lease);  // as the ttl would
  REQUIRE(l.s.until([&] { return won.done(); }, 10s));
  CHECK(won.result.fencing_token() > l.term.fencing_token());
}

TEST_CASE("etcd outage: requests arrive and answers do not: over at the deadline, and the lease is left to run out",
          "[N10][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  led l(1, prefix);
  auto const key = l.s.etcd->list(prefix + "leader/").front();
  auto const lease = l.s.lease_of(key);
  auto const renewals = [&] {
    return std::count_if(l.s.etcd->calls.begin(), l.s.etcd->calls.end(), [&](auto const& c) {
      return keepalive(c) && c.body.at("ID").template get<std::string>() == std::to_string(lease);
    });
  };
  l.s.etcd->always(any, [](fake_call& c) { c.answered = false; });
  REQUIRE(l.over());
  CHECK(l.term.ended().how() == end_of_term::expired);
  CHECK(l.s.world.now() < l.until + 10ms);
  auto const renewed = renewals();
  CHECK(renewed >= 2);  // and each of them made the lease longer
  l.s.run(60s);
  CHECK(renewals() == renewed);
  l.s.etcd->no_rules();
  l.s.run(60s);
  CHECK(renewals() == renewed);  // not even now: this lease may run out
}

TEST_CASE("etcd outage: a busy cluster is asked again, and trusted no longer", "[H2][etcd]") {
  auto const status = GENERATE(408, 429, 500, 502, 503, 504);
  INFO(status);
  led l;
  auto const busy = [=](fake_call& c) {
    c.execute = false;
    c.status = status;
    c.text = "<html>busy</html>";
  };
  l.s.etcd->when(keepalive, busy, 2);
  REQUIRE(l.s.until([&] { return l.deadline() != l.until; }, 8s));
  CHECK(l.calls("/v3/lease/keepalive") == 3);
  CHECK(l.deadline() == l.s.etcd->calls_to("/v3/lease/keepalive").back().at + 8s);
  l.until = l.deadline();
  l.s.etcd->always(keepalive, busy);
  REQUIRE(l.over());
  CHECK(l.s.world.now() >= l.until);
  CHECK(l.s.world.now() < l.until + 10ms);
  CHECK(l.term.ended().how() == end_of_term::expired);
}

TEST_CASE("etcd outage: behind a dead holder whose lease never runs out nobody takes over", "[S12][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_scene s(1, prefix);
  auto const dead = prefix + "leader/4d";
  s.etcd->carry_out("/v3/lease/grant", {{"ID", "77"}, {"TTL", "15"}});
  s.etcd->put(dead, "nobody", 77);
  auto b = s.make_elector("B");
  catcher<leadership> won;
  b.campaign(won.handler());
  s.run(2h);
  CHECK_FALSE(won.done());
  CHECK(s.standing() == 2);
  CHECK(s.etcd->keys.contains(dead));
  CHECK(s.etcd->leases.contains(77));
  // An operator ends it.
  s.etcd->expire(77);
  REQUIRE(s.until([&] { return won.done(); }, 1s));
  CHECK(won.result.valid());
}

TEST_CASE("etcd crowd: a hundred candidates: one leads, and its end wakes one other", "[S14][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  std::size_t const how_many = prefix.empty() ? 100 : 50;  // with a prefix every store hears of every key
  etcd_scene s(1, prefix);
  std::vector<elector> all;
  std::vector<leadership> terms;
  for (std::size_t i = 0; i < how_many; ++i) {
    all.push_back(s.make_elector("A" + std::to_string(i)));
    all.back().campaign([&](error_code ec, leadership won) {
      if (!ec) terms.push_back(std::move(won));
    });
  }
  REQUIRE(s.until([&] { return s.standing() == how_many; }, 20s));
  s.run(30s);
  REQUIRE(terms.size() == 1);
  CHECK(terms[0].valid());
  // Not one call of theirs when nothing changes but renewals and watches that are opened again.
  auto const others = [&] {
    return std::count_if(s.etcd->calls.begin(), s.etcd->calls.end(),
                         [](auto const& c) { return is_search(c) || is_verification(c) || is_campaign(c); });
  };
  auto before = others();
  s.run(20s);
  CHECK(others() == before);
  for (std::size_t round = 1; round <= 5; ++round) {
    before = others();
    terms.back().resign([](error_code) {});
    REQUIRE(s.until([&] { return terms.size() == round + 1; }, 1s));
    s.run(100ms);
    CHECK(terms.size() == round + 1);
    CHECK(terms[round].fencing_token() > terms[round - 1].fencing_token());
    CHECK(others() - before <= 3);  // of one successor, not of all
  }
}
