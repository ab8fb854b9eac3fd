// A thousand elections of one process: one lease, few connections, one renewal for all.
#include "fault_place.hpp"
#include "resident.hpp"

using namespace coelect;
using namespace coelect::test;

TEST_CASE("etcd faults: a thousand elections under one prefix share a lease, four connections and every renewal",
          "[L5][etcd]") {
  constexpr std::size_t how_many = 1'000;
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  auto how = p.options({proxy.url()}, 6s);
  how.prefix = "many/";
  auto const where = p.make_store(how);
  std::size_t most_open = 0;
  auto const look = [&] { most_open = std::max(most_open, proxy.counters().open); };
  auto const memory = resident_kib();
  auto const begin = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<elector>> electors;
  std::vector<leadership> terms;
  std::size_t failed = 0;
  std::size_t next = 0;
  std::function<void()> enter = [&] {
    if (next == how_many) return;
    auto& e = *electors.emplace_back(
        std::make_unique<elector>(p.make_elector(where, "A", "election" + std::to_string(next++))));
    e.campaign([&](error_code ec, leadership won) {
      if (ec) ++failed;
      else terms.push_back(std::move(won));
      enter();
    });
  };
  for (int i = 0; i < 3; ++i) enter();  // as many at a time as connections for them
  REQUIRE(p.until([&] { return look(), terms.size() + failed == how_many; }, 60s));
  auto const set_up = since(begin);
  auto const each = (resident_kib() - memory) / static_cast<double>(how_many);
  CHECK(failed == 0);
  CHECK(server.client().leases().size() == 1);
  CHECK(server.client().list("many/election").size() == how_many);

  // Two whole periods, from one renewal to the second one after it.
  auto const renewals = [&] { return proxy.counters().requests_to("/v3/lease/keepalive"); };
  auto const first = renewals();
  REQUIRE(p.until([&] { return look(), renewals() > first; }));
  REQUIRE(observe_for(p, 300ms, [&] { return look(), true; }));
  auto const from = proxy.counters();
  auto const period_begin = std::chrono::steady_clock::now();
  auto const renewed = renewals();
  REQUIRE(p.until([&] { return look(), renewals() == renewed + 2; }));
  auto const periods = since(period_begin);
  REQUIRE(observe_for(p, 300ms, [&] { return look(), true; }));
  auto const to = proxy.counters();
  CHECK(periods > 2'900ms);  // 2 * min(ttl / 3, 0.4 V) = 3.5 s, less what has passed of the first
  CHECK(to.requests_to("/v3/lease/keepalive") - from.requests_to("/v3/lease/keepalive") == 2);
  CHECK(to.requests_to("/v3/kv/txn") - from.requests_to("/v3/kv/txn") == 2);
  CHECK(std::all_of(terms.begin(), terms.end(), [](auto& t) { return t.valid(); }));
  auto const open_at_rest = to.open;

  auto const end_begin = std::chrono::steady_clock::now();
  std::size_t resigned = 0;
  std::size_t wrong = 0;
  std::size_t leaving = 0;
  std::function<void()> leave = [&] {
    if (leaving == how_many) return;
    terms[leaving++].resign([&](error_code ec) {
      ++(ec ? wrong : resigned);
      leave();
    });
  };
  for (int i = 0; i < 3; ++i) leave();
  REQUIRE(p.until([&] { return look(), resigned + wrong == how_many; }, 60s));
  CHECK(wrong == 0);
  CHECK(server.client().list("many/election").empty());
  CHECK(most_open <= 4);
  std::cout << how_many << " elections: set up in " << set_up.count() << " ms, " << each << " KiB each, resigned in "
            << since(end_begin).count() << " ms, " << open_at_rest << " connections, at most " << most_open << "\n";
}

TEST_CASE("etcd faults: a thousand campaigns at once all win", "[L5][etcd]") {
  constexpr std::size_t how_many = 1'000;
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  auto how = p.options({proxy.url()});
  how.prefix = "many/";
  auto const where = p.make_store(how);
  std::vector<std::unique_ptr<elector>> electors;
  std::vector<leadership> terms;
  std::size_t failed = 0;
  std::size_t most_open = 0;
  auto const begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < how_many; ++i) {
    auto& e =
        *electors.emplace_back(std::make_unique<elector>(p.make_elector(where, "A", "election" + std::to_string(i))));
    e.campaign([&](error_code ec, leadership won) {
      if (ec) ++failed;
      else terms.push_back(std::move(won));
    });
  }
  REQUIRE(p.until(
      [&] {
        most_open = std::max(most_open, proxy.counters().open);
        return terms.size() + failed == how_many;
      },
      60s));
  std::cout << how_many << " campaigns at once: " << since(begin).count() << " ms, at most " << most_open
            << " connections\n";
  CHECK(failed == 0);
  CHECK(server.client().leases().size() == 1);
  CHECK(observe_for(p, 200ms, [] { return true; }));
  CHECK(std::all_of(terms.begin(), terms.end(), [](auto& t) { return t.valid(); }));
  auto const at_rest = [&] { return proxy.counters().open <= 4; };
  CHECK(p.until(at_rest, 10s));
}
