// Shared Key signatures against vectors that Azurite accepts and Microsoft's own signers produce.
#include "wire/azure_signature.hpp"
#include "base/base64.hpp"
#include "base/hmac.hpp"
#include "support/catch.hpp"
#include "wire/azure_date.hpp"
#include "wire/azure_lease.hpp"
#include "wire/azure_place.hpp"

using namespace coelect;
using namespace coelect::wire::azure;

namespace {

constexpr auto date = "Fri, 26 Jun 2026 23:39:12 GMT";
constexpr auto guid = "1f812371-a41d-49e6-b123-f4b542e851c5";

http::request made(char const* method, char const* target, std::vector<http::field> fields) {
  http::request what;
  what.method = method;
  what.target = target;
  what.fields = std::move(fields);
  what.fields.push_back({"x-ms-date", date});
  what.fields.push_back({"x-ms-version", "2021-12-02"});
  return what;
}

std::string signature(http::request const& what, std::string_view account = development_account,
                      std::string_view key = development_key) {
  auto const text = shared_key_authorization(what, account, base::secret(*base::from_base64(key)));
  auto const shown = std::string(text.reveal());
  CHECK(shown.starts_with("SharedKey " + std::string(account) + ":"));
  return shown.substr(shown.find(':') + 1);
}

}  // namespace

TEST_CASE("HMAC-SHA256 as RFC 4231 has it") {
  auto const code = base::hmac_sha256("Jefe", "what do ya want for nothing?");
  CHECK(base::base64(code) == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}

TEST_CASE("golden signatures") {
  CHECK(signature(made("PUT", "/devstoreaccount1/leases?restype=container", {})) ==
        "zaGh8tukS+o5zX/7U+WCCKK3EdgNmQdC1SK/EJeJGK0=");
  CHECK(signature(made("PUT", "/devstoreaccount1/leases/leader",
                       {{"x-ms-blob-type", "BlockBlob"}, {"If-None-Match", "*"}})) ==
        "Zrb2G1k2VyVCRNpH4tKK3+nTvRKekgrkfoqzQD0xgvU=");
  CHECK(signature(made("PUT", "/devstoreaccount1/leases/leader?timeout=10&comp=lease",
                       {{"x-ms-lease-action", "acquire"},
                        {"x-ms-lease-duration", "15"},
                        {"x-ms-proposed-lease-id", guid},
                        {"x-ms-client-request-id", "elect-0001"}})) == "z+d7/kOHex7qeQFq/kPppA6rq7uQC3QjUeYIBPiEBR8=");
  CHECK(signature(made("PUT", "/devstoreaccount1/leases/leader?comp=metadata",
                       {{"x-ms-lease-id", guid},
                        {"x-ms-meta-term", "42"},
                        {"x-ms-meta-holder", "node-a:7000"},
                        {"If-Match", "\"0x8DCAFE\""}})) == "pE1jK6IWfRTOgbpzs+oVJprh0LSeo/US0BpfxpOO9Yw=");
  CHECK(signature(made("HEAD", "/devstoreaccount1/leases/leader", {})) ==
        "uYZR6VKVH1Z4DARJc25n13NKEXt20/T6scqwiK5DX9s=");
  CHECK(signature(made("PUT", "/leases/leader?comp=lease", {{"x-ms-lease-action", "renew"}, {"x-ms-lease-id", guid}}),
                  "myaccount", "bXlTZWNyZXRBY2NvdW50S2V5MDEyMzQ1Njc4OWFiY2RlZg==") ==
        "9wmLUoa7XrVo5G/AfEXnVJNX9z5OWeVB60zAXzZG5AQ=");
}

TEST_CASE("the string to sign decodes the query and keeps the path as it is") {
  auto const text = string_to_sign(made("PUT", "/a/c/b%20x?comp=list&prefix=p%2Fq%20r", {}), "a");
  CHECK(text.ends_with("/a/a/c/b%20x\ncomp:list\nprefix:p/q r"));
  auto what = made("PUT", "/a/c/b", {{"Content-Type", "text/plain"}});
  what.body = "hello";
  CHECK(string_to_sign(what, "a").starts_with("PUT\n\n\n5\n\ntext/plain\n\n"));
}

TEST_CASE("dates go there and back") {
  auto const when = read_http_date(date);
  REQUIRE(when);
  CHECK(http_date(*when) == date);
  CHECK(http_date(std::chrono::system_clock::time_point()) == "Thu, 01 Jan 1970 00:00:00 GMT");
  for (auto const* bad :
       {"", "Fri, 26 Jun 2026 23:39:12", "Fri, 31 Feb 2026 23:39:12 GMT", "Fri, 26 Xyz 2026 23:39:12 GMT",
        "Fri, 26 Jun 2026 25:39:12 GMT", "Fri, 26 Jun 20x6 23:39:12 GMT", "Fri, -6 Jun 2026 23:39:12 GMT"})
    CHECK_FALSE(read_http_date(bad));
}

TEST_CASE("where an account is") {
  auto at = parse_service("account_url", "https://myaccount.blob.core.windows.net");
  CHECK(at.account == "myaccount");
  CHECK(at.base_path.empty());
  CHECK(at.at.port == 443);
  at = parse_service("account_url", "http://127.0.0.1:10000/devstoreaccount1/");
  CHECK(at.account == "devstoreaccount1");
  CHECK(at.base_path == "/devstoreaccount1");
  CHECK_FALSE(at.at.tls);
  CHECK(parse_service("account_url", "https://azurite:10000/acct").base_path == "/acct");
  CHECK(parse_service("account_url", "https://acct.z12.blob.storage.azure.net").account == "acct");
  CHECK(parse_service("account_url", "https://blobs.example.com").account.empty());
  for (auto const* bad :
       {"", "myaccount", "ftp://x.y", "http://127.0.0.1:10000", "https://a.blob.core.windows.net/container",
        "https://:443", "http://127.0.0.1:10000/Bad_Name"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_service("account_url", bad), election_error);
  }
  CHECK(what_is_wrong_with_container("leases").empty());
  for (auto const* bad : {"ab", "-ab", "ab-", "a--b", "Leases", "a_b"})
    CHECK_FALSE(what_is_wrong_with_container(bad).empty());
  CHECK(encode_path("a b/c%d\xc3\xa4") == "a%20b/c%25d%C3%A4");
  CHECK(encode_value("https://x/") == "https%3A%2F%2Fx%2F");
}

TEST_CASE("connection strings") {
  auto c = parse_connection_string("UseDevelopmentStorage=true");
  CHECK(c.where.at.port == 10000);
  CHECK(c.account_key.reveal() == development_key);
  c = parse_connection_string(
      "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5PT0=;EndpointSuffix=core.chinacloudapi.cn");
  CHECK(c.where.at.host == "acct.blob.core.chinacloudapi.cn");
  CHECK(c.account_key.reveal() == "a2V5PT0=");
  c = parse_connection_string(" accountname = acct ; accountkey=a2V5;; ");
  CHECK(c.where.at.host == "acct.blob.core.windows.net");
  CHECK(c.where.at.tls);
  c = parse_connection_string(
      "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;SharedAccessSignature=?sv=1&sig=x%3D");
  CHECK(c.sas.reveal() == "sv=1&sig=x%3D");
  CHECK(c.account_key.empty());
  for (auto const* bad : {"", "nonsense", "AccountName=acct", "AccountKey=a2V5",
                          "BlobEndpoint=https://b.example.com;AccountKey=k", "AccountName=Bad_Name;AccountKey=k"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_connection_string(bad), election_error);
  }
  try {
    parse_connection_string("AccountName=acct;AccountKey=;SuperSecretCanary");
    FAIL("accepted");
  } catch (election_error const& e) {
    CHECK(std::string(e.what()).find("Canary") == std::string::npos);
  }
}

TEST_CASE("what the Blob service's refusals mean", "[H1][H2][H7][azure]") {
  auto const judge_it = [](int status, char const* code, std::string body = {}) {
    http::response r;
    r.status = status;
    if (*code != '\0') r.fields.push_back({"x-ms-error-code", code});
    r.body = std::move(body);
    return judge(r);
  };
  CHECK(judge_it(409, "LeaseAlreadyPresent").what == trouble::held);
  CHECK(judge_it(409, "LeaseIsBreakingAndCannotBeAcquired").what == trouble::held);
  CHECK(judge_it(409, "LeaseIdMismatchWithLeaseOperation").what == trouble::not_mine);
  CHECK(judge_it(409, "LeaseIsBrokenAndCannotBeRenewed").what == trouble::breaking);
  CHECK(judge_it(412, "LeaseLost").what == trouble::not_mine);
  CHECK(judge_it(412, "").what == trouble::not_mine);
  CHECK(judge_it(412, "ConditionNotMet").what == trouble::changed);
  CHECK(judge_it(404, "BlobNotFound").what == trouble::no_blob);
  CHECK(judge_it(404, "ContainerNotFound").what == trouble::no_container);
  CHECK(judge_it(403, "AuthenticationFailed").ec == errc::unauthorized);
  CHECK(judge_it(503, "ServerBusy").ec == errc::overloaded);
  CHECK(judge_it(500, "OperationTimedOut").ec == errc::unreachable);
  CHECK(judge_it(400, "InvalidHeaderValue").ec == errc::bad_response);
  auto const v = judge_it(403, "",
                          "\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server "
                          "failed.\nRequestId:1</Message><AuthenticationErrorDetail>Request date header too "
                          "old</AuthenticationErrorDetail></Error>");
  CHECK(v.message == "HTTP status 403 AuthenticationFailed: Server failed. (Request date header too old)");
}
