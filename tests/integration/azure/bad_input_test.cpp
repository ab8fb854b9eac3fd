// Settings that cannot work, each with one sentence that names the setting; and a clock that is off.
#include "secrets.hpp"
#include "support/scripted_server.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

std::string const url = "http://127.0.0.1:10000/devstoreaccount1";

std::string for_ttl(discreet_process& p, std::chrono::milliseconds ttl) {
  auto how = p.options();
  how.timing.ttl = ttl;
  return p.refusal(url, the_key(), how);
}

}  // namespace

TEST_CASE("azure bad input: durations") {
  discreet_process p;
  for (auto const ttl : {14'000ms, 61'000ms, 1'000ms, 3'600'000ms})
    CHECK_THAT(for_ttl(p, ttl), StartsWith("ttl: ") && ContainsSubstring("15000 ms to 60000 ms"));
  CHECK_THAT(for_ttl(p, 15'500ms), StartsWith("ttl: ") && ContainsSubstring("whole seconds"));
  CHECK_THAT(for_ttl(p, -1ms), StartsWith("ttl: ") && ContainsSubstring("never be taken over"));
  CHECK_THAT(for_ttl(p, -1000ms), StartsWith("ttl: ") && ContainsSubstring("without an end"));
  for (auto const ttl : {0ms, 15'000ms, 60'000ms}) CHECK(for_ttl(p, ttl).empty());
}

TEST_CASE("azure bad input: containers, prefixes, polls") {
  discreet_process p;
  for (char const* name : {"", "ab", "Leases", "a--b", "-abc", "abc-", "a_b", "a.b", "a/b", "leases?x", "$root"}) {
    INFO(name);
    CHECK_THAT(p.refusal(url, the_key(), p.options(name)), StartsWith("container: "));
  }
  CHECK_THAT(p.refusal(url, the_key(), p.options(std::string(64, 'a'))), StartsWith("container: "));
  CHECK(p.refusal(url, the_key(), p.options(std::string(63, 'a'))).empty());
  auto how = p.options();
  how.prefix = std::string(257, 'p');
  CHECK_THAT(p.refusal(url, the_key(), how), StartsWith("prefix: "));
  how = p.options();
  how.poll_min = 99ms;
  CHECK_THAT(p.refusal(url, the_key(), how), StartsWith("poll_min"));
  how = p.options();
  how.poll_min = 2s;
  how.poll_max = 1s;
  CHECK_THAT(p.refusal(url, the_key(), how), ContainsSubstring("poll_max"));
}

TEST_CASE("azure bad input: URLs, accounts and tokens over http") {
  discreet_process p;
  CHECK_THAT(p.refusal(url, brings(token(1h))), ContainsSubstring("https") && ContainsSubstring("token"));
  for (auto const& who : {azure_credential::managed_identity(), azure_credential::workload_identity(),
                          azure_credential::client_secret("tenant", "id", "canary"), azure_credential::azure_cli(),
                          azure_credential::automatic()})
    CHECK_THAT(p.refusal(url, who), ContainsSubstring("https"));
  for (char const* strange :
       {"", "127.0.0.1:10000/devstoreaccount1", "ftp://127.0.0.1/devstoreaccount1", "http://127.0.0.1:10000",
        "http://127.0.0.1:99999/devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1/leases",
        "https://acct.blob.core.windows.net/leases", "http://user:canary@127.0.0.1/acct"}) {
    INFO(strange);
    CHECK_THAT(p.refusal(strange, the_key()), StartsWith("account_url"));
  }
  CHECK_THAT(p.refusal("http://127.0.0.1:10000/other", the_key()),
             ContainsSubstring("other") && ContainsSubstring("devstoreaccount1"));
  auto tls = p.options();
  tls.tls.ca_file = "/etc/hosts";
  CHECK_THAT(p.refusal(url, the_key(), tls), StartsWith("tls: "));
}

TEST_CASE("azure bad input: connection strings name their part and never repeat a value") {
  discreet_process p;
  auto const refusal = [&](std::string const& text) -> std::string {
    try {
      make_azure_blob_store(p.io.get_executor(), text);
    } catch (election_error const& e) {
      CHECK(e.code() == errc::bad_options);
      p.lines.emplace_back(e.details().message());
      return p.heard(e.details().message());
    }
    return {};
  };
  auto const key = std::string(az::development_key);
  CHECK_THAT(refusal(""), StartsWith("connection string: "));
  CHECK_THAT(refusal("canary"), StartsWith("connection string: ") && ContainsSubstring("="));
  CHECK_THAT(refusal("AccountKey=" + key), StartsWith("connection string: ") && ContainsSubstring("AccountName"));
  CHECK_THAT(refusal("AccountName=acct"), StartsWith("connection string: ") && ContainsSubstring("AccountKey"));
  CHECK_THAT(refusal("AccountName=Bad_Name;AccountKey=" + key), ContainsSubstring("account"));
  CHECK_THAT(refusal("AccountName=acct;AccountKey=canary-canary"), ContainsSubstring("base64"));
  CHECK_THAT(refusal("BlobEndpoint=https://x.example.com;AccountKey=" + key), ContainsSubstring("AccountName"));
  CHECK_THAT(refusal("BlobEndpoint=nonsense;AccountName=acct;AccountKey=" + key), ContainsSubstring("BlobEndpoint"));
  CHECK(refusal("UseDevelopmentStorage=true").empty());
  CHECK(refusal("accountname=acct; ACCOUNTKEY=" + key + ";").empty());
  azure_blob_store_options both;
  both.account_url = url;
  CHECK_THROWS_AS(make_azure_blob_store(p.io.get_executor(), "UseDevelopmentStorage=true", both), election_error);
}

TEST_CASE("azure bad input: a clock that is 20 minutes off is told of, with the service's own words", "[T6][azure]") {
  auto const off = GENERATE(-20, 20);
  discreet_process p;
  auto const theirs = az::http_date(std::chrono::system_clock::now() + std::chrono::minutes(off));
  std::string const body =
      "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>Server "
      "failed to authenticate the request.\nRequestId:1\nTime:2</Message><AuthenticationErrorDetail>Request date "
      "header "
      "too old: 'Fri, 31 Jan 2020 12:28:37 GMT'</AuthenticationErrorDetail></Error>";
  scripted_server service([&](scripted_peer& peer) {
    for (;;) {
      peer.read_request();
      peer.write("HTTP/1.1 403 Forbidden\r\nDate: " + theirs +
                 "\r\nx-ms-error-code: AuthenticationFailed\r\nContent-Length: " + std::to_string(body.size()) +
                 "\r\n\r\n" + body);
    }
  });
  auto const said = p.refused(p.make("http://" + service.name() + "/devstoreaccount1", the_key()));
  CHECK_THAT(said, ContainsSubstring("AuthenticationFailed") && ContainsSubstring("Request date header too old"));
  CHECK_THAT(said, ContainsSubstring(off > 0 ? "minutes behind the service's" : "minutes ahead of the service's"));
  CHECK((said.find(" 20 minutes") != said.npos || said.find(" 19 minutes") != said.npos));
  CHECK(service.accepted() == 1);  // nothing was tried again that cannot help
}
