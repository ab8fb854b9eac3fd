// Settings that cannot be meant, and servers that are not what they should be: what is said, and how soon.
#include "secrets.hpp"
#include "support/scripted_server.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

etcd_store_options at(std::string url) { return etcd_process::options({std::move(url)}); }

std::string url_refusal(discreet_process& p, std::string const& url, store_settings how = {}) {
  try {
    auto const made = open_store(p.io.get_executor(), url, std::move(how));
    FAIL(url << " is taken for " << made->describe());
  } catch (election_error const& e) {
    CHECK(e.code() == errc::bad_options);
    return p.heard(e.details().message());
  }
  return {};
}

/// The campaign fails for good, soon.
std::string fatal(discreet_process& p, elector& e, errc expected) {
  auto const begin = std::chrono::steady_clock::now();
  CHECK(p.campaign_error(e, 8s) == expected);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  return p.said_by(e);
}

scripted_server::script always(std::string answer) {
  return [answer = std::move(answer)](scripted_peer& peer) {
    for (;;) {
      peer.read_request();
      peer.write(answer);
    }
  };
}

std::string page(std::string const& status, std::string const& body, std::string const& fields = {}) {
  return "HTTP/1.1 " + status + "\r\nContent-Type: text/html\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

etcd_options slow_to_vote() {
  etcd_options how;
  how.flags = {"--heartbeat-interval", "500", "--election-timeout", "5000"};
  return how;
}

}  // namespace

TEST_CASE("etcd settings: a URL may name several servers, and none is lost", "[etcd][settings]") {
  discreet_process p;
  auto const described = [&](std::string const& url) { return open_store(p.io.get_executor(), url)->describe(); };
  CHECK(described("etcd://h1:2379,h2:2380/p") == "etcd://h1:2379,h2:2380/p/");
  CHECK(described("etcd://h1,h2,h3") == "etcd://h1:2379,h2:2379,h3:2379");
  CHECK(described("etcd://[::1]:2379,127.0.0.1:1/a/b/") == "etcd://[::1]:2379,127.0.0.1:1/a/b/");
  CHECK(described("etcds://[2001:db8::1],h2") == "etcds://[2001:db8::1]:2379,h2:2379");
  // And all of them are used: only the last one is there.
  etcd_server server({{}, {}, {}, true});
  auto const url = "etcd://127.0.0.1:" + std::to_string(free_port()) + ",127.0.0.1:" + std::to_string(free_port()) +
                   "," + server.endpoint() + "/p";
  store_settings how;
  how.log = [&p](severity, std::string_view line) { p.lines.emplace_back(line); };
  auto e = p.make_elector(open_store(p.io.get_executor(), url, how), "A");
  CHECK(p.win(e).valid());
}

TEST_CASE("etcd settings: addresses that are none are refused, with what is wrong", "[etcd][settings]") {
  discreet_process p;
  for (auto const* url : {"etcd://h:0", "etcd://h:65536", "etcd://h:x", "etcd://h:", "etcd://h:-1",
                          "etcd://h1:1,h2:x/p", "etcd://[::1]:"})
    CHECK_THAT(url_refusal(p, url), ContainsSubstring("port"));
  for (auto const* url : {"etcd://", "etcd:///p", "etcd://:2379", "etcd://h1,,h2", "etcd://h1,/p", "etcd:/p"})
    CHECK_THAT(url_refusal(p, url), ContainsSubstring("host"));
  for (auto const* url : {"etcd://[::1", "etcd://[::g]:2379", "etcd://[]", "etcd://::1:2379", "etcd://h_1 :2379"})
    CHECK_FALSE(url_refusal(p, url).empty());
  for (auto const& url : {"etcd://user:" + canary + "@h:2379/p", "etcd://h1,user:" + canary + "@h2"})
    CHECK_THAT(url_refusal(p, url), ContainsSubstring("user name"));
  CHECK_FALSE(url_refusal(p, "etcd://h:2379/p?x=1").empty());
  CHECK_FALSE(url_refusal(p, "etcd://h:2379/p#x").empty());

  CHECK_THAT(p.refusal(at("ftp://h")), ContainsSubstring("http"));
  CHECK_THAT(p.refusal(at("http://user:" + canary + "@h")), ContainsSubstring("username"));
  CHECK_FALSE(p.refusal(at("http://h/path")).empty());
  CHECK_FALSE(p.refusal(at("")).empty());
  CHECK_THAT(p.refusal(p.options({})), ContainsSubstring("endpoints"));
  auto how = at("http://h");
  how.prefix = std::string(257, 'x');
  CHECK_THAT(p.refusal(how), ContainsSubstring("prefix"));
  store_settings secret;
  secret.username = "u";
  secret.password = canary;
  CHECK_THAT(url_refusal(p, "memory:", secret), ContainsSubstring("etcd"));
}

TEST_CASE("etcd settings: two ports are refused, not taken for a prefix", "[etcd][settings]") {
  discreet_process p;
  for (auto const* url : {"etcd://h:2379:1", "etcd://h:2379:1/p", "etcd://[::1]x/p", "etcd://h:12x/p"})
    CHECK_FALSE(url_refusal(p, url).empty());
}

TEST_CASE("etcd settings: lease lengths that cannot be", "[etcd][settings]") {
  discreet_process p;
  auto const refused = [&p](lease_timing timing) {
    auto how = at("http://127.0.0.1");
    how.timing = timing;
    return p.refusal(how);
  };
  lease_timing t;
  for (auto const ttl : {1500ms, 15001ms, 999ms}) {
    t.ttl = ttl;
    CHECK_THAT(refused(t), ContainsSubstring("ttl"));
  }
  for (auto const ttl : {-1000ms, 1000ms, 24h + 1000ms}) {
    t.ttl = ttl;
    CHECK_THAT(refused(t), ContainsSubstring("ttl"));
  }
  t.ttl = 2s;
  t.store_slack = 2s;
  CHECK_THAT(refused(t), ContainsSubstring("store_slack"));
}

TEST_CASE("etcd settings: a slack below the cluster's election timeout is refused at every campaign",
          "[etcd][settings]") {
  etcd_server server(slow_to_vote());
  discreet_process p;
  SECTION("the default slack of 1 s") {
    auto const where = p.make_store(at(server.url()));
    auto a = p.make_elector(where, "A");
    auto b = p.make_elector(where, "B", "another");
    CHECK_THAT(fatal(p, a, errc::bad_options), ContainsSubstring("store_slack") && ContainsSubstring("8 s"));
    // Asking again does not make it better.
    CHECK(fatal(p, a, errc::bad_options).find("store_slack") != std::string::npos);
    CHECK(fatal(p, b, errc::bad_options).find("store_slack") != std::string::npos);
    CHECK(server.client().list("leader/").empty());
    REQUIRE(p.until([&] { return server.client().leases().size() <= 1; }));
  }
  SECTION("a slack of one election timeout") {
    auto how = etcd_process::options({server.url()}, 20s);
    how.timing.store_slack = 5s;
    auto e = p.make_elector(p.make_store(how), "A");
    auto term = p.win(e);
    REQUIRE(term.valid());
    CHECK(term.remaining() <= 13s);
  }
  SECTION("a ttl below the server's least one is used as granted, and said") {
    auto how = etcd_process::options({server.url()}, 7s);
    how.timing.store_slack = 5s;
    auto e = p.make_elector(p.make_store(how), "A");
    auto term = p.win(e);
    REQUIRE(term.valid());
    CHECK(term.remaining() <= 1300ms);  // of the ttl asked for
    CHECK(p.logged("8 s instead of 7 s"));
    CHECK(server.client().time_to_live(server.client().list("leader/").at(0).lease) > 5);
  }
}

TEST_CASE("etcd settings: names that nest are refused, naming both", "[etcd][settings]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_server server({{}, {}, {}, true});
  discreet_process p;
  auto how = at(server.url());
  how.prefix = prefix;
  auto inner = p.make_elector(p.make_store(how), "I", "a/b");
  auto outer = p.make_elector(p.make_store(how), "O", "a");
  auto const names_both = [](std::string const& said) {
    CHECK_THAT(said, ContainsSubstring("'a'"));
    CHECK_THAT(said, ContainsSubstring("a/b"));
  };
  SECTION("the inner one leads") {
    auto term = p.win(inner);
    REQUIRE(term.valid());
    names_both(fatal(p, outer, errc::bad_options));
    CHECK(term.valid());
    CHECK(server.client().list(prefix + "a/").size() == 1);
    catcher<sighting> seen;
    outer.leader(seen.handler());
    REQUIRE(p.until([&] { return seen.done(); }));
    CHECK(*seen.ec == errc::bad_options);
    names_both(p.said_by(outer));
  }
  SECTION("the outer one leads, and another one comes") {
    auto third = p.make_elector(p.make_store(how), "T", "a");
    auto term = p.win(outer);
    auto other = p.win(inner);
    CHECK(other.valid());
    names_both(fatal(p, third, errc::bad_options));
    CHECK(term.valid());
  }
}

TEST_CASE("etcd servers: the gateway is off", "[H1][etcd][strange]") {
  etcd_server server({{}, {"--enable-grpc-gateway=false"}, {}, true});
  discreet_process p;
  auto e = p.make_elector(p.make_store(at(server.url())), "A");
  CHECK_THAT(fatal(p, e, errc::not_found), ContainsSubstring("--enable-grpc-gateway"));
  catcher<sighting> seen;
  e.leader(seen.handler());
  REQUIRE(p.until([&] { return seen.done(); }));
  CHECK(*seen.ec == errc::not_found);
}

TEST_CASE("etcd servers: something that is not etcd", "[H1][H4][etcd][strange]") {
  discreet_process p;
  auto const asked = [&p](std::string answer, errc expected) {
    scripted_server server(always(std::move(answer)));
    auto e = p.make_elector(p.make_store(at("http://" + server.name())), "A");
    return fatal(p, e, expected);
  };
  CHECK_THAT(asked(page("200 OK", "<html>It works!</html>"), errc::bad_response), ContainsSubstring("not etcd's"));
  CHECK_THAT(asked(page("200 OK", "{}"), errc::bad_response), ContainsSubstring("not etcd's"));
  CHECK_THAT(asked(page("404 Not Found", "<h1>Not Found</h1>"), errc::not_found), ContainsSubstring("is this etcd?"));
  CHECK_THAT(asked(page("405 Method Not Allowed", ""), errc::not_found), ContainsSubstring("is this etcd?"));
  CHECK_THAT(asked("SSH-2.0-OpenSSH_9.2p1\r\n", errc::bad_response), ContainsSubstring("127.0.0.1"));
}

TEST_CASE("etcd servers: a redirect is not followed", "[H3][etcd][strange]") {
  scripted_server other(always(page("200 OK", "{}")));
  scripted_server server(
      always(page("307 Temporary Redirect", "", "Location: http://" + other.name() + "/v3/kv/txn\r\n")));
  discreet_process p;
  auto e = p.make_elector(p.make_store(at("http://" + server.name())), "A");
  CHECK_THAT(fatal(p, e, errc::bad_response), ContainsSubstring("redirects to") && ContainsSubstring(other.name()));
  CHECK(other.accepted() == 0);
}

TEST_CASE("etcd servers: a host that the server does not want to be", "[H1][etcd][strange]") {
  etcd_server server({{}, {"--host-whitelist", "127.0.0.1"}, {}, true});
  discreet_process p;
  auto e = p.make_elector(p.make_store(at("http://localhost:" + std::to_string(server.client_port()))), "A");
  CHECK_THAT(fatal(p, e, errc::unauthorized), ContainsSubstring("--host-whitelist"));
  auto fine = p.make_elector(p.make_store(at(server.url())), "A");
  CHECK(p.win(fine).valid());
}

TEST_CASE("etcd servers: a candidate waits for one that is not there, and says so once", "[N1][etcd][strange]") {
  etcd_server server({{}, {}, {}, true});
  server.kill();
  discreet_process p;
  auto e = p.make_elector(p.make_store(at(server.url())), "A");
  catcher<leadership> won;
  e.campaign(won.handler());
  // Many tries: the first pauses are 200 ms at most.
  auto const end = std::chrono::steady_clock::now() + 3s;
  p.until([&] { return won.done() || std::chrono::steady_clock::now() > end; }, 5s);
  REQUIRE_FALSE(won.done());
  CHECK(p.times_logged("trouble") == 1);
  CHECK(p.lines.size() <= 4);
  CHECK_THAT(p.said_by(e), ContainsSubstring(server.endpoint()));
  server.start();
  REQUIRE(p.until([&] { return won.done(); }, 15s));
  CHECK(won.result.valid());
}
