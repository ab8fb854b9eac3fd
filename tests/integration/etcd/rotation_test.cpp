// Certificates of a real etcd that are replaced while somebody leads: bad ones cost no more than trouble, for a while.
#include "fault_place.hpp"
#include "secrets.hpp"
#include "support/certificates.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

namespace fs = std::filesystem;

/// etcd reads its files at every handshake.
struct rotating {
  rotating() {
    show(pem.server);
    etcd_options with;
    with.quick = true;
    with.tls = etcd_tls{files.path() / "cert.pem", files.path() / "key.pem", pem.ca, true};
    server.emplace(with);
    way.emplace(server->client_port());
    ours(pem.client);
    how = etcd_process::options({"https://" + way->endpoint()}, 5s);  // V = 3.5 s
    how.timing.renew_every = 300ms;
    how.timing.retry_min = 20ms;
    how.timing.retry_max = 100ms;
    how.tls.ca_file = pem.ca;
    how.tls.cert_file = files.path() / "our.pem";
    how.tls.key_file = files.path() / "our-key.pem";
  }
  void show(certificate const& c) const { put(c, "cert.pem", "key.pem"); }
  void ours(certificate const& c) const { put(c, "our.pem", "our-key.pem"); }
  void put(certificate const& c, char const* file, char const* key) const {
    // In one step each, for etcd may be reading.
    fs::copy_file(c.file, files.path() / "new.pem", fs::copy_options::overwrite_existing);
    fs::copy_file(c.key, files.path() / "new-key.pem", fs::copy_options::overwrite_existing);
    fs::rename(files.path() / "new-key.pem", files.path() / key);
    fs::rename(files.path() / "new.pem", files.path() / file);
  }

  test_certificates pem;
  scratch_directory files;
  std::optional<etcd_server> server;
  std::optional<fault_proxy> way;
  etcd_store_options how;
};

bool renewed(discreet_process& p, leadership& term) {
  auto const from = term.valid_until();
  return p.until([&] { return term.valid() && term.valid_until() > from + 500ms; }, 3s);
}

}  // namespace

TEST_CASE("etcd TLS: a bad certificate in mid-term is trouble that a good one ends; left there, it ends the term",
          "[T3][etcd][tls]") {
  rotating r;
  discreet_process p;
  auto e = p.make_elector(p.make_store(r.how), "A");
  auto term = p.win(e);
  REQUIRE(term.valid());
  CHECK(renewed(p, term));
  r.show(r.pem.expired);
  CHECK(renewed(p, term));  // on connections that were made before
  r.way->reset_all();
  REQUIRE(p.until([&] { return p.logged("certificate has expired"); }, 3s));
  CHECK(term.valid());
  r.show(r.pem.server);
  CHECK(renewed(p, term));

  r.show(r.pem.of_other_ca);
  r.way->reset_all();
  auto const last = [&] { return term.valid_until(); };
  auto deadline = last();
  REQUIRE(p.until([&] { return deadline = std::max(deadline, last()), static_cast<bool>(term.ended()); }, 6s));
  CHECK(term.ended().how() == end_of_term::expired);
  CHECK(p.logged("unable to get local issuer certificate"));
  // On a starved machine the last two tries may end without a handshake.
  CHECK_THAT(term.ended().detail(),
             ContainsSubstring("unable to get local issuer certificate") || ContainsSubstring("no TLS handshake"));
  CHECK(clock::now() >= deadline);
  r.show(r.pem.server);
  CHECK(p.win(e).valid());
}

TEST_CASE("etcd TLS: a client certificate that is replaced in mid-term is read when the old one is refused",
          "[T3][etcd][tls]") {
  rotating r;
  discreet_process p;
  auto e = p.make_elector(p.make_store(r.how), "A");
  auto term = p.win(e);
  REQUIRE(term.valid());
  // An authority that etcd does not know; new connections still show what was read at the beginning.
  r.ours(r.pem.client_of_other_ca);
  r.way->reset_all();
  CHECK(renewed(p, term));
  // One failed handshake later the files are read again, and etcd refuses what is in them.
  r.show(r.pem.expired);
  r.way->reset_all();
  REQUIRE(p.until([&] { return p.logged("certificate has expired"); }, 3s));
  r.show(r.pem.server);
  REQUIRE(p.until([&] { return p.logged("refuses our certificate"); }, 3s));
  CHECK(term.valid());
  r.ours(r.pem.client);
  CHECK(renewed(p, term));
}
