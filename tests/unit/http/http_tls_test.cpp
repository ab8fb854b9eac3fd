// HTTP over TLS: whom we trust, who trusts us, and what is said when that fails.
#include "http_bench.hpp"
#include <filesystem>
#include <fstream>
#include <support/certificates.hpp>

namespace coelect::test {
namespace {

namespace ssl = boost::asio::ssl;
namespace fs = std::filesystem;

test_certificates const& certificates() {
  static test_certificates const made;
  return made;
}

std::shared_ptr<ssl::context> serving(certificate const& as, fs::path const& clients_of = {}, int newest = 0) {
  auto made = std::make_shared<ssl::context>(ssl::context::tls_server);
  made->use_certificate_chain_file(as.file.string());
  made->use_private_key_file(as.key.string(), ssl::context::pem);
  if (newest) ::SSL_CTX_set_max_proto_version(made->native_handle(), newest);
  if (clients_of.empty()) return made;
  made->load_verify_file(clients_of.string());
  made->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return made;
}

tls_options trusting(fs::path const& ca) {
  tls_options made;
  made.ca_file = ca.string();
  return made;
}

tls_options trusting(fs::path const& ca, certificate const& as) {
  auto made = trusting(ca);
  made.cert_file = as.file.string();
  made.key_file = as.key.string();
  return made;
}

/// What reach() says about the options.
std::string complaint(tls_options const& options) {
  http_bench b;
  try {
    b.reach_tls("127.0.0.1", 1, options);
  } catch (election_error const& e) {
    CHECK(e.code() == errc::bad_options);
    return e.details().message();
  }
  return "none";
}

}  // namespace

TEST_CASE("TLS to a name and to an address, on connections that are kept", "[http][tls]") {
  auto const host = GENERATE(as<std::string>(), "127.0.0.1", "localhost");
  int const newest = GENERATE(0, TLS1_2_VERSION);
  scripted_server server(always(sized("ok")), serving(certificates().server, {}, newest));
  http_bench b;
  auto const net = b.reach_tls(host, server.port(), trusting(certificates().ca));
  for (int i = 0; i < 3; ++i) {
    auto const e = ask(b, *net);
    INFO(e.how.text());
    CHECK(e.got.body == "ok");
  }
  // localhost may have a second address where nobody listens
  CHECK(server.accepted() == 1);
  CHECK(b.logged.empty());
}

TEST_CASE("A certificate that is not right is refused, with the reason", "[T1][http][tls][etcd][azure]") {
  struct wrong {
    certificate const* shows;
    std::string host, reason;
  };
  auto const& c = certificates();
  auto const t = GENERATE_REF(values<wrong>({
      {&c.expired, "127.0.0.1", "certificate has expired"},
      {&c.wrong_host, "127.0.0.1", "IP address mismatch"},
      {&c.wrong_host, "localhost", "hostname mismatch"},
      {&c.of_other_ca, "127.0.0.1", "unable to get local issuer certificate"},
  }));
  scripted_server server(always(sized("ok")), serving(*t.shows));
  http_bench b;
  auto const e = ask(b, *b.reach_tls(t.host, server.port(), trusting(c.ca)));
  INFO(e.how.text());
  CHECK(e.how.ec == errc::tls_verify);
  CHECK_THAT(e.how.details.message(), ContainsSubstring(t.reason));
  CHECK_FALSE(e.sent);

  auto anybody = tls_options{};
  anybody.verify = false;
  CHECK(ask(b, *b.reach_tls(t.host, server.port(), anybody)).got.body == "ok");
  REQUIRE(b.logged.size() == 1);
  CHECK_THAT(b.logged[0], ContainsSubstring("not checked"));
}

TEST_CASE("A server that wants to know us", "[http][tls]") {
  auto const& c = certificates();
  int const newest = GENERATE(0, TLS1_2_VERSION);
  scripted_server server(always(sized("ok")), serving(c.server, c.ca, newest));
  http_bench b;
  auto const with = [&](tls_options const& options) {
    return ask(b, *b.reach_tls("127.0.0.1", server.port(), options)).how;
  };
  CHECK(with(trusting(c.ca, c.client)).ok());

  auto const stranger = with(trusting(c.ca, c.client_of_other_ca));
  INFO(stranger.text());
  CHECK(stranger.ec == errc::unauthorized);
  CHECK_THAT(stranger.details.message(), ContainsSubstring("cert_file is " + c.client_of_other_ca.file.string()));

  auto const nobody = with(trusting(c.ca));
  INFO(nobody.text());
  CHECK(nobody.ec == (newest ? errc::unreachable : errc::unauthorized));  // TLS 1.2 has no alert for this
  CHECK_THAT(nobody.details.message(), ContainsSubstring("cert_file is empty"));
}

TEST_CASE("Without close_notify a body that ends with the connection is cut off", "[T2][http][tls][etcd][azure]") {
  bool const properly = GENERATE(false, true);
  scripted_server server(
      [&](scripted_peer& p) {
        p.read_request();
        p.write("HTTP/1.1 200 OK\r\n\r\nabc");
        if (properly) p.close_tls();
        p.close();
      },
      serving(certificates().server));
  http_bench b;
  auto const e = ask(b, *b.reach_tls("127.0.0.1", server.port(), trusting(certificates().ca)));
  INFO(e.how.text());
  CHECK(e.how.ok() == properly);
  if (!properly) CHECK(e.how.ec == errc::unreachable);
}

TEST_CASE("A TLS connection that was closed while it rested is not used", "[http][tls]") {
  scripted_server server(
      [&](scripted_peer& p) {
        p.read_request();
        p.write(sized(std::to_string(p.number)));
        if (p.number == 1) p.close();
        p.wait_for_end();
      },
      serving(certificates().server));
  http_bench b;
  auto const net = b.reach_tls("127.0.0.1", server.port(), trusting(certificates().ca));
  CHECK(ask(b, *net).got.body == "1");
  REQUIRE(run_until(b.io, [&] { return server.ended() == 1; }));
  auto what = post();
  what.repeatable = false;
  CHECK(ask(b, *net, std::move(what)).got.body == "2");
}

TEST_CASE("A server without TLS, and one that never shakes hands", "[T1][T2][http][tls][etcd][azure]") {
  http_bench b;
  auto const options = trusting(certificates().ca);
  scripted_server plain([](scripted_peer& p) {
    p.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    p.wait_for_end();
  });
  auto const e = ask(b, *b.reach_tls("127.0.0.1", plain.port(), options));
  CHECK(e.how.ec == errc::unreachable);
  CHECK_THAT(e.how.details.message(), ContainsSubstring("no TLS with"));
  CHECK_FALSE(e.sent);

  scripted_server silent([](scripted_peer& p) { p.wait_for_end(); });
  auto const late = ask(b, *b.reach_tls("127.0.0.1", silent.port(), options), post(), 200ms);
  CHECK(late.how.ec == errc::timed_out);
  CHECK_THAT(late.how.details.message(), ContainsSubstring("no TLS handshake with"));
  CHECK_FALSE(late.sent);
  CHECK(run_until(b.io, [&] { return silent.ended() == 1; }));
}

TEST_CASE("After a failed handshake the files are read again", "[T3][http][tls][etcd][azure]") {
  auto const& c = certificates();
  scratch_directory here;
  auto const file = here.path() / "ca.pem";
  fs::copy_file(c.other_ca, file);
  scripted_server server(always(sized("ok")), serving(c.server));
  http_bench b;
  auto const net = b.reach_tls("127.0.0.1", server.port(), trusting(file));
  CHECK(ask(b, *net).how.ec == errc::tls_verify);
  fs::remove(file);
  CHECK(ask(b, *net).how.ec == errc::tls_verify);  // the old ones stay
  fs::copy_file(c.ca, file);
  CHECK(ask(b, *net).got.body == "ok");
}

TEST_CASE("A server that cannot do TLS 1.2 is not spoken to", "[T1][http][tls][etcd][azure]") {
  auto const old = serving(certificates().server, {}, TLS1_1_VERSION);
  // As far as the server goes it would work.
  ::SSL_CTX_set_min_proto_version(old->native_handle(), TLS1_VERSION);
  REQUIRE(::SSL_CTX_set_cipher_list(old->native_handle(), "ALL:@SECLEVEL=0") == 1);
  scripted_server server(always(sized("ok")), old);
  http_bench b;
  bool const trusting_anybody = GENERATE(false, true);
  auto how = trusting(certificates().ca);
  if (trusting_anybody) how = {};
  how.verify = !trusting_anybody;
  auto const e = ask(b, *b.reach_tls("127.0.0.1", server.port(), how));
  INFO(e.how.text());
  CHECK(e.how.ec == errc::unreachable);
  CHECK_THAT(e.how.details.message(), ContainsSubstring("no TLS with"));
  CHECK_FALSE(e.sent);
}

TEST_CASE("A server's certificate that is replaced counts for new connections", "[T3][http][tls][etcd][azure]") {
  auto const& c = certificates();
  auto const shown = serving(c.server);
  auto const show = [&](certificate const& next) {
    shown->use_certificate_chain_file(next.file.string());
    shown->use_private_key_file(next.key.string(), ssl::context::pem);
  };
  scripted_server server(
      [&](scripted_peer& p) {
        for (int answers = 1;; ++answers) {
          p.read_request();
          p.write(sized(std::to_string(p.number)));
          if (p.number == 1 && answers == 3) return p.close();
        }
      },
      shown);
  http_bench b;
  auto const net = b.reach_tls("127.0.0.1", server.port(), trusting(c.ca));
  CHECK(ask(b, *net).got.body == "1");
  show(c.expired);
  CHECK(ask(b, *net).got.body == "1");  // the connection was made before
  CHECK(ask(b, *net).got.body == "1");
  REQUIRE(run_until(b.io, [&] { return server.ended() == 1; }));
  for (int i = 0; i < 2; ++i) {  // no session of before is taken up instead
    auto const e = ask(b, *net);
    CHECK(e.how.ec == errc::tls_verify);
    CHECK_THAT(e.how.details.message(), ContainsSubstring("certificate has expired"));
    CHECK_FALSE(e.sent);
  }
  show(c.server);
  CHECK(ask(b, *net).got.body == "4");
}

TEST_CASE("Our certificate that is replaced is shown after the server has refused the old one",
          "[T3][http][tls][etcd][azure]") {
  auto const& c = certificates();
  int const newest = GENERATE(0, TLS1_2_VERSION);
  scratch_directory here;
  auto const put = [&](certificate const& who) {
    fs::copy_file(who.file, here.path() / "cert.pem", fs::copy_options::overwrite_existing);
    fs::copy_file(who.key, here.path() / "key.pem", fs::copy_options::overwrite_existing);
  };
  scripted_server server(always(sized("ok")), serving(c.server, c.ca, newest));
  http_bench b;
  put(c.client_of_other_ca);
  auto const net =
      b.reach_tls("127.0.0.1", server.port(), trusting(c.ca, {here.path() / "cert.pem", here.path() / "key.pem"}));
  CHECK(ask(b, *net).how.ec == errc::unauthorized);
  CHECK(ask(b, *net).how.ec == errc::unauthorized);
  put(c.client);
  // Read again after a failure, so the next attempt may still show the old one.
  auto next = ask(b, *net);
  if (!next.how.ok()) next = ask(b, *net);
  INFO(next.how.text());
  CHECK(next.got.body == "ok");
  CHECK(ask(b, *net).got.body == "ok");
}

TEST_CASE("PEM files that cannot be used are named", "[http][tls]") {
  auto const& c = certificates();
  scratch_directory here;
  auto const rubbish = (here.path() / "rubbish.pem").string();
  std::ofstream(rubbish) << "rubbish\n";
  auto const missing = (here.path() / "missing.pem").string();

  CHECK(complaint(trusting(c.ca, c.client)) == "none");
  CHECK(complaint(trusting(missing)) == "tls ca_file: cannot read " + missing + ": No such file or directory");
  CHECK_THAT(complaint(trusting(rubbish)), StartsWith("tls ca_file: cannot read " + rubbish));
  CHECK_THAT(complaint(trusting(here.path())), StartsWith("tls ca_file: cannot read " + here.path().string()));

  auto o = trusting(c.ca, c.client);
  o.cert_file = missing;
  CHECK_THAT(complaint(o), StartsWith("tls cert_file: cannot read " + missing));
  o = trusting(c.ca, c.client);
  o.key_file = rubbish;
  CHECK_THAT(complaint(o), StartsWith("tls key_file: cannot read " + rubbish));
  o.key_file = c.server.key.string();
  CHECK_THAT(complaint(o), ContainsSubstring("is not the key of cert_file " + o.cert_file));
  o.key_file.clear();
  CHECK_THAT(complaint(o), ContainsSubstring("cert_file") && ContainsSubstring("key_file"));
  std::swap(o.key_file, o.cert_file);
  CHECK_THAT(complaint(o), ContainsSubstring("cert_file") && ContainsSubstring("key_file"));

  auto const locked = (here.path() / "locked.pem").string();
  auto const made = "openssl pkcs8 -topk8 -in " + c.client.key.string() + " -passout pass:x -out " + locked;
  REQUIRE(std::system(made.c_str()) == 0);
  o = trusting(c.ca, c.client);
  o.key_file = locked;
  CHECK(complaint(o) == "tls key_file: cannot read " + locked + ": it is encrypted");
}

TEST_CASE("The context's end, and giving up, in the middle of TLS", "[L2][http][tls][etcd][azure]") {
  scripted_server server(
      [&](scripted_peer& p) {
        p.read_request();
        p.write(sized(""));
        p.read_request();
        p.wait_for_end();
      },
      serving(certificates().server));
  auto b = std::make_unique<http_bench>();
  auto const net = b->reach_tls("127.0.0.1", server.port(), trusting(certificates().ca));
  CHECK(ask(*b, *net).how.ok());
  one_exchange one(*net, post(), b->in(ample));
  b->io.restart();
  b->io.poll();
  SECTION("context") { b.reset(); }
  SECTION("given up") {
    one.pending.reset();
    b->io.restart();
    b->io.run_for(2s);
    CHECK(b->io.stopped());
  }
  boost::asio::io_context other;
  CHECK(run_until(other, [&] { return server.ended() == 1; }));
  CHECK(one.calls == 0);
}

}  // namespace coelect::test
