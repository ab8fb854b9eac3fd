// Answers that no etcd gives, or only a broken one: a failed try each, never a term, never the end of the program.
#include "fake_etcd.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

struct bad_answer {
  char const* name;
  int status;
  std::string text;
};

/// `H` stands for a good header.
std::vector<bad_answer> const& bad_answers() {
  static std::vector<bad_answer> const all{
      {"nothing", 200, ""},
      {"half", 200, R"({"header":{"cluster_id":"7001","rev)"},
      {"an empty object", 200, "{}"},
      {"an array", 200, "[]"},
      {"null", 200, "null"},
      {"a page", 200, "<html>It works!</html>"},
      {"a header that is none", 200, R"({"header":7})"},
      {"a result without anything", 200, R"({"result":{}})"},
      {"numbers that are none", 200,
       R"({"header":{"cluster_id":"7001","revision":"x","raft_term":"2"},"ID":"y","TTL":"z"})"},
      {"numbers too large", 200,
       R"({"header":{"cluster_id":"7001","revision":"99999999999999999999","raft_term":"2"}})"},
      {"success without responses", 200,
       R"({"header":{"cluster_id":"7001","revision":"99","raft_term":"2"},"succeeded":true})"},
      {"responses of another kind", 200,
       R"({"header":{"cluster_id":"7001","revision":"99","raft_term":"2"},"succeeded":true,"responses":[{},{}]})"},
      {"a kv without key", 200,
       R"({"header":{"cluster_id":"7001","revision":"99","raft_term":"2"},"responses":[{"response_range":{"kvs":[{}]}}]})"},
      {"an error that says 200", 200, R"({"error":{"grpc_code":14,"message":"etcdserver: no leader"}})"},
      {"nothing, with 500", 500, ""},
      {"a proxy's page", 502, "<html>Bad Gateway</html>"},
      {"not found", 404, "404 page not found\n"},
      {"a redirect", 302, ""},
      {"code without sense", 418, R"({"code":99,"message":"teapot"})"},
      {"code beyond int", 500, R"({"code":99999999999999,"message":"big"})"},
      {"a megabyte", 200, std::string(1'000'000, 'x')},
      {"depth", 200, std::string(100'000, '[')},
      {"text that is not UTF-8", 200, "{\"header\":\"\xff\xfe\"}"},
  };
  return all;
}

struct kind {
  char const* name;
  call_test fits;
};

std::vector<kind> const& kinds() {
  static std::vector<kind> const all{
      {"the grant", [](fake_call const& c) { return c.path == "/v3/lease/grant" && c.body.at("TTL") != "1"; }},
      {"the grant that asks for the least ttl",
       [](fake_call const& c) { return c.path == "/v3/lease/grant" && c.body.at("TTL") == "1"; }},
      {"the first keys", [](fake_call const& c) { return puts_key(c, "/anchor") && puts_key(c, "/generation"); }},
      {"the campaign", is_campaign},
      {"the search for the predecessor", is_search},
      {"the verification", is_verification},
      {"the watch", to_path("/v3/watch")},
      {"the keep-alive", to_path("/v3/lease/keepalive")},
      {"the anchor put", is_anchor_put},
  };
  return all;
}

/// As if the server had not seen the request, or as if it had.
std::function<void(fake_call&)> answer_with(bad_answer const& bad, bool carried_out) {
  return [&bad, carried_out](fake_call& c) {
    c.execute = carried_out;
    c.text = bad.text;
    c.status = bad.status;
  };
}

/// Two candidates in turn, while two calls of each kind are answered so.
void elections_go_on(std::vector<bad_answer> const& answers) {
  auto const carried_out = GENERATE(false, true);
  for (auto const& call : kinds()) {
    for (auto const& bad : answers) {
      INFO(call.name << ": " << bad.name << ", carried out " << carried_out);
      etcd_scene s(1, "app/");
      auto a = s.make_elector("A"), b = s.make_elector("B");
      // The cluster is known: what looks like another server is trouble that passes.
      for (auto* const e : {&a, &b}) {
        catcher<sighting> seen;
        e->leader(seen.handler());
        REQUIRE(s.until([&] { return seen.done(); }));
      }
      s.etcd->when(call.fits, answer_with(bad, carried_out), 2);
      catcher<leadership> first, second;
      a.campaign(first.handler());
      REQUIRE(s.until([&] { return first.done(); }));
      CHECK(*first.ec == error_code());
      CHECK(first.result.valid());
      b.campaign(second.handler());
      s.run(15s);  // several renewals
      CHECK_FALSE((first.result.valid() && second.result.valid()));
      catcher<void> resigned;
      first.result.resign(resigned.handler());
      REQUIRE(s.until([&] { return second.done(); }, 1min));
      CHECK(*second.ec == error_code());
      CHECK(second.result.valid());
      CHECK(s.standing() <= 1);
    }
  }
}

}  // namespace

TEST_CASE("etcd garbage: each call answered badly; both candidates are elected in the end, one at a time",
          "[H2][H5][H6][etcd]") {
  elections_go_on(bad_answers());
}

TEST_CASE("etcd garbage: a header that names no cluster, or a time before all time, is no answer either",
          "[H5][etcd]") {
  static std::vector<bad_answer> const headers{
      {"a header without numbers", 200, R"({"header":{}})"},
      {"no cluster", 200, R"({"header":{"revision":"99","raft_term":"2"},"ID":"1","TTL":"9"})"},
      {"a revision below 0", 200,
       R"({"header":{"cluster_id":"7001","revision":"-9","raft_term":"2"},"ID":"-1","TTL":"-1"})"},
  };
  elections_go_on(headers);
}

TEST_CASE("etcd garbage R12: renewals answered badly do not move the deadline, and one good one does",
          "[H2][H5][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  for (auto const& bad : bad_answers()) {
    for (bool const anchor : {false, true}) {
      INFO(bad.name << (anchor ? ", the put" : ", the keep-alive"));
      etcd_scene s(1, prefix);
      auto e = s.make_elector("A");
      auto term = s.win(e);
      auto const deadline = s.world.now() + term.remaining();
      auto const fits = anchor ? call_test(is_anchor_put) : to_path("/v3/lease/keepalive");
      s.etcd->when(fits, answer_with(bad, false), 2);
      s.run(4s);
      REQUIRE(s.etcd->calls_to("/v3/lease/keepalive").size() >= 2);
      CHECK(s.logged("renew failed"));
      CHECK(term.valid());
      s.run(3s);
      CHECK(term.valid());
      CHECK(s.world.now() + term.remaining() > deadline);
    }
  }
}

TEST_CASE("etcd garbage: before the first good answer, what is not etcd ends the campaign", "[H1][H3][etcd]") {
  for (auto const& [text, status, expected] :
       {std::tuple("<html>", 200, errc::bad_response), std::tuple("{}", 200, errc::bad_response),
        std::tuple("404 page not found", 404, errc::not_found), std::tuple("", 301, errc::bad_response)}) {
    etcd_scene s;
    s.etcd->always([](fake_call const&) { return true; },
                   [text = text, status = status](fake_call& c) {
                     c.execute = false;
                     c.text = text;
                     c.status = status;
                   });
    auto e = s.make_elector("A");
    catcher<leadership> won;
    e.campaign(won.handler());
    REQUIRE(s.until([&] { return won.done(); }, 5s));
    CHECK(*won.ec == expected);
  }
}
