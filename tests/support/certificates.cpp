// TLS certificates for tests, good ones and bad ones, made with the openssl command.
#include "support/certificates.hpp"
#include "support/etcd_server.hpp"
#include <fstream>

namespace coelect::test {

namespace fs = std::filesystem;

namespace {

// Everything is said here, so that the machine's own openssl.cnf does not matter. `openssl ca` and not `openssl x509`,
// because only it can make a certificate of the past on every OpenSSL 3.
constexpr char const* configuration = R"(
[req]
distinguished_name = any_name
x509_extensions = authority
prompt = no
[any_name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = here
[here]
database = index
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any_subject
unique_subject = no
[any_subject]
organizationName = optional
commonName = optional
[server]
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
[elsewhere]
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:another.example
[client]
extendedKeyUsage = clientAuth
)";

std::string openssl() {
  auto const found = find_program("openssl");
  if (found.empty()) throw std::runtime_error("openssl is not installed: apt-get install openssl");
  return found;
}

/// A folder of its own for each authority: `openssl ca` keeps books.
fs::path make_authority(fs::path const& directory, std::string const& name) {
  auto const home = directory / name;
  fs::create_directory(home);
  std::ofstream(home / "index");
  auto text = std::string(configuration);
  for (auto const* const file : {"database = index", "new_certs_dir = ."}) {
    auto const value = text.find("= ", text.find(file)) + 2;
    text.insert(value, home.string() + "/");
  }
  std::ofstream(home / "openssl.cnf") << text;
  run_program({openssl(), "req", "-x509", "-config", home / "openssl.cnf", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/CN=" + name, "-keyout", home / "ca.key",
               "-out", home / "ca.crt"});
  return home / "ca.crt";
}

struct span_of_validity {
  std::string from = "20200101000000Z", to = "20491231235959Z";
};

certificate sign(fs::path const& authority, std::string const& name, std::string const& kind,
                 std::string const& subject, span_of_validity const& valid = {}) {
  auto const home = authority.parent_path();
  auto const stem = (home / name).string();
  run_program({openssl(), "req", "-new", "-config", home / "openssl.cnf", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-keyout", stem + ".key", "-out", stem + ".csr"});
  run_program({openssl(),  "ca",       "-batch",        "-notext",     "-config", home / "openssl.cnf", "-cert",
               authority,  "-keyfile", home / "ca.key", "-extensions", kind,      "-startdate",         valid.from,
               "-enddate", valid.to,   "-in",           stem + ".csr", "-out",    stem + ".crt"});
  return {stem + ".crt", stem + ".key"};
}

}  // namespace

test_certificates::test_certificates()
    : ca(make_authority(directory(), "authority")),
      other_ca(make_authority(directory(), "other-authority")),
      server(sign(ca, "server", "server", "/CN=localhost")),
      expired(sign(ca, "expired", "server", "/CN=localhost", {"20200101000000Z", "20200201000000Z"})),
      wrong_host(sign(ca, "wrong_host", "elsewhere", "/CN=another.example")),
      of_other_ca(sign(other_ca, "server", "server", "/CN=localhost")),
      client(sign(ca, "client", "client", "/O=coelect tests")),
      client_of_other_ca(sign(other_ca, "client", "client", "/O=coelect tests")),
      client_with_name(sign(ca, "client_with_name", "client", "/CN=alice")) {}

}  // namespace coelect::test
