// etcd with users: logins, tokens that expire, roles that are too narrow, and settings that change while somebody leads.
#include "secrets.hpp"
#include "support/certificates.hpp"

using namespace coelect;
using namespace coelect::test;
using nlohmann::json;

namespace {

etcd_options cheap_logins(std::vector<std::string> more = {}) {
  etcd_options how;
  how.quick = true;
  how.flags = {"--bcrypt-cost", "4"};
  how.flags.insert(how.flags.end(), more.begin(), more.end());
  return how;
}

void add_user(coelect::test::etcd_client const& at, std::string const& user, std::string const& role,
              std::string const& from, std::string const& to) {
  at.call("auth/role/add", {{"name", role}});
  at.call("auth/role/grant",
          {{"name", role},
           {"perm", {{"permType", "READWRITE"}, {"key", base64_encode(from)}, {"range_end", base64_encode(to)}}}});
  at.call("auth/user/add", {{"name", user}, {"password", canary}});
  at.call("auth/user/grant", {{"user", user}, {"role", role}});
}

/// Users root, app ("app/") and narrow ("other/"), all with the canary as password. Not enabled yet.
void make_users(etcd_server const& server) {
  auto const at = server.client();
  at.call("auth/user/add", {{"name", "root"}, {"password", canary}});
  at.call("auth/user/grant", {{"user", "root"}, {"role", "root"}});
  add_user(at, "app", "for-app", "app/", "app0");
  add_user(at, "narrow", "for-other", "other/", "other0");
}

void enable(etcd_server const& server) { server.client().call("auth/enable", json::object()); }

coelect::test::etcd_client root(etcd_server const& server) {
  return server.client(server.client().authenticate("root", canary));
}

struct guarded_server : etcd_server {
  explicit guarded_server(std::vector<std::string> flags = {}) : etcd_server(cheap_logins(std::move(flags))) {
    make_users(*this);
    enable(*this);
  }
};

etcd_store_options as(std::string user, std::vector<std::string> endpoints, std::chrono::seconds ttl = 15s) {
  auto how = etcd_process::options(std::move(endpoints), ttl);
  how.prefix = "app/";
  how.username = std::move(user);
  if (!how.username.empty()) how.password = canary;
  return how;
}

/// Runs on for that long, or until the term ends.
void go_on(discreet_process& p, leadership const& term, std::chrono::milliseconds how_long) {
  auto const end = std::chrono::steady_clock::now() + how_long;
  p.until([&] { return !term.valid() || std::chrono::steady_clock::now() > end; }, how_long + 1s);
}

error_code put(discreet_process& p, leadership& term, std::string key) {
  catcher<void> done;
  term.guarded_put(std::move(key), "content", done.handler());
  REQUIRE(p.until([&] { return done.done(); }));
  return *done.ec;
}

error_code proclaim(discreet_process& p, leadership& term, std::string value) {
  catcher<void> done;
  term.proclaim(std::move(value), done.handler());
  REQUIRE(p.until([&] { return done.done(); }));
  return *done.ec;
}

}  // namespace

TEST_CASE("etcd users: everything works for a user whose role covers the prefix", "[etcd][auth]") {
  guarded_server server;
  discreet_process p;
  auto const how = as("app", {server.url()});
  auto a = p.make_elector(p.make_store(how), "A");
  auto b = p.make_elector(p.make_store(how), "B");
  auto observer = p.make_elector(p.make_store(how), "O");
  auto term = p.win(a);
  REQUIRE(term.valid());
  CHECK(p.look(observer)->candidate() == "A");
  catcher<sighting> change;
  observer.watch(p.look(observer), change.handler());
  CHECK(proclaim(p, term, "news") == error_code());
  REQUIRE(p.until([&] { return change.done(); }));
  CHECK(change.result->value() == "news");
  CHECK(put(p, term, "app/state") == error_code());
  CHECK(put(p, term, "elsewhere") == errc::unauthorized);
  CHECK(term.valid());

  catcher<leadership> next;
  b.campaign(next.handler());
  REQUIRE(p.until([&] { return root(server).list("app/leader/").size() == 2; }));
  catcher<void> asked;
  b.depose(term.fencing_token(), depose_how::ask, asked.handler());
  REQUIRE(p.until([&] { return asked.done() && next.done(); }));
  CHECK(*asked.ec == error_code());
  CHECK(term.ended().how() == end_of_term::deposed);
  REQUIRE(next.result.valid());
  auto const key = root(server).list("app/leader/").at(0).key;
  root(server).del(key);
  REQUIRE(p.until([&] { return !next.result.valid(); }, 2s));
}

TEST_CASE("etcd users: who may not in is told at once, and why", "[H1][etcd][auth]") {
  guarded_server server;
  discreet_process p;
  fault_proxy proxy(server.client_port());
  auto const refused = [&](etcd_store_options how, std::string const& why) {
    auto e = p.make_elector(p.make_store(std::move(how)), "A");
    auto const begin = std::chrono::steady_clock::now();
    CHECK(p.campaign_error(e, 5s) == errc::unauthorized);
    CHECK(std::chrono::steady_clock::now() - begin < 2s);
    CHECK_THAT(p.said_by(e), ContainsSubstring(why));
    CHECK(proxy.counters().requests_to("/v3/auth/authenticate") <= 3);  // no storm: bcrypt makes each one dear
  };
  SECTION("a wrong password") {
    auto how = as("app", {proxy.url()});
    how.password = canary + "-not";
    refused(how, "username, password");
  }
  SECTION("a user that there is not") { refused(as("nobody", {proxy.url()}), "username, password"); }
  SECTION("no username") { refused(as("", {proxy.url()}), "username"); }
  SECTION("a role for another prefix") { refused(as("narrow", {proxy.url()}), "role"); }
  SECTION("no prefix, so that the role does not cover the keys") {
    auto how = as("app", {proxy.url()});
    how.prefix.clear();
    refused(how, "role");
  }
}

TEST_CASE("etcd users: observers without a right hear so, too", "[etcd][auth]") {
  guarded_server server;
  discreet_process p;
  for (auto const* user : {"", "narrow"}) {
    auto e = p.make_elector(p.make_store(as(user, {server.url()})), "O");
    catcher<sighting> seen, change;
    e.leader(seen.handler());
    e.watch(sighting{}, change.handler());
    REQUIRE(p.until([&] { return seen.done() && change.done(); }, 5s));
    CHECK(*seen.ec == errc::unauthorized);
    CHECK(*change.ec == errc::unauthorized);
  }
}

TEST_CASE("etcd users: a username where there are no users", "[etcd][auth]") {
  etcd_server server(cheap_logins());
  discreet_process p;
  auto e = p.make_elector(p.make_store(as("app", {server.url()})), "A");
  CHECK(p.campaign_error(e, 5s) == errc::unauthorized);
  CHECK_THAT(p.said_by(e), ContainsSubstring("authentication is not enabled") && ContainsSubstring("username"));
}

TEST_CASE("etcd users: tokens that expire are replaced, for leaders and for those who wait", "[T4][etcd][auth][slow]") {
  guarded_server server({"--auth-token-ttl", "2"});
  discreet_process p;
  fault_proxy proxy(server.client_port());
  auto const how = as("app", {proxy.url()}, 8s);  // renewed every 2.5 s: each token is older than 2 s by then
  auto a = p.make_elector(p.make_store(how), "A");
  auto b = p.make_elector(p.make_store(how), "B");
  auto term = p.win(a);
  REQUIRE(term.valid());
  catcher<leadership> next;
  b.campaign(next.handler());
  go_on(p, term, 13s);
  CHECK(term.valid());
  CHECK_FALSE(next.done());
  CHECK(proclaim(p, term, "still here") == error_code());
  auto const logins = proxy.counters().requests_to("/v3/auth/authenticate");
  CHECK(logins >= 6);   // it did expire
  CHECK(logins <= 24);  // once per renewal and store, about
  CHECK(p.resign(term) == error_code());
  REQUIRE(p.until([&] { return next.done(); }));
  CHECK(next.result.valid());
}

TEST_CASE("etcd users: a password changed while leading ends the term by its deadline, and why is told",
          "[T5][etcd][auth][slow]") {
  guarded_server server;
  discreet_process p;
  fault_proxy proxy(server.client_port());
  auto a = p.make_elector(p.make_store(as("app", {proxy.url()}, 6s)), "A");
  auto term = p.win(a);
  REQUIRE(term.valid());
  root(server).call("auth/user/changepw", {{"name", "app"}, {"password", "another"}});
  go_on(p, term, 8s);
  CHECK_FALSE(term.valid());
  REQUIRE(p.until([&] { return static_cast<bool>(term.ended()); }));
  CHECK(term.ended().how() == end_of_term::expired);
  CHECK_THAT(p.said_by(term), ContainsSubstring("username, password"));
  CHECK(proxy.counters().requests_to("/v3/auth/authenticate") < 20);
}

TEST_CASE("etcd users: users switched on while somebody leads without a username", "[T5][etcd][auth][slow]") {
  etcd_server server(cheap_logins());
  make_users(server);
  discreet_process p;
  auto a = p.make_elector(p.make_store(as("", {server.url()}, 6s)), "A");
  auto term = p.win(a);
  REQUIRE(term.valid());
  enable(server);
  go_on(p, term, 8s);
  CHECK_FALSE(term.valid());
  REQUIRE(p.until([&] { return static_cast<bool>(term.ended()); }));
  CHECK(term.ended().how() == end_of_term::expired);
  CHECK_THAT(p.said_by(term), ContainsSubstring("username"));
}

TEST_CASE("etcd users: each member of a cluster gives its own token", "[etcd][auth][slow]") {
  etcd_cluster cluster(3, cheap_logins());
  cluster.wait_for_leader();
  make_users(cluster.member(0));
  enable(cluster.member(0));
  discreet_process p;
  // Shuffled by the test, not by the store: the first endpoint is the one in use.
  auto const raft = cluster.wait_for_leader(15s, cluster.member(0).client().authenticate("root", canary));
  auto const in_use = (raft + 1) % 3;
  auto const how =
      as("app", {cluster.member(in_use).url(), cluster.member((raft + 2) % 3).url(), cluster.member(raft).url()});
  auto a = p.make_elector(p.make_store(how), "A");
  auto term = p.win(a);
  REQUIRE(term.valid());
  cluster.member(in_use).kill();
  CHECK(proclaim(p, term, "at the next one") == error_code());
  go_on(p, term, 6s);
  CHECK(term.valid());
  CHECK(p.times_logged("is left for") >= 1);
  auto b = p.make_elector(p.make_store(how), "B");
  catcher<leadership> next;
  b.campaign(next.handler());
  CHECK(p.resign(term) == error_code());
  REQUIRE(p.until([&] { return next.done(); }));
  CHECK(next.result.valid());
}

TEST_CASE("etcd users: a password that goes over the network in clear is warned of", "[etcd][auth]") {
  discreet_process p;
  auto const made = [&](std::string url) {
    p.lines.clear();
    p.make_store(as("app", {std::move(url)}));
    return p.logged("unencrypted");
  };
  CHECK(made("http://192.0.2.1:2379"));
  CHECK(made("http://[2001:db8::1]"));
  CHECK(made("http://etcd.example"));
  CHECK(made("http://127.0.0.1.example"));
  CHECK_FALSE(made("http://127.0.0.1:2379"));
  CHECK_FALSE(made("http://[::1]:2379"));
  CHECK_FALSE(made("http://localhost"));
  CHECK_FALSE(made("https://192.0.2.1:2379"));
  auto how = as("", {"http://127.0.0.1"});
  how.password = canary;
  CHECK_THAT(p.refusal(how), ContainsSubstring("username"));
}

TEST_CASE("etcd users: a client certificate with a name together with a username", "[etcd][auth][tls]") {
  test_certificates const pem;
  auto options = cheap_logins();
  options.tls = etcd_tls{pem.server.file, pem.server.key, pem.ca, true};
  etcd_server server(options);
  auto const ctl = [&](std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"--endpoints", server.url(), "--cacert", pem.ca, "--cert", pem.client.file, "--key", pem.client.key});
    return etcdctl(std::move(words));
  };
  ctl({"user", "add", "root:" + canary});
  ctl({"user", "grant-role", "root", "root"});
  ctl({"auth", "enable"});
  discreet_process p;
  auto const with = [&](certificate const& who) {
    auto how = as("root", {server.url()});
    how.tls.ca_file = pem.ca;
    how.tls.cert_file = who.file;
    how.tls.key_file = who.key;
    return p.make_elector(p.make_store(how), "A");
  };
  auto named = with(pem.client_with_name);
  CHECK(p.campaign_error(named, 5s) == errc::unauthorized);
  CHECK_THAT(p.said_by(named), ContainsSubstring("CommonName") && ContainsSubstring("cert_file"));
  auto nameless = with(pem.client);
  CHECK(p.win(nameless).valid());
}
