// An etcd server for elections, and the command lines that use it.
#pragma once
#include "program.hpp"
#include "support/etcd_server.hpp"

namespace coelect::test {

/// A password that must never be seen again.
inline std::string const canary = "canary-4711-password";

/// Leases of 4 s: the shortest that goes well with a busy machine.
inline words const short_lease{"--ttl", "4"};

class etcd_site {
public:
  /// A part of its own of the server that all tests share.
  etcd_site() : server_(shared()), prefix_("t" + std::to_string(++count())) {}
  /// With a server of its own.
  explicit etcd_site(etcd_options how)
      : own_(std::make_unique<etcd_server>(std::move(how))), server_(*own_), prefix_("app") {}

  etcd_server& server() const { return server_; }
  std::string port() const { return std::to_string(server_.client_port()); }
  std::string url(std::string const& scheme = "etcd") const {
    return scheme + "://" + server_.endpoint() + "/" + prefix_;
  }
  /// Below which the election's candidates are.
  std::string keys() const { return prefix_ + "/leader"; }

  /// `coelect COMMAND ... --store here`.
  words on(words command) const {
    command.insert(command.begin() + 1, {"--store", url()});
    return command;
  }
  words candidate(std::string const& id, words flags = {}) const {
    flags.insert(flags.begin(), {"campaign", id});
    flags.insert(flags.end(), short_lease.begin(), short_lease.end());
    return on(std::move(flags));
  }
  words json_candidate(std::string const& id) const { return candidate(id, {"--json"}); }

  /// etcdctl standing in the same election; it resigns on SIGINT.
  words etcdctl_candidate(std::string const& value) const {
    return {"--endpoints", server_.endpoint(), "elect", keys(), value};
  }
  static program::setting by_etcdctl() { return {.wrapper = {etcdctl_program()}}; }

private:
  static etcd_options quick() {
    etcd_options how;
    how.quick = true;
    return how;
  }
  static etcd_server& shared() {
    static etcd_server server(quick());
    return server;
  }
  static int& count() {
    static int number = 0;
    return number;
  }

  std::unique_ptr<etcd_server> own_;
  etcd_server& server_;
  std::string prefix_;
};

/// Runs coelect to its end.
inline finished coelect_ends(words arguments, words environment = {}) {
  return run_program(std::move(arguments), program::setting{.environment = std::move(environment)});
}

inline std::uint64_t token_of(base::json_reader const& event) { return event.number("token").value_or(0); }

/// Users root and app, the latter for what begins with app/, both with the canary as password.
inline etcd_options with_logins() {
  etcd_options how;
  how.quick = true;
  how.flags = {"--bcrypt-cost", "4"};
  return how;
}
inline void enable_users(etcd_server const& server) {
  auto const at = server.client();
  nlohmann::json const all_of_app{
      {"permType", "READWRITE"}, {"key", base64_encode("app/")}, {"range_end", base64_encode("app0")}};
  at.call("auth/user/add", {{"name", "root"}, {"password", canary}});
  at.call("auth/user/grant", {{"user", "root"}, {"role", "root"}});
  at.call("auth/role/add", {{"name", "for-app"}});
  at.call("auth/role/grant", {{"name", "for-app"}, {"perm", all_of_app}});
  at.call("auth/user/add", {{"name", "app"}, {"password", canary}});
  at.call("auth/user/grant", {{"user", "app"}, {"role", "for-app"}});
  at.call("auth/enable", nlohmann::json::object());
}

}  // namespace coelect::test
