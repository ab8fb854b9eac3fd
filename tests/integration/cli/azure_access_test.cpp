// How a storage account is named and entered: flags, Azure's variables, secrets that are never shown, and what is refused.
#include "azure_site.hpp"
#include "place.hpp"
#include "support/certificates.hpp"
#include <csignal>

using namespace coelect::test;

namespace {

/// Looks like a key, and must never be seen again.
std::string const canary = "Y2FuYXJ5LTQ3MTEtY2FuYXJ5LTQ3MTEtY2FuYXJ5LTQ3MTE=";
std::string const canary_signature = "sv=2024-01-01&sp=rw&sig=canary4711";

void refused(words arguments, words const& parts, words environment = {}) {
  refused_with(2, std::move(arguments), parts, std::move(environment));
}

int code_of(words arguments, words environment = {}) {
  auto const end = run_program(std::move(arguments), {.environment = std::move(environment)});
  INFO(end.errors);
  CHECK(end.errors.find("canary4711") == std::string::npos);
  return end.code;
}

words with(words command, words const& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

}  // namespace

TEST_CASE("azure: the key comes from a file or from the environment, and is never shown", "[azure]") {
  azure_site const here;
  words const key_file{"--account-key-file", here.file_with(here.key())};
  program a(with(here.candidate("A", {"--verbose"}), key_file));
  a.line_with(" leads, token ");
  auto const who = here.on({"leader"});
  CHECK(code_of(with(who, key_file)) == 0);
  CHECK(code_of(who, {"AZURE_STORAGE_KEY=" + here.key()}) == 0);
  CHECK(code_of(with(who, key_file), {"AZURE_STORAGE_KEY=" + canary}) == 0);  // flags come first
  words const by_string{"leader", "--store", "azblob:///" + here.container()};
  CHECK(code_of(by_string, {"AZURE_STORAGE_CONNECTION_STRING=" + here.connection_string()}) == 0);
  CHECK(code_of({"leader", "--container", here.container()},
                {"AZURE_STORAGE_CONNECTION_STRING=" + here.connection_string(), "ETCD_HOST=nowhere.invalid",
                 "AZURE_STORAGE_KEY=" + canary}) == 0);
  CHECK(code_of(with(by_string, {"--blob", "another"}),
                {"AZURE_STORAGE_CONNECTION_STRING=" + here.connection_string()}) == 3);
  a.signal(SIGINT);
  CHECK(a.exit_code() == 0);
  CHECK_THAT(a.errors(), ContainsSubstring("debug"));  // --verbose did say something
  shows_no(here.key(), a.output() + a.errors());
  shows_no("SharedKey ", a.output() + a.errors());
}

TEST_CASE("azure: flags and variables name the account", "[azure]") {
  words const proxy{"AZURE_STORAGE_KEY=" + canary};
  program a({"campaign", "--account-name", "nosuch4711", "--container", "some-leases", "--blob", "nightly"},
            {.environment = proxy});
  CHECK_THAT(a.line_with(" stands for nightly"),
             ContainsSubstring("azblob+https://nosuch4711.blob.core.windows.net:443/some-leases"));
  program b({"campaign"}, {.environment = {"AZURE_STORAGE_KEY=" + canary, "AZURE_STORAGE_ACCOUNT=nosuch4712"}});
  CHECK_THAT(b.line_with(" stands for leader"), ContainsSubstring("//nosuch4712.blob.core.windows.net:443/leases"));
  program c({"campaign", "--account-name", "nosuch4711"},
            {.environment = {"AZURE_STORAGE_KEY=" + canary,
                             "COELECT_STORE=memory:", "AZURE_STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true"}});
  CHECK_THAT(c.line_with(" stands for leader"), ContainsSubstring("//nosuch4711.blob.core.windows.net:443/leases"));
  program d({"campaign", "--store", "azblob:///els"},
            {.environment = {"AZURE_STORAGE_KEY=" + canary, "AZURE_STORAGE_ACCOUNT=nosuch4712"}});
  CHECK_THAT(d.line_with(" stands for leader"), ContainsSubstring("//nosuch4712.blob.core.windows.net:443/els"));
  for (auto* const one : {&a, &b, &c, &d}) shows_no(canary, one->output() + one->errors());
}

TEST_CASE("azure: the variables mean nothing to other stores", "[azure]") {
  place const files;
  words const all{"AZURE_STORAGE_CONNECTION_STRING=nonsense", "AZURE_STORAGE_ACCOUNT=NOT AN ACCOUNT",
                  "AZURE_STORAGE_KEY=nonsense", "AZURE_STORAGE_SAS_TOKEN=nonsense"};
  CHECK(code_of(files.on({"leader"}), all) == 3);
  CHECK(code_of({"leader"}, with(all, {"COELECT_STORE=" + files.url()})) == 3);
}

TEST_CASE("azure: https with a certificate of one's own", "[azure]") {
  test_certificates const made;
  azurite const server({.certificate = made.server.file, .key = made.server.key});
  words const key{"AZURE_STORAGE_KEY=" + azure_site::key()};
  auto const place = "127.0.0.1:" + std::to_string(server.port()) + "/devstoreaccount1/els";
  words const trusting{"--cacert", made.ca.string(), "--create-container"};
  program a(with({"campaign", "A", "--store", "azblob+https://" + place}, trusting), azure_site::with_key());
  a.line_with(" leads, token ");
  for (std::string const scheme : {"azblob+https", "https"})
    CHECK(code_of(with({"leader", "--store", scheme + "://" + place}, trusting), key) == 0);
  words const by_string{"AZURE_STORAGE_CONNECTION_STRING=" + server.connection_string()};
  CHECK(code_of(with({"leader", "--store", "azblob:///els"}, trusting), by_string) == 0);
  refused({"leader", "--store", "azblob+https://" + place}, {"certificate"}, key);
  refused({"leader", "--store", "azblob+https://" + place, "--cacert", "/proc/nowhere"}, {"--cacert:", "/proc/nowhere"},
          key);
  azure_site const plain;
  refused({"leader", "--store", "azblob:///els", "--cacert", made.ca.string()}, {"--cacert:", "http"},
          {"AZURE_STORAGE_CONNECTION_STRING=" + plain.connection_string()});
}

TEST_CASE("azure: flags on the wrong store, or against each other, are refused by name", "[azure]") {
  place const files;
  azure_site const here;
  for (std::string const flag : {"--account-key-file", "--sas-file", "--container", "--blob", "--account-name"})
    refused(files.on({"leader", flag, "x"}), {flag + ":", "azblob", "file:"});
  refused({"campaign", "--create-container"}, {"--create-container:", "azblob", "file:"});
  refused(files.on({"watch", "--poll", "1"}), {"--poll:", "azblob", "file:"});
  refused({"leader", "--store", "etcd://127.0.0.1:1", "--sas-file", "x"}, {"--sas-file:", "azblob", "etcd:"});
  refused(here.on({"leader", "--user", "app"}), {"--user:", "etcd", "azblob+http:"});
  refused(here.on({"leader", "--key", "k"}), {"--key:", "etcd", "azblob+http:"});
  refused(here.on({"leader", "--allow-tmpfs"}), {"--allow-tmpfs", "file"});
  refused(here.on({"leader", "--cacert", "ca.pem"}), {"--cacert:", "azblob+https://"});
  refused(here.on({"leader", "--container", "other"}), {"--container:", "store URL"});
  refused(here.on({"leader", "--account-name", "other"}), {"--account-name:", "store URL"});
  refused(here.on({"leader", "--blob", "b", "--election", "e"}), {"--blob", "--election"});
  refused(here.on({"leader", "--account-key-file", "a", "--sas-file", "b"}), {"--account-key-file", "--sas-file"});
  refused({"leader", "--store", "azblob:///els", "--sas-file", "b"}, {"--sas-file:", "AZURE_STORAGE_CONNECTION_STRING"},
          {"AZURE_STORAGE_CONNECTION_STRING=" + here.connection_string()});
  refused({"leader", "--store", "azblob:///els"}, {"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT"});
  refused({"leader", "--account-name", "Not_One"}, {"--account-name:", "Not_One", "a-z"});
  refused({"leader"}, {"AZURE_STORAGE_ACCOUNT:", "Not_One"}, {"AZURE_STORAGE_ACCOUNT=Not_One"});
  refused({"leader", "--account-name", "on"}, {"--account-name:", "3 to 24"});
  refused({"leader", "--account-name", "one1", "--container", "A--b"}, {"--container:", "A--b", "hyphens"});
  refused(here.on({"campaign", "--poll", "0.05"}), {"--poll", "0.05", "0.1"});
  refused(here.on({"campaign", "--poll", "601"}), {"--poll", "600"});
}

TEST_CASE("azure: leases of 14 and of 61 seconds are refused, and of half seconds", "[azure]") {
  azure_site const here;
  words const key{"AZURE_STORAGE_KEY=" + here.key()};
  refused(here.on({"campaign", "--lease-duration", "14"}), {"--lease-duration:", "14000", "15000"}, key);
  refused(here.on({"campaign", "--ttl", "61"}), {"--ttl:", "61000", "60000"}, key);
  refused(here.on({"run", "--ttl", "15.5", "--", "true"}), {"--ttl:", "whole seconds"}, key);
}

TEST_CASE("azure: credentials that cannot be right are refused by the name of their source", "[azure]") {
  azure_site const here;
  auto const who = here.on({"leader"});
  std::string const bad = "canary4711 is not base64";
  auto const in_file = here.file_with(bad);
  refused(with(who, {"--account-key-file", in_file}), {"--account-key-file:", "base64"});
  refused(who, {"AZURE_STORAGE_KEY:", "base64"}, {"AZURE_STORAGE_KEY=" + bad});
  refused(with(who, {"--sas-file", in_file}), {"--sas-file:", "sig="});
  refused(who, {"AZURE_STORAGE_SAS_TOKEN:", "sig="}, {"AZURE_STORAGE_SAS_TOKEN=" + bad});
  refused({"leader", "--store", "azblob:///els"}, {"AZURE_STORAGE_CONNECTION_STRING:"},
          {"AZURE_STORAGE_CONNECTION_STRING=" + bad});
  refused({"leader"}, {"AZURE_STORAGE_CONNECTION_STRING:", "AccountKey", "base64"},
          {"AZURE_STORAGE_CONNECTION_STRING=AccountName=one1;AccountKey=" + bad});
  refused(with(who, {"--account-key-file", "/proc/nowhere"}), {"--account-key-file: cannot read /proc/nowhere"});
  refused(with(who, {"--account-key-file", "/dev/null"}), {"--account-key-file:", "/dev/null", "empty"});
  refused(who, {"store URL", "https", "account key"});  // no credential: tokens do not go over http
  for (words const& more : {words{"--account-key-file", in_file}, words{"--sas-file", in_file}})
    CHECK(code_of(with(who, more)) == 2);  // which looks for the canary
}

TEST_CASE("azure: a wrong key ends with 2 and the service's own words", "[azure]") {
  azure_site const here;
  program a(here.candidate("A"), azure_site::with_key());
  a.line_with(" leads, token ");
  for (auto const& command : {here.on({"leader", "--verbose"}), here.candidate("B", {"--verbose"})}) {
    auto const end = run_program(command, {.environment = {"AZURE_STORAGE_KEY=" + canary}});
    CAPTURE(end.output, end.errors);
    CHECK(end.code == 2);
    CHECK_THAT(end.errors, ContainsSubstring("403"));
    CHECK_THAT(end.errors, ContainsSubstring("AuthorizationFailure"));
    shows_no(canary, end.output + end.errors);
  }
  auto const end =
      run_program(here.on({"leader", "--verbose"}), {.environment = {"AZURE_STORAGE_SAS_TOKEN=" + canary_signature}});
  CAPTURE(end.output, end.errors);
  CHECK(end.code == 2);
  shows_no("canary4711", end.output + end.errors);
}

TEST_CASE("azure: a container that is missing is made only when that is asked for", "[azure]") {
  azure_site const here;
  words const key{"AZURE_STORAGE_KEY=" + here.key()};
  refused(here.on({"campaign"}), {"container", here.container(), "--create-container"}, key);
  program a(here.on({"campaign", "A", "--create-container"}), azure_site::with_key());
  a.line_with(" leads, token ");
  a.signal(SIGINT);
  CHECK(a.exit_code() == 0);
  program b(here.on({"campaign", "B"}), azure_site::with_key());
  b.line_with(" leads, token ");
}
