// Where etcd is and who enters it: flags, etcdctl's variables, passwords that are never shown, and what is refused.
#include "etcd_site.hpp"
#include "place.hpp"
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include <csignal>
#include <fstream>

using namespace coelect::test;

namespace {

// Exits with 2, says all of `parts` on stderr, and never the canary.
void refused(words arguments, words const& parts, words environment = {}) {
  auto const end = coelect_ends(std::move(arguments), std::move(environment));
  CAPTURE(end.output);
  CHECK(end.code == 2);
  for (auto const& part : parts) CHECK_THAT(end.errors, ContainsSubstring(part));
  CHECK((end.output + end.errors).find(canary) == std::string::npos);
}

/// A site with users, and the password in a file.
struct guarded_site : etcd_site {
  guarded_site() : etcd_site(with_logins()) {
    enable_users(server());
    std::ofstream(file()) << canary << "\nthe second line is not looked at\n";
  }
  std::string file() const { return (directory_.path() / "password").string(); }
  words as_app(words command) const {
    command.insert(command.begin() + 1, {"--user", "app", "--password-file", file(), "--verbose"});
    return on(std::move(command));
  }

private:
  scratch_directory directory_;
};

void shows_no_password(std::string const& text) { CHECK(text.find(canary) == std::string::npos); }

}  // namespace

TEST_CASE("etcd: the cluster may be named by etcdctl's variables or by ETCD_HOST and ETCD_PORT", "[etcd]") {
  etcd_site const here;
  auto const election = here.keys();  // there is no prefix then
  words const who{"leader", "--election", election};
  auto const endpoint = here.server().endpoint();
  program a({"campaign", "A", "--election", election, "--ttl", "4"},
            {.environment = {"ETCD_HOST=127.0.0.1", "ETCD_PORT=" + here.port()}});
  a.line_with(" leads, token ");
  CHECK(here.server().client().list(election + "/").size() == 1);
  CHECK(coelect_ends(who, {"ETCDCTL_ENDPOINTS=" + endpoint}).code == 0);
  CHECK(coelect_ends(who, {"ETCDCTL_ENDPOINTS=http://" + endpoint + "/"}).code == 0);
  CHECK(coelect_ends(who, {"ETCDCTL_ENDPOINTS=127.0.0.1:1, " + endpoint}).code == 0);
  CHECK(coelect_ends(who, {"ETCDCTL_ENDPOINTS=" + endpoint, "ETCD_HOST=nowhere.invalid"}).code == 0);
  words const plain{"leader", "--store", "etcd://" + endpoint, "--election", election};
  CHECK(coelect_ends(plain, {"ETCDCTL_CACERT=/proc/nowhere"}).code == 0);  // the URL says that there is no TLS
  CHECK(coelect_ends(who, {"ETCD_HOST=http://127.0.0.1", "ETCD_PORT=" + here.port()}).code == 0);
}

TEST_CASE("etcdctl's variables mean nothing to other stores", "[etcd]") {
  place const files;
  words const all{"ETCDCTL_ENDPOINTS=127.0.0.1:1",
                  "ETCDCTL_USER=app:" + canary,
                  "ETCDCTL_CACERT=/proc/nowhere",
                  "ETCDCTL_KEY=/proc/nowhere",
                  "ETCD_HOST=::::",
                  "COELECT_PASSWORD=" + canary};
  CHECK(coelect_ends(files.on({"leader"}), all).code == 3);
  auto by_variable = all;
  by_variable.push_back("COELECT_STORE=" + files.url());
  CHECK(coelect_ends({"leader"}, by_variable).code == 3);
}

TEST_CASE("variables that make no sense are refused by name", "[etcd]") {
  refused({"leader"}, {"ETCDCTL_ENDPOINTS", "unix://", "http"}, {"ETCDCTL_ENDPOINTS=unix://etcd.sock"});
  refused({"leader"}, {"ETCDCTL_ENDPOINTS", "mixed"}, {"ETCDCTL_ENDPOINTS=http://a:1,https://b:1"});
  refused({"leader"}, {"ETCDCTL_ENDPOINTS", "port"}, {"ETCDCTL_ENDPOINTS=a:99999"});
  refused({"leader"}, {"ETCDCTL_ENDPOINTS", "host"}, {"ETCDCTL_ENDPOINTS=a:1,,b:1"});
  refused({"leader"}, {"ETCDCTL_ENDPOINTS", "logs"}, {"ETCDCTL_ENDPOINTS=http://app:" + canary + "@h:1"});
  refused({"leader"}, {"ETCD_PORT", "tcp://10.0.0.1:2379"}, {"ETCD_HOST=h", "ETCD_PORT=tcp://10.0.0.1:2379"});
  refused({"leader"}, {"ETCD_HOST", "h o s t"}, {"ETCD_HOST=h o s t"});
}

TEST_CASE("flags that do not go together with the store or with each other are refused by name", "[etcd]") {
  place const files;
  etcd_site const here;
  refused(files.on({"campaign", "--user", "app"}), {"--user", "etcd", "file:"});
  refused({"leader", "--user", "app"}, {"--user", "etcd", "file:"});
  refused(files.on({"watch", "--password-file", "/proc/nowhere"}), {"--password-file", "etcd"});
  refused({"leader", "--store", "memory:", "--cacert", "/proc/nowhere"}, {"--cacert", "etcd", "memory:"});
  refused(files.on({"leader", "--cert", "c"}), {"--cert:", "etcd"});
  refused(files.on({"leader", "--key", "k"}), {"--key:", "etcd"});
  refused(files.on({"campaign", "--plain-values"}), {"--plain-values", "etcd"});
  refused(here.on({"leader", "--cacert", "ca.pem"}), {"--cacert", "etcds://"});
  refused(here.on({"leader", "--allow-tmpfs"}), {"--allow-tmpfs", "file"});
  refused(here.on({"leader", "--user", "app:" + canary}), {"--user", "colon", "--password-file"});
  refused(here.on({"leader", "--user", "app"}), {"--user", "password", "COELECT_PASSWORD"});
  refused(here.on({"leader", "--user", "app"}), {"--user", "password"}, {"ETCDCTL_USER=other:" + canary});
  refused(here.on({"leader"}), {"ETCDCTL_USER", "password"}, {"ETCDCTL_USER=app"});
  refused(here.on({"leader", "--password-file", "f"}), {"--password-file", "--user"});
  refused(here.on({"campaign", "--ttl", "2.5"}), {"--ttl", "2500", "whole seconds"});
  refused(here.on({"campaign", "--ttl", "1"}), {"--ttl", "1000"});
}

TEST_CASE("etcd: the password comes from a file or from the environment, and is never shown", "[etcd]") {
  guarded_site const here;
  program a(here.as_app({"campaign", "A", "--ttl", "4"}));
  a.line_with(" leads, token ");
  words const who = here.on({"leader", "--verbose"});
  words as_app = who;
  as_app.insert(as_app.end(), {"--user", "app"});
  auto const pass = [](std::string const& name) { return name + "=" + canary; };
  CHECK(coelect_ends(as_app, {pass("COELECT_PASSWORD")}).code == 0);
  CHECK(coelect_ends(as_app, {pass("ETCDCTL_PASSWORD")}).code == 0);
  CHECK(coelect_ends(as_app, {pass("COELECT_PASSWORD"), "ETCDCTL_PASSWORD=wrong"}).code == 0);
  CHECK(coelect_ends(who, {"ETCDCTL_USER=app:" + canary}).code == 0);
  CHECK(coelect_ends(who, {"ETCDCTL_USER=app", pass("ETCDCTL_PASSWORD")}).code == 0);
  CHECK(coelect_ends(here.as_app({"leader"}), {"COELECT_PASSWORD=wrong", "ETCDCTL_USER=root:wrong"}).code == 0);
  program b(here.as_app({"run", "--id", "B", "--ttl", "4", "--", "/bin/sh", "-c", "echo under $COELECT_TOKEN"}));
  b.error_line_with(" waits: ");
  a.signal(SIGINT);
  CHECK(a.exit_code() == 0);
  b.line_with("under ");
  CHECK(b.exit_code() == 0);
  CHECK_THAT(a.errors(), ContainsSubstring("elected"));  // --verbose did say something
  shows_no_password(a.output() + a.errors() + b.output() + b.errors());
}

TEST_CASE("etcd: a wrong login ends with 2 and names the cure", "[etcd]") {
  guarded_site const here;
  words const verbose = here.on({"leader", "--verbose"});
  words as_app = verbose;
  as_app.insert(as_app.end(), {"--user", "app"});
  refused(as_app, {"logging in as app", "--user"}, {"COELECT_PASSWORD=wrong " + canary});
  refused(here.on({"campaign", "A", "--verbose"}), {"--user", "wants one"});
  auto bad_file = as_app;
  bad_file.insert(bad_file.end(), {"--password-file", here.file() + "-missing"});
  refused(bad_file, {"--password-file", "cannot read", "-missing", "No such file"}, {"COELECT_PASSWORD=" + canary});
  bad_file.back() = "/proc";
  refused(bad_file, {"--password-file", "cannot read /proc", "directory"});
  bad_file.back() = "/dev/null";
  refused(bad_file, {"--password-file", "/dev/null", "empty"});
  bad_file.back() = "/dev/zero";
  refused(bad_file, {"--password-file", "/dev/zero", "4096"});
}

TEST_CASE("etcd: TLS by flags and by etcdctl's variables", "[etcd]") {
  test_certificates const made;
  etcd_options how;
  how.quick = true;
  how.tls = etcd_tls{made.server.file, made.server.key, made.ca, true};
  etcd_site const here(std::move(how));
  words const who{"leader", "--store", here.url("etcds")};
  auto by_flags = who;
  by_flags.insert(by_flags.end(), {"--cacert", made.ca.string(), "--cert", made.client.file.string(), "--key",
                                   made.client.key.string()});
  auto const end = coelect_ends(by_flags);
  CAPTURE(end.errors);
  CHECK(end.code == 3);
  words const variables{"ETCDCTL_CACERT=" + made.ca.string(), "ETCDCTL_CERT=" + made.client.file.string(),
                        "ETCDCTL_KEY=" + made.client.key.string()};
  CHECK(coelect_ends(who, variables).code == 3);
  auto everything = variables;
  everything.push_back("ETCDCTL_ENDPOINTS=https://" + here.server().endpoint());
  CHECK(coelect_ends({"leader"}, everything).code == 3);
  everything.back() = "ETCDCTL_ENDPOINTS=" + here.server().endpoint();  // certificates are given, so it is TLS
  CHECK(coelect_ends({"leader"}, everything).code == 3);
  CHECK(coelect_ends(by_flags, {"ETCDCTL_CACERT=/proc/nowhere", "ETCDCTL_KEY=/proc/nowhere"}).code == 3);
  refused(who, {"certificate"});  // nobody here trusts that one
  refused(who, {"ETCDCTL_CACERT", "/proc/nowhere", "cannot read"}, {"ETCDCTL_CACERT=/proc/nowhere"});
  auto no_key = by_flags;
  no_key.resize(no_key.size() - 2);
  refused(no_key, {"--cert is ", "--key is not given"});
}
