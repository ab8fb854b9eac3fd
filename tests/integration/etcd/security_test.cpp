// TLS to real etcd servers: good and bad certificates on either side, and what is said about them.
#include "secrets.hpp"
#include "support/certificates.hpp"
#include <fstream>

using namespace coelect;
using namespace coelect::test;

namespace {

/// Making certificates takes a while, so all cases share them.
test_certificates const& pem() {
  static test_certificates const made;
  return made;
}

etcd_options serving(certificate const& c, bool wants_clients = false) {
  etcd_options how;
  how.quick = true;
  how.tls = etcd_tls{c.file, c.key, wants_clients ? pem().ca : std::filesystem::path(), wants_clients};
  return how;
}

etcd_store_options trusting(std::vector<std::string> endpoints, std::string ca = pem().ca) {
  auto how = etcd_process::options(std::move(endpoints));
  how.tls.ca_file = std::move(ca);
  return how;
}

etcd_store_options as(certificate const& who, etcd_store_options how) {
  how.tls.cert_file = who.file;
  how.tls.key_file = who.key;
  return how;
}

std::string etcdctl_at(etcd_server const& server, std::vector<std::string> words) {
  words.insert(words.begin(), {"--endpoints", server.url(), "--cacert", pem().ca});
  return etcdctl(std::move(words));
}

/// The error must come at once, not after many tries.
error_code quick_error(discreet_process& p, elector& e) {
  auto const begin = std::chrono::steady_clock::now();
  auto const ec = p.campaign_error(e, 8s);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  return ec;
}

std::string with_name(etcd_server const& server) { return "https://localhost:" + std::to_string(server.client_port()); }

}  // namespace

TEST_CASE("etcd TLS: a server with a good certificate, by address and by name", "[etcd][tls]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_server server(serving(pem().server));
  discreet_process p;
  for (auto const& url : {server.url(), with_name(server)}) {
    auto how = trusting({url});
    how.prefix = prefix;
    auto e = p.make_elector(p.make_store(how), "A");
    auto term = p.win(e);
    REQUIRE(term.valid());
    CHECK(p.resign(term) == error_code());
  }
}

TEST_CASE("etcd TLS: R8 a watch over TLS tells that a key was deleted", "[etcd][tls]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_server server(serving(pem().server));
  discreet_process p;
  auto how = trusting({server.url()});
  how.prefix = prefix;
  auto a = p.make_elector(p.make_store(how), "A");
  auto b = p.make_elector(p.make_store(how), "B");
  auto term = p.win(a);
  catcher<leadership> next;
  b.campaign(next.handler());
  REQUIRE(p.until([&] { return p.logged("campaign election=leader candidate=B"); }));
  auto const key =
      etcdctl_at(server, {"get", "--prefix", "--keys-only", "--sort-by", "CREATE", "--limit", "1", prefix + "leader/"});
  REQUIRE(!key.empty());
  auto const begin = std::chrono::steady_clock::now();
  etcdctl_at(server, {"del", key.substr(0, key.find('\n'))});
  REQUIRE(p.until([&] { return !term.valid() && next.done(); }));
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
  CHECK(term.ended().how() == end_of_term::lost);
  CHECK(next.result.valid());
}

TEST_CASE("etcd TLS: a certificate that cannot be trusted ends the campaign at once, and why is said",
          "[T1][etcd][tls]") {
  discreet_process p;
  auto const refused = [&p](etcd_server& server, etcd_store_options how, std::string const& why) {
    auto e = p.make_elector(p.make_store(std::move(how)), "A");
    CHECK(quick_error(p, e) == errc::tls_verify);
    auto const said = p.said_by(e);
    CHECK_THAT(said, ContainsSubstring(why));
    CHECK_THAT(said, ContainsSubstring(server.endpoint()));
    CHECK(p.logged(why));
  };
  SECTION("expired") {
    etcd_server server(serving(pem().expired));
    refused(server, trusting({server.url()}), "certificate has expired");
  }
  SECTION("of another host") {
    etcd_server server(serving(pem().wrong_host));
    refused(server, trusting({server.url()}), "address mismatch");
  }
  SECTION("of another authority") {
    etcd_server server(serving(pem().of_other_ca));
    refused(server, trusting({server.url()}), "unable to get local issuer certificate");
  }
  SECTION("no ca_file: the system trusts nobody of ours") {
    etcd_server server(serving(pem().server));
    refused(server, trusting({server.url()}, ""), "unable to get local issuer certificate");
  }
}

TEST_CASE("etcd TLS: another host's certificate, asked by name", "[T1][etcd][tls]") {
  etcd_server server(serving(pem().wrong_host));
  discreet_process p;
  auto e = p.make_elector(p.make_store(trusting({with_name(server)})), "A");
  CHECK(quick_error(p, e) == errc::tls_verify);
  CHECK_THAT(p.said_by(e), ContainsSubstring("ostname mismatch"));
}

TEST_CASE("etcd TLS: a server that wants to know its clients", "[etcd][tls]") {
  etcd_server server(serving(pem().server, true));
  discreet_process p;
  SECTION("with a certificate") {
    auto const prefix = GENERATE(std::string(), std::string("app/"));
    auto how = as(pem().client, trusting({server.url()}));
    how.prefix = prefix;
    auto e = p.make_elector(p.make_store(how), "A");
    CHECK(p.win(e).valid());
  }
  SECTION("without one") {
    auto e = p.make_elector(p.make_store(trusting({server.url()})), "A");
    CHECK(quick_error(p, e) == errc::unauthorized);
    CHECK_THAT(p.said_by(e), ContainsSubstring("cert_file"));
  }
  SECTION("with one of another authority") {
    auto e = p.make_elector(p.make_store(as(pem().client_of_other_ca, trusting({server.url()}))), "A");
    CHECK(quick_error(p, e) == errc::unauthorized);
    CHECK_THAT(p.said_by(e), ContainsSubstring("cert_file"));
  }
}

TEST_CASE("etcd TLS: with several endpoints, one with a bad certificate does not stop elections", "[T1][etcd][tls]") {
  etcd_server good(serving(pem().server)), bad(serving(pem().expired));
  auto const bad_first = GENERATE(true, false);
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  INFO("bad first " << bad_first);
  discreet_process p;
  std::vector<std::string> both{good.url(), bad.url()};
  if (bad_first) std::swap(both[0], both[1]);
  auto how = trusting(both);
  how.prefix = prefix;
  how.timing.ttl = 5s;
  auto a = p.make_elector(p.make_store(how), "A");
  auto b = p.make_elector(p.make_store(how), "B");
  auto term = p.win(a);
  REQUIRE(term.valid());
  catcher<leadership> next;
  b.campaign(next.handler());
  // Longer than a ttl: renewed, and watched.
  auto const end = std::chrono::steady_clock::now() + 6s;
  REQUIRE(p.until([&] { return !term.valid() || std::chrono::steady_clock::now() > end; }, 8s));
  CHECK(term.valid());
  CHECK_FALSE(next.done());
  CHECK(p.resign(term) == error_code());
  REQUIRE(p.until([&] { return next.done(); }));
  CHECK(next.result.valid());
  if (bad_first) CHECK(p.logged("certificate has expired"));
}

TEST_CASE("etcd TLS: a candidate that waits survives a moment in which only a bad certificate answers", "[etcd][tls]") {
  etcd_server good(serving(pem().server)), bad(serving(pem().expired));
  fault_proxy way(good.client_port());
  discreet_process p;
  auto holder = p.make_elector(p.make_store(trusting({good.url()})), "H");
  auto term = p.win(holder);
  auto a = p.make_elector(p.make_store(trusting({"https://" + way.endpoint(), bad.url()})), "A");
  catcher<leadership> won;
  a.campaign(won.handler());
  REQUIRE(p.until([&] {
    return !etcdctl_at(good, {"get", "--prefix", "leader/", "--limit", "2"}).empty() && p.logged("candidate=A");
  }));
  auto const settled = std::chrono::steady_clock::now() + 500ms;
  p.until([&] { return std::chrono::steady_clock::now() > settled; }, 1s);
  way.refuse();
  way.reset_all();
  auto const end = std::chrono::steady_clock::now() + 3s;
  p.until([&] { return won.done() || std::chrono::steady_clock::now() > end; }, 4s);
  INFO(p.said_by(a));
  CHECK_FALSE(won.done());
  way.pass();
  CHECK(p.resign(term) == error_code());
  REQUIRE(p.until([&] { return won.done(); }, 15s));
  CHECK(won.result.valid());
}

TEST_CASE("etcd TLS: settings that cannot work are refused when the store is made", "[etcd][tls]") {
  discreet_process p;
  auto const https = std::vector<std::string>{"https://127.0.0.1:2379"};
  auto const broken = pem().directory() / "broken.pem";
  std::ofstream(broken) << "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";

  auto how = trusting(https, "/nowhere/ca.pem");
  CHECK_THAT(p.refusal(how), ContainsSubstring("ca_file") && ContainsSubstring("/nowhere/ca.pem"));
  how = trusting(https, broken);
  CHECK_THAT(p.refusal(how), ContainsSubstring("ca_file") && ContainsSubstring("broken.pem"));
  how = as(pem().client, trusting(https));
  how.tls.key_file.clear();
  CHECK_THAT(p.refusal(how), ContainsSubstring("cert_file") && ContainsSubstring("key_file is not given"));
  how = as(pem().client, trusting(https));
  how.tls.cert_file.clear();
  CHECK_THAT(p.refusal(how), ContainsSubstring("key_file") && ContainsSubstring("cert_file is not given"));
  how = as(pem().client, trusting(https));
  how.tls.key_file = pem().client_of_other_ca.key;
  CHECK_THAT(p.refusal(how), ContainsSubstring("is not the key of cert_file"));
  how = as(pem().client, trusting(https));
  how.tls.cert_file = broken;
  CHECK_THAT(p.refusal(how), ContainsSubstring("cert_file") && ContainsSubstring("broken.pem"));

  auto const plain = std::vector<std::string>{"http://127.0.0.1:2379"};
  CHECK_THAT(p.refusal(trusting(plain)), ContainsSubstring("tls") && ContainsSubstring("http, not https"));
  how = as(pem().client, trusting(plain, ""));
  CHECK_THAT(p.refusal(how), ContainsSubstring("tls"));
  CHECK_THAT(p.refusal(trusting({https[0], plain[0]})), ContainsSubstring("mixed"));
}

TEST_CASE("etcd TLS: not to verify is refused where there is nothing to verify", "[etcd][tls]") {
  discreet_process p;
  auto how = p.options({"http://127.0.0.1:2379"});
  how.tls.verify = false;
  CHECK_THAT(p.refusal(how), ContainsSubstring("tls"));
}

TEST_CASE("etcd TLS: to check nothing is possible, and warned of", "[etcd][tls]") {
  etcd_server server(serving(pem().expired));
  discreet_process p;
  auto how = trusting({server.url()}, "");
  how.tls.verify = false;
  auto e = p.make_elector(p.make_store(how), "A");
  CHECK(p.win(e).valid());
  CHECK(p.logged("verify"));
}

TEST_CASE("etcd TLS: https to a server without TLS, and the other way round", "[T1][etcd][tls]") {
  discreet_process p;
  etcd_server plain({{}, {}, {}, true});
  auto const at_plain = "https://" + plain.endpoint();
  auto a = p.make_elector(p.make_store(trusting({at_plain})), "A");
  catcher<leadership> first;
  a.try_campaign(first.handler());
  REQUIRE(p.until([&] { return first.done(); }));
  CHECK(*first.ec);
  CHECK_THAT(p.said_by(a), ContainsSubstring("TLS"));

  etcd_server secure(serving(pem().server));
  auto b = p.make_elector(p.make_store(p.options({"http://" + secure.endpoint()})), "B");
  catcher<leadership> second;
  b.try_campaign(second.handler());
  REQUIRE(p.until([&] { return second.done(); }));
  CHECK(*second.ec);
  CHECK_FALSE(p.said_by(b).empty());
}
