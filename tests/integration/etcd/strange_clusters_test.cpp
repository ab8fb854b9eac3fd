// Clusters that are mixed up, come back without their past, or have no room left: no token ever repeats.
#include "secrets.hpp"
#include <filesystem>

using namespace coelect;
using namespace coelect::test;

namespace {

etcd_options quick(std::vector<std::string> flags = {}) {
  etcd_options how;
  how.quick = true;
  how.flags = std::move(flags);
  return how;
}

void run_for(discreet_process& p, std::chrono::milliseconds how_long, std::function<bool()> const& unless) {
  auto const end = std::chrono::steady_clock::now() + how_long;
  p.until([&] { return unless() || std::chrono::steady_clock::now() > end; }, how_long + 1s);
}

/// The same member with the same name and ports, and nothing that it knew.
void lose_data(etcd_server& server) {
  server.kill();
  std::filesystem::remove_all(server.directory() / "data");
  server.start();
}

}  // namespace

TEST_CASE("etcd clusters: R10 of two clusters among the endpoints the first one is used, and the mistake is logged",
          "[N11][etcd][strange]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_server first(quick()), second(quick());
  fault_proxy way(first.client_port());
  discreet_process p;
  auto how = p.options({way.url(), second.url()}, 6s);
  how.prefix = prefix;
  auto a = p.make_elector(p.make_store(how), "A");
  auto term = p.win(a);
  REQUIRE(term.valid());
  for (int i = 0; i < 3; ++i) {
    way.reset_all();
    way.next_connection_cut(direction::request, 0, ending::rst);
    run_for(p, 2500ms, [&] { return !term.valid(); });
  }
  INFO(p.log());
  CHECK(term.valid());
  CHECK(p.times_logged(second.endpoint() + ": another cluster") == 1 + p.times_logged("watch at " + second.endpoint()));
  CHECK(p.lines.size() < 60);
  CHECK(second.client().list(prefix.empty() ? "leader/" : prefix).empty());
  CHECK(first.client().list(prefix + "leader/").size() == 1);
  CHECK(p.resign(term) == error_code());
}

TEST_CASE("etcd clusters: R10 a candidate that waits survives a moment in which only another cluster answers",
          "[N11][etcd][strange]") {
  etcd_server first(quick()), second(quick());
  fault_proxy way(first.client_port());
  discreet_process p;
  auto const how = p.options({way.url(), second.url()}, 6s);
  auto holder = p.make_elector(p.make_store(p.options({first.url()}, 6s)), "H");
  auto a = p.make_elector(p.make_store(how), "A");
  auto term = p.win(holder);
  catcher<leadership> won;
  a.campaign(won.handler());
  REQUIRE(p.until([&] { return first.client().list("leader/").size() == 2; }));
  way.refuse();
  way.reset_all();
  run_for(p, 3s, [&] { return won.done(); });
  INFO(p.said_by(a));
  CHECK(p.logged("another cluster"));
  CHECK_FALSE(won.done());
  way.pass();
  CHECK(p.resign(term) == error_code());
  REQUIRE(p.until([&] { return won.done(); }, 15s));
  CHECK(won.result.valid());
  CHECK(second.client().list("leader/").empty());
}

TEST_CASE("etcd clusters: R10 a cluster that lost its data ends the term, and no smaller token follows",
          "[S9][etcd][strange]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  INFO("prefix '" << prefix << "'");
  etcd_server server(quick());
  for (int i = 0; i < 50; ++i) server.client().put("some/key", "v");
  discreet_process p;
  auto how = p.options({server.url()}, 6s);
  how.prefix = prefix;
  auto a = p.make_elector(p.make_store(how), "A");
  auto b = p.make_elector(p.make_store(how), "B");
  auto term = p.win(a);
  REQUIRE(term.fencing_token() > 50);
  catcher<leadership> waiting;
  b.campaign(waiting.handler());
  REQUIRE(p.until([&] { return server.client().list(prefix + "leader/").size() == 2; }));
  lose_data(server);
  REQUIRE(p.until([&] { return static_cast<bool>(term.ended()); }, 8s));
  CHECK(term.ended().how() != end_of_term::resigned);
  REQUIRE(p.until([&] { return waiting.done(); }, 15s));
  CHECK(*waiting.ec == errc::store_reset);
  CHECK_FALSE(waiting.result.valid());
  CHECK(p.campaign_error(a) == errc::store_reset);
  CHECK_THAT(p.said_by(a), ContainsSubstring("restored or recreated"));
}

TEST_CASE("etcd clusters: no room left; who leads stays, and nobody new comes", "[S4][etcd][strange][slow]") {
  etcd_server server(quick({"--quota-backend-bytes", "4000000"}));
  discreet_process p;
  auto const how = p.options({server.url()}, 6s);
  auto a = p.make_elector(p.make_store(how), "A");
  auto b = p.make_elector(p.make_store(how), "B");
  auto term = p.win(a);
  REQUIRE(term.valid());
  auto const fill = [&] {
    for (int i = 0; i < 20; ++i) server.client().put("filler/" + std::to_string(i), std::string(500'000, 'x'));
  };
  CHECK_THROWS_WITH(fill(), ContainsSubstring("space exceeded"));
  catcher<leadership> won;
  b.campaign(won.handler());
  run_for(p, 8s, [&] { return !term.valid() || won.done(); });
  CHECK_FALSE(won.done());
  CHECK_THAT(p.said_by(b), ContainsSubstring("space exceeded"));
  CHECK(p.times_logged("trouble") <= 3);
  INFO(p.said_by(term));
  CHECK(term.valid());
  // Room again: b takes part.
  for (int i = 0; i < 20; ++i) server.client().del("filler/" + std::to_string(i));
  server.client().compact(server.client().revision());
  etcdctl({"--endpoints", server.url(), "defrag"});
  etcdctl({"--endpoints", server.url(), "alarm", "disarm"});
  REQUIRE(p.until([&] { return server.client().list("leader/").size() == 2 || won.done(); }, 15s));
}
