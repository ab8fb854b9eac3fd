// Many watches on one WebSocket of a real etcd; proxies that know none, sockets that fall silent, members that are killed.
#include "fault_place.hpp"
#include "resident.hpp"
#include "stores/etcd/watches.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

/// What one watch was told.
struct listener final : stores::etcd::watch_listener {
  std::vector<std::int64_t> heard;
  int gaps = 0;
  void on_event(wire::etcd::watch_event const& what) override { heard.push_back(what.kv.mod_revision); }
  void on_gap() override { ++gaps; }
  void on_refused(outcome const&) override {}
};

/// The watches of a store, without elections.
struct watching {
  explicit watching(etcd_process& p, std::vector<std::uint16_t> const& ports) : io(p.io) {
    for (auto const port : ports) how.endpoints.push_back({false, "127.0.0.1", port});
    how.network = http::real_network();
    context = store_context::make(io.get_executor(), environment::real(), p.log());
    client.emplace(context, std::move(how), [] {});
    lease_timing asked;
    asked.ttl = 6s;
    times = rules::derive(asked, {15s, 1s, 1s, 24h});
    all.emplace(*client, times, "");
  }
  ~watching() { handles.clear(); }
  void watch(std::string const& key, std::int64_t from) {
    auto& to = *listeners.emplace_back(std::make_unique<listener>());
    handles.push_back(all->subscribe(wire::etcd::key_range::one(key), from, false, to));
  }
  bool see() const {
    return std::all_of(handles.begin(), handles.end(), [](auto const& h) { return !h->blind_since(); });
  }

  boost::asio::io_context& io;
  stores::etcd::client_options how;
  std::shared_ptr<store_context> context;
  rules::timings times;
  std::optional<stores::etcd::etcd_client> client;
  std::optional<stores::etcd::watches> all;
  std::vector<std::unique_ptr<listener>> listeners;
  std::vector<std::unique_ptr<stores::etcd::watch_handle>> handles;
};

etcd_store_options short_limits(etcd_process& p, std::vector<std::string> endpoints, std::string prefix = {}) {
  auto how = p.options(std::move(endpoints), 6s);
  how.timing.renew_every = 500ms;
  how.timing.request_timeout = 500ms;
  how.prefix = std::move(prefix);
  return how;
}

}  // namespace

TEST_CASE("etcd socket: a thousand watches share one connection, and each hears of its own key", "[L5][etcd]") {
  constexpr std::size_t how_many = 1'000;
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  watching w(p, {proxy.port()});
  auto const from = server.client().revision() + 1;
  auto const memory = resident_kib();
  auto const begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < how_many; ++i) w.watch("leader/" + std::to_string(i) + "/7d7ba1fd692bcc64", from);
  REQUIRE(p.until([&] { return w.see(); }));
  std::cout << how_many << " watches on a socket: " << since(begin).count() << " ms, "
            << (resident_kib() - memory) * 1024 / how_many << " bytes each, " << proxy.counters().accepted
            << " connections\n";
  CHECK(proxy.counters().accepted == 1);
  for (std::size_t i = 0; i < how_many; i += 100)
    server.client().put("leader/" + std::to_string(i) + "/7d7ba1fd692bcc64", "x");
  auto const count = [&] {
    return std::count_if(w.listeners.begin(), w.listeners.end(), [](auto const& l) { return l->heard.size() == 1; });
  };
  REQUIRE(p.until([&] { return count() == 10; }));
  for (std::size_t i = 0; i < how_many; ++i) CHECK(w.listeners[i]->heard.size() == (i % 100 == 0 ? 1 : 0));

  // All resume after a break, where they were.
  proxy.reset_all();
  auto const cut = std::chrono::steady_clock::now();
  REQUIRE(p.until([&] { return !w.see(); }));
  server.client().put("leader/1/7d7ba1fd692bcc64", "y");
  REQUIRE(p.until([&] { return w.see() && w.listeners[1]->heard.size() == 1; }));
  std::cout << "resumed in " << since(cut).count() << " ms\n";
  for (auto const& l : w.listeners) CHECK(l->gaps == 0);

  // And end one by one, the last one with its connection.
  auto const watchers = [&] {
    auto const page = http_get(server.client_port(), "/metrics").text;
    auto const at = page.find("\netcd_debugging_mvcc_watcher_total ");
    return at == page.npos ? -1 : std::stoi(page.substr(at + 35));
  };
  auto const settled_at = [&](int wanted) {
    p.until([&] { return watchers() == wanted; }, 30s);
    return watchers();
  };
  CHECK(watchers() == how_many);
  w.handles.resize(10);
  CHECK(settled_at(10) == 10);
  w.handles.clear();
  CHECK(settled_at(0) == 0);
}

TEST_CASE("etcd socket: who has nothing to watch any more takes leave, as etcd wants it, unless it soon has",
          "[etcd]") {
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  auto e = p.make_elector(p.make_store(p.options({proxy.url()})), "A");
  auto const sockets = [&] { return proxy.counters().requests_to("/v3/watch"); };
  for (int i = 0; i < 3; ++i) {
    auto term = p.win(e);
    observe_for(p, 50ms, [] { return true; });
    CHECK(p.resign(term) == error_code());
  }
  REQUIRE(p.until([&] { return sockets() >= 1; }));
  auto const before = sockets();
  observe_for(p, 500ms, [] { return true; });
  auto term = p.win(e);
  REQUIRE(p.until([&] { return sockets() == before + 1; }));
  CHECK(p.resign(term) == error_code());
  observe_for(p, 500ms, [] { return true; });
  CHECK(server.log().find("abnormal closure") == std::string::npos);  // what it logs of rude clients
}

TEST_CASE("etcd socket: behind a proxy that refuses upgrades everything works as before", "[H1][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_server server;
  fault_proxy proxy(server.client_port());
  proxy.refuse_upgrades();
  etcd_process p;
  auto first = p.make_elector(p.make_store(short_limits(p, {proxy.url()}, prefix)), "A");
  auto second = p.make_elector(p.make_store(short_limits(p, {proxy.url()}, prefix)), "B");
  auto term = p.win(first);
  catcher<leadership> won;
  second.campaign(won.handler());
  REQUIRE(p.until([&] { return server.client().list(prefix + "leader/").size() == 2; }));
  CHECK(observe_for(p, 2s, [&] { return term.valid(); }));
  CHECK(p.logged("HTTP status 426"));
  auto const begin = std::chrono::steady_clock::now();
  CHECK(p.resign(term) == error_code());
  REQUIRE(p.until([&] { return won.done(); }, 1s));
  CHECK(since(begin) < 1s);
  auto const key = server.client().list(prefix + "leader/").at(0).key;
  server.client().del(key);
  CHECK(p.until([&] { return !won.result.valid(); }, 1s));
}

TEST_CASE("etcd socket: a proxy that swallows upgrades is found out before the term is in danger", "[N3][etcd]") {
  etcd_server server;
  fault_proxy proxy(server.client_port());
  auto const upgrades = [](proxy_request const& r) { return r.path == "/v3/watch" && r.body.empty(); };
  proxy.hold_request(upgrades, 1'000);
  etcd_process p;
  auto e = p.make_elector(p.make_store(short_limits(p, {proxy.url()})), "A");
  auto term = p.win(e);
  auto const key = server.client().list("leader/").at(0).key;
  observe_for(p, 2s, [] { return true; });
  CHECK(term.valid());
  auto const begin = std::chrono::steady_clock::now();
  server.client().del(key);
  REQUIRE(p.until([&] { return !term.valid(); }, 5s));
  CHECK(since(begin) < 300ms);
}

TEST_CASE("etcd socket: one that falls silent is left in time by who only observes, too", "[N3][S5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  auto leads = p.make_elector(p.make_store(short_limits(p, {server.url()}, prefix)), "A");
  auto term = p.win(leads);
  auto observer = p.make_elector(p.make_store(short_limits(p, {proxy.url()}, prefix)), "O");
  auto const seen = p.look(observer);
  catcher<sighting> change;
  observer.watch(seen, change.handler());
  REQUIRE(p.until([&] { return proxy.counters().requests_to("/v3/watch") == 1; }));
  CHECK(observe_for(p, 2s, [&] { return !change.done(); }));
  CHECK(proxy.counters().requests_to("/v3/watch") == 1);  // it has been alive all the time
  proxy.stall();
  CHECK(p.resign(term) == error_code());
  auto const begin = std::chrono::steady_clock::now();
  REQUIRE(p.until([&] { return change.done(); }, 10s));
  std::cout << "an observer's socket falls silent (prefix '" << prefix << "'): noticed after " << since(begin).count()
            << " ms (probes every 625, limit 500)\n";
  CHECK(since(begin) < 2500ms);
}

TEST_CASE("etcd socket: a member is killed, and its watches go on at another one", "[S5][etcd]") {
  etcd_cluster cluster(3);
  etcd_process p;
  watching w(p, {cluster.member(0).client_port(), cluster.member(1).client_port(), cluster.member(2).client_port()});
  auto const from = cluster.member(1).client().revision() + 1;
  for (int i = 0; i < 200; ++i) w.watch("k" + std::to_string(i), from);
  REQUIRE(p.until([&] { return w.see(); }));
  observe_for(p, 1100ms, [] { return true; });
  auto const begin = std::chrono::steady_clock::now();
  cluster.member(0).kill();
  auto const client = cluster.member(1).client();
  REQUIRE(p.until([&] {
    try {
      client.put("k7", "x");
      return true;
    } catch (std::exception const&) {
      return false;
    }
  }));
  auto const written = std::chrono::steady_clock::now();
  REQUIRE(p.until([&] { return w.see() && !w.listeners[7]->heard.empty(); }, 15s));
  std::cout << "200 watches after their member was killed: an event came " << since(begin).count() << " ms after that, "
            << since(written).count() << " ms after the put\n";
  CHECK(since(written) < 2s);
  for (std::size_t i = 0; i < 200; ++i) CHECK(w.listeners[i]->heard.empty() == (i != 7));
  CHECK(std::none_of(w.listeners.begin(), w.listeners.end(), [](auto const& l) { return l->gaps > 0; }));
}

TEST_CASE("etcd socket: a member that is stopped is left for another one", "[S5][etcd]") {
  etcd_cluster cluster(3);
  auto const raft = cluster.wait_for_leader();
  auto const stops = (raft + 1) % 3;
  etcd_process p;
  auto how = short_limits(p, {cluster.member(stops).url(), cluster.member(raft).url()});
  auto e = p.make_elector(p.make_store(how), "A");
  auto term = p.win(e);
  observe_for(p, 1s, [] { return true; });
  cluster.member(stops).stop();
  auto const begin = std::chrono::steady_clock::now();
  auto const key = cluster.member(raft).client().list("leader/").at(0).key;
  cluster.member(raft).client().del(key);
  REQUIRE(p.until([&] { return !term.valid(); }, 6s));
  std::cout << "own key deleted while the socket's member is stopped: noticed after " << since(begin).count()
            << " ms\n";
  CHECK(since(begin) < 3s);
  CHECK(term.ended().how() == end_of_term::lost);
  cluster.member(stops).cont();
}

TEST_CASE("etcd socket: what is compacted while it is broken is a gap for each watch, and they go on", "[S5][etcd]") {
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  watching w(p, {proxy.port()});
  auto const from = server.client().revision() + 1;
  for (int i = 0; i < 50; ++i) w.watch("k" + std::to_string(i), from);
  REQUIRE(p.until([&] { return w.see(); }));
  proxy.refuse();
  proxy.reset_all();
  REQUIRE(p.until([&] { return !w.see(); }));
  for (int i = 0; i < 20; ++i) server.client().put("k1", std::to_string(i));
  server.client().compact(server.client().revision());
  proxy.pass();
  auto const told = [&] {
    return std::all_of(w.listeners.begin(), w.listeners.end(), [](auto const& l) { return l->gaps == 1; });
  };
  REQUIRE(p.until([&] { return told() && w.see(); }));
  server.client().put("k1", "z");
  REQUIRE(p.until([&] { return w.listeners[1]->heard.size() == 1; }));
  CHECK(std::all_of(w.listeners.begin(), w.listeners.end(), [](auto const& l) { return l->gaps == 1; }));
}
