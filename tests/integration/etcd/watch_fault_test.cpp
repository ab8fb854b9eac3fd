// What happens to keys while a watch is broken is noticed afterwards, also when the store has forgotten the events.
#include "fault_place.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

/// A store behind a proxy that streams can be kept from, and a client that goes past it.
struct watched {
  etcd_server server;
  fault_proxy proxy{server.client_port()};
  etcd_process p;
  etcd_store_options how = options();

  etcd_store_options options() {
    auto o = p.options({proxy.url()}, 15s);
    o.timing.renew_every = 500ms;
    o.timing.request_timeout = 1s;
    o.timing.retry_min = 10ms;
    o.timing.retry_max = 200ms;
    return o;
  }
  /// All streams end, and new ones are not let through until release().
  void break_streams() {
    proxy.hold_request("/v3/watch", 10'000);
    proxy.reset_all();
  }
  std::size_t streams() const { return proxy.counters().requests_to("/v3/watch"); }
  void show() {
    for (auto const& line : p.lines) UNSCOPED_INFO(line);
  }
};

}  // namespace

TEST_CASE("etcd faults: a leader whose key is deleted while its watch is broken knows when the watch is back",
          "[S5][S6][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  auto const compacted = GENERATE(false, true);
  INFO("prefix '" << prefix << "', compacted " << compacted);
  watched w;
  w.how.prefix = prefix;
  auto e = w.p.make_elector(w.p.make_store(w.how), "A");
  auto other = w.p.make_elector(w.p.make_store(w.how), "B", "other");
  auto term = w.p.win(e);
  auto elsewhere = w.p.win(other);
  auto const key = w.server.client().list(prefix + "leader/").at(0);
  auto const before = w.streams();
  w.break_streams();
  REQUIRE(w.p.until([&] { return w.streams() > before; }));
  w.server.client().del(key.key);
  if (compacted) {
    for (int i = 0; i < 20; ++i) w.server.client().put("noise", std::to_string(i));
    w.server.client().compact(w.server.client().revision());
  }
  // The lease lives on: only a watch shows that the key is gone, or the look that goes with a renewal while none is open.
  CHECK(observe_for(w.p, 300ms, [] { return true; }));
  auto const begin = std::chrono::steady_clock::now();
  w.proxy.pass();
  w.proxy.release();
  REQUIRE(w.p.until([&] { return !term.valid(); }, 5s));
  auto const took = since(begin);
  w.show();
  CHECK(term.ended().how() == end_of_term::lost);
  CHECK(took < 2500ms);
  CHECK(observe_for(w.p, 1s, [&] { return elsewhere.valid(); }));
  auto again = w.p.win(e, 5s);
  CHECK(again.valid());
  CHECK(again.fencing_token() > term.fencing_token());
}

TEST_CASE("etcd faults: a candidate whose predecessor goes while its watch is broken takes over when it is back",
          "[S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  auto const compacted = GENERATE(false, true);
  INFO("prefix '" << prefix << "', compacted " << compacted);
  watched w;
  w.how.prefix = prefix;
  auto direct = w.p.options({w.server.url()});
  direct.prefix = prefix;
  auto first = w.p.make_elector(w.p.make_store(direct), "A");
  auto term = w.p.win(first);
  auto second = w.p.make_elector(w.p.make_store(w.how), "B");
  catcher<leadership> won;
  second.campaign(won.handler());
  REQUIRE(w.p.until([&] { return w.server.client().list(prefix + "leader/").size() == 2; }));
  observe_for(w.p, 300ms, [] { return true; });
  auto const before = w.streams();
  w.break_streams();
  REQUIRE(w.p.until([&] { return w.streams() > before; }));
  CHECK(w.p.resign(term) == error_code());
  if (compacted) {
    for (int i = 0; i < 20; ++i) w.server.client().put("noise", std::to_string(i));
    w.server.client().compact(w.server.client().revision());
  }
  observe_for(w.p, 200ms, [] { return true; });
  CHECK_FALSE(won.done());
  auto const begin = std::chrono::steady_clock::now();
  w.proxy.pass();
  w.proxy.release();
  REQUIRE(w.p.until([&] { return won.done(); }, 5s));
  CHECK(since(begin) < 2500ms);
  w.show();
  CHECK(won.result.valid());
}

TEST_CASE("etcd faults: an endpoint where streams begin and stay silent is left for another one", "[S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_cluster cluster(3);
  fault_proxy proxy(cluster.member(0).client_port());
  etcd_process p;
  auto how = p.options({proxy.url(), cluster.member(1).url()}, 6s);
  how.timing.renew_every = 500ms;
  how.timing.request_timeout = 700ms;  // longer than a period: a renewal must not put the probe off
  how.prefix = prefix;
  auto e = p.make_elector(p.make_store(how), "A");
  auto term = p.win(e);
  REQUIRE(p.until([&] { return proxy.counters().requests_to("/v3/watch") == 1; }));
  observe_for(p, 200ms, [] { return true; });
  proxy.stall();  // the streams there are; new connections work
  auto const key = cluster.member(1).client().list(prefix + "leader/").at(0);
  cluster.member(1).client().del(key.key);
  auto const begin = std::chrono::steady_clock::now();
  REQUIRE(p.until([&] { return !term.valid(); }, 6s));
  for (auto const& line : p.lines) UNSCOPED_INFO(line);
  std::cout << "key deleted behind a silent stream (prefix '" << prefix << "'): noticed after " << since(begin).count()
            << " ms (renewals every 500)\n";
  CHECK(term.ended().how() == end_of_term::lost);
  CHECK(since(begin) < 3s);
}

TEST_CASE("etcd faults: who sees no watch for as long as a lease is trusted gives the term up", "[S5][etcd]") {
  watched w;
  w.how = w.p.options({w.proxy.url()}, 4s);
  persistent a(w.p, w.p.make_store(w.how), "A");
  REQUIRE(w.p.until([&] { return a.valid(); }));
  w.break_streams();
  REQUIRE(w.p.until([&] { return a.ended > 0; }, 15s));
  w.show();
  std::cout << "no watch can be opened: term given up: " << a.ends.front() << "\n";
  w.proxy.pass();
  w.proxy.release();
  CHECK(w.p.until([&] { return a.valid(); }, 15s));
  CHECK(a.trouble == error_code());
}

TEST_CASE("etcd faults: an observer misses nothing that matters while its watch is broken and the store forgets",
          "[S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  watched w;
  w.how.prefix = prefix;
  auto direct = w.p.options({w.server.url()});
  direct.prefix = prefix;
  auto leads = w.p.make_elector(w.p.make_store(direct), "A");
  auto term = w.p.win(leads);
  auto observer = w.p.make_elector(w.p.make_store(w.how), "O");
  auto seen = w.p.look(observer);
  catcher<sighting> change;
  observer.watch(seen, change.handler());
  REQUIRE(w.p.until([&] { return w.streams() >= 1; }));
  observe_for(w.p, 200ms, [] { return true; });
  auto const before = w.streams();
  w.break_streams();
  REQUIRE(w.p.until([&] { return w.streams() > before; }));
  CHECK(w.p.resign(term) == error_code());
  auto again = w.p.win(leads);
  w.server.client().put("noise", "1");
  w.server.client().compact(w.server.client().revision());
  w.proxy.pass();
  w.proxy.release();
  REQUIRE(w.p.until([&] { return change.done(); }, 5s));
  w.show();
  REQUIRE(change.result);
  CHECK(change.result->fencing_token() == again.fencing_token());
}
