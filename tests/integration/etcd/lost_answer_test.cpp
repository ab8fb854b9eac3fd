// Each request's answer is lost once: there is one leader with one key all the same, and none is left in the end.
#include "fault_place.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

struct loss {
  char const* name;
  request_test fits;
};

std::vector<loss> losses() {
  auto const grant_of = [](char const* ttl) {
    return [ttl = std::string("\"TTL\":\"") + ttl + "\""](proxy_request const& r) {
      return r.path == "/v3/lease/grant" && r.body.find(ttl) != r.body.npos;
    };
  };
  using shape = txn_shape const&;
  auto const leaders = [](shape t) { return t.any(t.put, "leader/") || t.any(t.erased, "leader/"); };
  auto const anchor = [](shape t) { return t.any(t.put, "/anchor"); };
  auto const generation = [](shape t) { return t.any(t.put, "/generation"); };
  return {
      {"grant", grant_of("6")},
      {"slack grant", grant_of("1")},
      {"furnish", is_txn([=](shape t) { return anchor(t) && generation(t); })},
      {"campaign", is_campaign("leader/")},
      {"verify", is_txn([=](shape t) { return t.any(t.erased, "/nothing") && t.any(t.compared, "leader/"); })},
      {"keep-alive", is_path("/v3/lease/keepalive")},
      {"anchor", is_txn([=](shape t) { return anchor(t) && !generation(t) && t.compared.empty(); })},
      {"proclaim", is_txn([=](shape t) { return leaders(t) && t.compared.size() == 2 && !t.any(t.compared, "/gen"); })},
      {"resign", is_txn([=](shape t) { return t.any(t.erased, "leader/"); })},
      {"watch", is_path("/v3/watch")},
  };
}

etcd_store_options lively(etcd_process& p, std::string const& url) {
  auto how = p.options({url}, 6s);
  how.timing.renew_every = 200ms;
  how.timing.request_timeout = 700ms;
  how.timing.retry_min = 10ms;
  how.timing.retry_max = 100ms;
  return how;
}

}  // namespace

TEST_CASE("etcd faults: an answer that is lost costs a retry: one leader, one key, growing tokens, none left",
          "[N5][N6][N7][etcd]") {
  auto const ending = GENERATE(ending::rst, ending::fin, ending::stall);
  etcd_server server;
  fault_proxy proxy(server.client_port());
  std::uint64_t last = 0;
  for (auto const& what : losses()) {
    INFO("lost: the answer to " << what.name << ", ending " << static_cast<int>(ending));
    etcd_process p;
    auto first = p.make_elector(p.make_store(lively(p, server.url())), "A");
    auto before = p.win(first);
    auto e = p.make_elector(p.make_store(lively(p, proxy.url())), "B");
    auto const lost_before = proxy.counters().lost;
    proxy.lose_reply(what.fits, 1, ending);
    catcher<leadership> won;
    e.campaign(won.handler());
    REQUIRE(p.until([&] { return server.client().list("leader/").size() == 2; }));
    CHECK(before.fencing_token() > last);
    CHECK(p.resign(before) == error_code());
    REQUIRE(p.until([&] { return won.done(); }));
    CHECK(*won.ec == error_code());
    auto& term = won.result;
    REQUIRE(term.valid());
    CHECK(term.fencing_token() > before.fencing_token());
    auto const keys = server.client().list("leader/");
    REQUIRE(keys.size() == 1);
    CHECK(term.fencing_token() == static_cast<std::uint64_t>(keys[0].create_revision));
    last = term.fencing_token();
    catcher<void> published;
    term.proclaim("new", published.handler());
    REQUIRE(p.until([&] { return published.done(); }));
    bool const told = *published.ec == error_code();
    bool const of_proclaim = std::string_view(what.name) == "proclaim";
    CHECK((told || (of_proclaim && *published.ec == cond::transient)));
    CHECK(p.look(e)->value() == "new");
    if (std::string_view(what.name) != "resign")
      CHECK(p.until([&] { return proxy.counters().lost == lost_before + 1; }, 3s));
    // Two more renewals.
    auto const renewed = proxy.counters().requests_to("/v3/lease/keepalive");
    CHECK(p.until([&] { return proxy.counters().requests_to("/v3/lease/keepalive") >= renewed + 2; }, 3s));
    CHECK(term.valid());
    auto const how = p.resign(term);
    bool const of_resign = std::string_view(what.name) == "resign";
    CHECK((how == error_code() || (of_resign && how == cond::transient)));
    CHECK(proxy.counters().lost == lost_before + 1);
    CHECK(p.until([&] { return server.client().list("leader/").empty(); }, 8s));
    proxy.pass();
  }
}

TEST_CASE("etcd faults: a key whose removal failed is removed with the next renewal, while others keep the lease",
          "[N7][etcd]") {
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  auto const where = p.make_store(lively(p, proxy.url()));
  auto other = p.make_elector(where, "A", "other");
  auto const keeps_the_lease = p.win(other);
  for (int i = 0; i < 10; ++i) {
    auto const election = "leader" + std::to_string(i);  // the last one may not be given back yet
    auto e = p.make_elector(where, "A", election);
    auto term = p.win(e);
    auto const lease = server.client().list(election + "/").at(0).lease;
    proxy.refuse();
    proxy.reset_all();
    CHECK(p.resign(term) == cond::transient);
    CHECK(server.client().list(election + "/").size() == 1);
    proxy.pass();
    auto const begin = std::chrono::steady_clock::now();
    auto const renewals = [&] { return proxy.counters().requests_to("/v3/lease/keepalive"); };
    auto const renewed = renewals();
    bool const gone = p.until([&] { return server.client().list(election + "/").empty(); }, 3s);
    INFO("round " << i << ": after " << since(begin).count() << " ms and " << renewals() - renewed << " renewals");
    CHECK(gone);
    CHECK(server.client().time_to_live(lease) > 0);
    CHECK(keeps_the_lease.valid());
  }
}

TEST_CASE("etcd faults: after a resignation in doubt the lease is given back, and the same candidate leads again soon",
          "[N7][etcd]") {
  auto const ending = GENERATE(ending::rst, ending::stall);
  etcd_server server;
  fault_proxy proxy(server.client_port());
  etcd_process p;
  auto how = lively(p, proxy.url());
  how.timing.ttl = 15s;
  auto e = p.make_elector(p.make_store(how), "A");
  auto term = p.win(e);
  // The request does not even arrive; on a new connection, so there is no silent second try.
  proxy.finish_all();
  REQUIRE(p.until([&] { return proxy.counters().open >= 2; }));
  proxy.next_connection_cut(direction::request, 40, ending, 2);
  proxy.cut(direction::request, 1, ending);
  auto const begin = std::chrono::steady_clock::now();
  auto const code = p.resign(term);
  proxy.pass();
  auto again = p.win(e, 8s);
  CHECK(again.valid());
  std::cout << "resignation cut (" << (ending == ending::rst ? "rst" : "stall") << "): " << code.message()
            << "; the same candidate leads again after " << since(begin).count() << " ms (ttl 15000)\n";
  CHECK(since(begin) < 4s);
}
