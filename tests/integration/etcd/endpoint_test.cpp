// Trouble with some of a client's endpoints while the cluster is well: nobody loses a term over it.
#include "fault_place.hpp"
#include <array>

using namespace coelect;
using namespace coelect::test;

namespace {

/// A cluster with a proxy before each member.
struct proxied_cluster {
  etcd_cluster cluster{3};
  std::array<fault_proxy, 3> proxies{fault_proxy(cluster.member(0).client_port()),
                                     fault_proxy(cluster.member(1).client_port()),
                                     fault_proxy(cluster.member(2).client_port())};
  std::vector<std::string> endpoints() const { return {proxies[0].url(), proxies[1].url(), proxies[2].url()}; }
};

void show(etcd_process const& p) {
  for (auto const& line : p.lines) UNSCOPED_INFO(line);
}

}  // namespace

TEST_CASE("etcd faults: an endpoint that accepts and never answers costs a campaign one attempt", "[N3][etcd]") {
  proxied_cluster c;
  c.proxies[0].blackhole();
  etcd_process p;
  auto const where = p.make_store(p.options(c.endpoints()));
  auto e = p.make_elector(where, "A");
  auto const begin = std::chrono::steady_clock::now();
  auto term = p.win(e);
  auto const took = since(begin);
  show(p);
  REQUIRE(term.valid());
  CHECK(took < 2500ms);
  auto other = p.make_elector(where, "A", "other");
  auto const again = std::chrono::steady_clock::now();
  auto second = p.win(other);
  std::cout << "first endpoint blackholed: campaign in " << took.count() << " ms, the next one in "
            << since(again).count() << " ms\n";
  CHECK(since(again) < 500ms);
}

TEST_CASE("etcd faults: with two of three endpoints blackholed for 20 s a term stays valid and is never at risk",
          "[N3][etcd]") {
  proxied_cluster c;
  etcd_process p;
  persistent a(p, p.make_store(p.options(c.endpoints())), "A");
  REQUIRE(p.until([&] { return a.valid(); }));
  c.proxies[0].blackhole();
  c.proxies[1].blackhole();
  auto least = std::chrono::nanoseconds::max();
  bool const always = observe_for(p, 20s, [&] {
    least = std::min(least, a.term().remaining());
    return a.valid();
  });
  show(p);
  std::cout << "two of three endpoints blackholed for 20 s: at least "
            << std::chrono::duration_cast<std::chrono::milliseconds>(least).count() << " ms remained of 12500\n";
  CHECK(always);
  CHECK(a.terms == 1);
  CHECK(a.ended == 0);
  CHECK(a.at_risk == 0);
  CHECK(p.resign(a.term()) == error_code());
}

TEST_CASE("etcd faults: refused, reset, finished and slow connections cost no term", "[N1][N2][N4][etcd]") {
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  auto how = p.options({proxy.url()}, 6s);
  how.timing.renew_every = 300ms;
  persistent a(p, p.make_store(how), "A");
  REQUIRE(p.until([&] { return a.valid(); }));
  auto const stays = [&](std::chrono::milliseconds span) { return observe_for(p, span, [&] { return a.valid(); }); };
  auto const renewals = [&] { return proxy.counters().requests_to("/v3/lease/keepalive"); };
  auto const renews = [&] {
    auto const before = renewals();
    return p.until([&] { return renewals() > before + 1; }, 5s) && a.valid();
  };
  for (int i = 0; i < 5; ++i) {
    proxy.reset_all();
    CHECK(renews());
    proxy.finish_all();
    CHECK(renews());
  }
  proxy.refuse();
  proxy.reset_all();
  CHECK(stays(1500ms));
  proxy.pass();
  CHECK(renews());
  proxy.stall();
  CHECK(renews());
  proxy.slow(20'000, 60ms);
  CHECK(stays(1500ms));
  CHECK(renews());
  proxy.pass();
  CHECK(renews());
  show(p);
  CHECK(a.terms == 1);
  CHECK(a.ended == 0);
  CHECK(p.resign(a.term()) == error_code());
  CHECK(p.until([&] { return server.client().list("leader/").empty(); }));
}

TEST_CASE("etcd faults: when nothing answers any more the term ends at its deadline, and afterwards somebody leads",
          "[N3][etcd]") {
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  persistent a(p, p.make_store(p.options({proxy.url()}, 4s)), "A");
  REQUIRE(p.until([&] { return a.valid(); }));
  proxy.blackhole();
  auto deadline = clock::time_point{};
  auto seen_invalid = clock::time_point{};
  REQUIRE(p.until([&] {
    auto const until = a.term().valid_until();
    if (a.valid()) deadline = until;
    else seen_invalid = clock::now();
    return seen_invalid != clock::time_point{};
  }));
  CHECK(seen_invalid - deadline < 30ms);
  REQUIRE(p.until([&] { return a.ended == 1; }));
  CHECK(a.at_risk == 1);
  proxy.pass();
  CHECK(p.until([&] { return a.valid(); }, 15s));
  show(p);
  REQUIRE(a.tokens.size() == 2);
  CHECK(a.tokens[1] > a.tokens[0]);
  CHECK(a.trouble == error_code());
}
