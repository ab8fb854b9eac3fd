// How an Azure Blob store is found and entered: by flags, and by the variables that Azure's own tools read.
#pragma once
#include "cli/secret_file.hpp"
#include <chrono>
#include <coelect/open_store.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace coelect::cli {

/// No secret is in here: each is read when the store is opened, and then forgotten.
struct azure_access {
  named_text account{"--account-name"};
  named_text container{"--container"};
  named_text blob{"--blob"};
  named_text key_file{"--account-key-file"};
  named_text sas_file{"--sas-file"};
  std::string ca_file{};  ///< --cacert, which etcd stores have, too.
  bool create_container = false;
  std::chrono::milliseconds poll{0};  ///< 0: the store's default.
};

bool is_azure(std::string_view store_url);

/// The URL that --account-name and --container make when there is no --store; empty when there is no
/// account name. Throws election_error that names the flag.
std::string azure_in_flags(azure_access const& how);

/// The same for AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT.
std::string azure_in_environment(azure_access const& how);

/// azblob:///CONTAINER with the account of AZURE_STORAGE_ACCOUNT, if there is no connection string; every
/// other URL as it is. Throws election_error when nothing tells the account.
std::string with_account(std::string store_url);

/// What is wrong with this for that store, or nothing. `composed`: the URL was made from these flags.
std::string refusal_of(azure_access const& how, std::string_view store_url, bool composed);

/// Hands everything on, with the secrets. Throws election_error.
void enter(azure_access const& how, std::string_view store_url, store_settings& into);

/// The flags that say the same to another coelect that is given the URL; variables are there, too.
std::vector<std::string> flags_for(azure_access const& how, std::string_view store_url);

/// Where the account key, and the shared access signature, come from, for messages.
std::string key_source(azure_access const& how);
std::string sas_source(azure_access const& how);

inline constexpr char const* connection_string_variable = "AZURE_STORAGE_CONNECTION_STRING";

}  // namespace coelect::cli
