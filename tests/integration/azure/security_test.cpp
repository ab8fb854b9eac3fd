// Every way in and what is said when it is barred: keys, signatures, tokens, certificates. Nothing secret is ever said.
#include "secrets.hpp"
#include "support/certificates.hpp"
#include "support/scripted_server.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

azure_blob_store_options with_ca(std::filesystem::path const& file) {
  auto how = azure_process::options();
  how.tls.ca_file = file.string();
  return how;
}

void wins(discreet_process& p, std::shared_ptr<store> where) {
  auto e = p.make_elector(std::move(where), "A");
  auto term = p.win(e);
  REQUIRE(term.valid());
  catcher<void> told;
  term.proclaim("v", told.handler());
  REQUIRE(p.until([&] { return told.done(); }));
  CHECK(*told.ec == error_code());
  CHECK(p.look(e)->value() == "v");
  CHECK(p.resign(term) == error_code());
  p.said_by(e);
}

}  // namespace

TEST_CASE("azure security: https with a certificate that a CA file vouches for, by key, by signature and by token",
          "[T1][azure]") {
  test_certificates certificates;
  azurite server({certificates.server.file, certificates.server.key, true});
  discreet_process p;
  auto const how = with_ca(certificates.ca);
  wins(p, p.make(server.url(), the_key(), how));
  wins(p, p.make(server.url(), azure_credential::sas(account_sas("rwc", 1h)), how));
  wins(p, p.make(server.url(), brings(token(1h)), how));
  CHECK(p.lines.size() > 10);  // at severity::debug

  // Tokens that Azurite does not like, with its reasons.
  CHECK_THAT(p.refused(p.make(server.url(), brings(token(-10s)), how)),
             ContainsSubstring("403") && ContainsSubstring("expired"));
  CHECK_THAT(p.refused(p.make(server.url(), brings(token(1h, "https://login.example/")), how)),
             ContainsSubstring("403") && ContainsSubstring("issuer"));
  CHECK_THAT(p.refused(p.make(server.url(), brings("canary.not-a-token"), how)), ContainsSubstring("403"));

  // Certificates that nobody vouches for.
  auto const untrusted = p.refused(p.make(server.url(), the_key()), errc::tls_verify);
  CHECK_FALSE(untrusted.empty());
  p.refused(p.make(server.url(), the_key(), with_ca(certificates.other_ca)), errc::tls_verify);
  CHECK_THAT(p.refusal(server.url(), the_key(), with_ca("/nowhere/ca.pem")), ContainsSubstring("ca_file"));
}

TEST_CASE("azure security: a certificate that has expired or is for another host is refused", "[T1][azure]") {
  test_certificates certificates;
  discreet_process p;
  for (auto const* c : {&certificates.expired, &certificates.wrong_host}) {
    azurite server({c->file, c->key, false});
    p.refused(p.make(server.url(), the_key(), with_ca(certificates.ca)), errc::tls_verify);
  }
}

TEST_CASE("azure security: a wrong key, and an account that is not there", "[H1][N11][azure]") {
  azurite server;
  discreet_process p;
  auto const canary_key = base::base64("canary-key-of-thirty-two-bytes!!");
  p.secrets.push_back(canary_key);
  auto const wrong = p.refused(p.make(server.url(), azure_credential::shared_key("", canary_key)));
  CHECK_THAT(wrong, ContainsSubstring("403") && ContainsSubstring("AuthorizationFailure") &&
                        ContainsSubstring("value of the Authorization header"));
  auto const url = server.url();
  auto const elsewhere = url.substr(0, url.rfind('/')) + "/nobodyshere";
  auto e = p.make_elector(p.make(elsewhere, azure_credential::shared_key("", canary_key)), "A");
  CHECK(p.campaign_error(e) == cond::fatal);
  auto const said = p.said_by(e);
  INFO(said);
  CHECK((said.find("403") != said.npos || said.find("404") != said.npos));
  auto const base64 = p.refusal(server.url(), azure_credential::shared_key("", "canary, not base64"));
  CHECK_THAT(base64, ContainsSubstring("key") && ContainsSubstring("base64"));
  CHECK_THAT(p.refusal(server.url(), azure_credential::shared_key("", "")), ContainsSubstring("key is empty"));
  CHECK_THAT(p.refusal(server.url(), azure_credential()), ContainsSubstring("credential"));
  CHECK(p.refusal("https://leases.example.com", the_key()).empty());
  CHECK_THAT(p.refusal("https://leases.example.com", azure_credential::shared_key("", canary_key)),
             ContainsSubstring("account"));
  CHECK_THAT(p.refusal("http://127.0.0.1:10000", the_key()), ContainsSubstring("account"));
}

TEST_CASE("azure security: shared access signatures: good, without w, expired, and none", "[H1][azure]") {
  azurite server;
  raw_blobs(server.port()).make_container();
  discreet_process p;
  wins(p, p.make(server.url(), azure_credential::sas(container_sas("rw", 1h))));
  wins(p, p.make(server.url(), azure_credential::sas("?" + container_sas("rcw", 1h))));
  CHECK_THAT(p.refused(p.make(server.url(), azure_credential::sas(container_sas("r", 1h)))),
             ContainsSubstring("403") && ContainsSubstring("AuthorizationPermissionMismatch"));
  CHECK_THAT(p.refused(p.make(server.url(), azure_credential::sas(container_sas("rw", -60s)))),
             ContainsSubstring("403"));
  auto bent = container_sas("rw", 1h);
  bent.replace(bent.find("&sig=") + 5, 4, "AAAA");
  CHECK_THAT(p.refused(p.make(server.url(), azure_credential::sas(bent))), ContainsSubstring("403"));
  CHECK_THAT(p.refusal(server.url(), azure_credential::sas("sv=2021-12-02&sp=rw-canary")), ContainsSubstring("sas"));
  CHECK_THAT(p.refusal(server.url(), azure_credential::sas("")), ContainsSubstring("sas"));

  auto how = p.options();
  how.log = [&](severity, std::string_view line) { p.lines.emplace_back(line); };
  wins(p, make_azure_blob_store(p.io.get_executor(),
                                "BlobEndpoint=" + server.url() + ";SharedAccessSignature=?" + container_sas("rw", 1h),
                                how));
  wins(p, make_azure_blob_store(p.io.get_executor(), server.connection_string(), how));
  // A service's signature cannot make the container; that is said before anybody waits.
  auto other = p.options("others");
  CHECK_THAT(p.refused(p.make(server.url(), azure_credential::sas(container_sas("rwc", 1h, "others")), other)),
             ContainsSubstring("403"));
}

TEST_CASE("azure security: a container that is missing is made only when that is allowed") {
  azurite server;
  discreet_process p;
  auto how = p.options("others");
  how.create_container = false;
  auto const said = p.refused(p.make(server.url(), the_key(), how), errc::not_found);
  CHECK_THAT(said, ContainsSubstring("'others'") && ContainsSubstring("create_container"));
}

TEST_CASE("azure security: a redirection is not followed, and what it repeats of a signature is not said",
          "[H3][azure]") {
  scripted_server service([](scripted_peer& peer) {
    for (;;) {
      auto const request = peer.read_request();
      auto const from = request.find(' ') + 1;
      auto const target = request.substr(from, request.find(' ', from) - from);
      peer.write("HTTP/1.1 307 Elsewhere\r\nLocation: https://elsewhere.example" + target +
                 "\r\nContent-Length: 0\r\n\r\n");
    }
  });
  discreet_process p;
  auto const url = "http://" + service.name() + "/devstoreaccount1";
  auto const said = p.refused(p.make(url, azure_credential::sas(container_sas("rw", 1h))), errc::bad_response);
  CHECK_THAT(said, ContainsSubstring("elsewhere.example") && ContainsSubstring("not followed"));
  CHECK(service.accepted() == 1);
}
