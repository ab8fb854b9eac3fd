// Members of the cluster are killed, stopped and restarted: never two leaders, and somebody leads in the end.
#include "fault_place.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

/// Two candidates in stores of their own; looks that they never are valid together.
struct rivals {
  explicit rivals(etcd_cluster& c, std::chrono::seconds ttl = 15s, etcd_options const& cluster_options = {})
      : cluster(c) {
    auto how = p.options(c.endpoints(), ttl);
    if (cluster_options.quick) how.timing.store_slack = 500ms;
    a = std::make_unique<persistent>(p, p.make_store(how), "A");
    REQUIRE(p.until([&] { return a->valid(); }));
    std::rotate(how.endpoints.begin(), how.endpoints.begin() + 1, how.endpoints.end());
    b = std::make_unique<persistent>(p, p.make_store(how), "B");
    REQUIRE(p.until([&] { return cluster.member(0).client().list("leader/").size() == 2; }));
  }
  bool look() {
    bool const first = a->valid();
    bool const both = first && b->valid() && a->valid();
    twice += both ? 1 : 0;
    return true;
  }
  void during(std::chrono::milliseconds span) {
    observe_for(p, span, [this] { return look(); });
  }
  bool somebody_leads(std::chrono::milliseconds limit) {
    return p.until([this] { return look(), a->valid() || b->valid(); }, limit);
  }
  void report(char const* what) {
    std::cout << what << ": terms " << a->terms << " + " << b->terms << ", ended " << a->ended << " + " << b->ended
              << ", at risk " << a->at_risk << " + " << b->at_risk << ", both valid " << twice << " times";
    for (auto const* all : {&a->ends, &b->ends})
      for (auto const& e : *all) std::cout << "; " << e;
    std::cout << "\n";
    for (auto const& line : p.lines) UNSCOPED_INFO(line);
    CHECK(twice == 0);
    CHECK(a->trouble == error_code());
    CHECK(b->trouble == error_code());
    std::vector<std::uint64_t> tokens = a->tokens;
    tokens.insert(tokens.end(), b->tokens.begin(), b->tokens.end());
    std::sort(tokens.begin(), tokens.end());
    CHECK(std::adjacent_find(tokens.begin(), tokens.end()) == tokens.end());
  }

  etcd_cluster& cluster;
  etcd_process p;
  std::unique_ptr<persistent> a, b;
  int twice = 0;
};

}  // namespace

TEST_CASE("etcd cluster: the raft leader is killed: the term goes on or ends cleanly, never two", "[S2][etcd]") {
  etcd_cluster cluster(3);
  rivals r(cluster);
  auto const raft = cluster.wait_for_leader();
  cluster.member(raft).kill();
  r.during(9s);
  cluster.member(raft).start(false);
  CHECK(r.somebody_leads(25s));
  r.report("raft leader killed");
}

TEST_CASE("etcd cluster: the raft leader is stopped for 10 s: the term goes on or ends cleanly, never two",
          "[S2][etcd]") {
  etcd_cluster cluster(3);
  rivals r(cluster);
  auto const raft = cluster.wait_for_leader();
  cluster.member(raft).stop();
  r.during(10s);
  cluster.member(raft).cont();
  r.during(3s);
  CHECK(r.somebody_leads(25s));
  r.report("raft leader stopped for 10 s");
}

TEST_CASE("etcd cluster: a frozen follower takes nobody's term", "[N3][etcd]") {
  etcd_cluster cluster(3);
  rivals r(cluster);
  auto const raft = cluster.wait_for_leader();
  auto const frozen = raft == 0 ? 1U : 0U;  // among the first endpoints of both
  cluster.member(frozen).stop();
  r.during(9s);
  cluster.member(frozen).cont();
  CHECK(r.a->valid());
  CHECK(r.a->at_risk == 0);
  r.report("follower frozen for 9 s");
  CHECK(r.a->terms == 1);
}

TEST_CASE("etcd cluster: without a quorum the term ends at its deadline, and with it somebody leads again",
          "[S3][etcd]") {
  etcd_options quick;
  quick.quick = true;
  etcd_cluster cluster(3, quick);
  rivals r(cluster, 4s, quick);
  cluster.member(1).stop();
  cluster.member(2).stop();
  auto deadline = r.a->term().valid_until();
  auto invalid_at = clock::time_point{};
  // Asked as often as the loop turns, so a late look is told from a late end by valid_until() itself.
  std::size_t valid_too_late = 0;
  REQUIRE(r.p.until([&] {
    r.look();
    auto const now = clock::now();
    if (r.a->valid()) {
      if (now > deadline + 10ms) ++valid_too_late;
      deadline = std::max(deadline, r.a->term().valid_until());
    } else {
      invalid_at = clock::now();
    }
    return invalid_at != clock::time_point{};
  }));
  CHECK(valid_too_late == 0);
  r.during(1s);
  CHECK_FALSE(r.a->valid());
  CHECK_FALSE(r.b->valid());
  cluster.member(1).cont();
  cluster.member(2).cont();
  auto const begin = std::chrono::steady_clock::now();
  CHECK(r.somebody_leads(20s));
  std::cout << "quorum back: somebody leads after " << since(begin).count() << " ms (ttl 4000)\n";
  r.report("quorum lost");
}

TEST_CASE("etcd cluster: a rolling restart of all members: never two, and somebody leads", "[S1][etcd]") {
  etcd_cluster cluster(3);
  rivals r(cluster);
  for (std::size_t m = 0; m < 3; ++m) {
    cluster.member(m).signal(SIGTERM);
    auto const gone = [&] {
      r.look();
      return !cluster.member(m).running();
    };
    REQUIRE(r.p.until(gone, 20s));
    cluster.member(m).start(false);
    REQUIRE(r.p.until([&] { return r.look(), cluster.leader().has_value(); }, 20s));
    r.during(1s);
  }
  CHECK(r.somebody_leads(25s));
  r.report("rolling restart");
  for (auto const& k : cluster.member(0).client().list("leader/")) CHECK(k.lease != 0);
}

TEST_CASE("etcd cluster: a single member that is killed and started again keeps lease, key and term", "[S1][etcd]") {
  etcd_server server;
  etcd_process p;
  persistent a(p, p.make_store(p.options({server.url()})), "A");
  REQUIRE(p.until([&] { return a.valid(); }));
  auto const before = server.client().list("leader/").at(0);
  server.restart();
  CHECK(observe_for(p, 6s, [&] { return a.valid(); }));
  auto const after = server.client().list("leader/").at(0);
  CHECK(after.create_revision == before.create_revision);
  CHECK(after.lease == before.lease);
  for (auto const& line : p.lines) UNSCOPED_INFO(line);
  CHECK(a.terms == 1);
  CHECK(p.resign(a.term()) == error_code());
}
