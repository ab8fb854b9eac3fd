// How an etcd store is found and entered: by flags, and by what etcdctl's users have in their environment.
#pragma once
#include "cli/secret_file.hpp"
#include <coelect/open_store.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace coelect::cli {

/// No password is in here: it is read when the store is opened, and then forgotten.
struct etcd_access {
  named_text user{"--user"};
  named_text password_file{"--password-file"};
  named_text ca_file{"--cacert"};
  named_text cert_file{"--cert"};
  named_text key_file{"--key"};
  bool plain_values = false;
};

bool is_etcd(std::string_view store_url);

/// The store URL that ETCDCTL_ENDPOINTS, or ETCD_HOST and ETCD_PORT, stand for; empty when there are none. Throws
/// election_error that names the variable.
std::string etcd_in_environment(etcd_access const& how);

/// Fills in what no flag says. Only for an etcd store: elsewhere etcdctl's variables mean nothing.
void use_etcdctl_environment(etcd_access& how, std::string_view store_url);

/// What is wrong with this for that store, or nothing.
std::string refusal_of(etcd_access const& how, std::string_view store_url);

/// Hands everything on, with the password. Throws election_error.
void enter(etcd_access const& how, store_settings& into);

/// The flags that say the same to another coelect; what came from the environment comes from there again.
std::vector<std::string> flags_for(etcd_access const& how);

}  // namespace coelect::cli
