// Keeps what the user said about who we are, and wipes what was copied on the way.
#include "stores/azure/credential.hpp"
#include <utility>

namespace coelect {
namespace {

using impl = azure_credential::impl;

std::shared_ptr<impl> one_of(impl::kind what) {
  auto made = std::make_shared<impl>();
  made->what = what;
  return made;
}

base::secret taken(std::string& text) {
  base::secret kept(text);
  base::wipe(text);
  return kept;
}

}  // namespace

azure_credential azure_credential::shared_key(std::string account, std::string key_base64) {
  auto made = one_of(impl::kind::shared_key);
  made->account = std::move(account);
  made->secret = taken(key_base64);
  return azure_credential(std::move(made));
}

azure_credential azure_credential::sas(std::string token) {
  auto made = one_of(impl::kind::sas);
  made->secret = taken(token);
  return azure_credential(std::move(made));
}

azure_credential azure_credential::token(azure_token_fn fetch) {
  auto made = one_of(impl::kind::function);
  made->fetch = std::move(fetch);
  return azure_credential(std::move(made));
}

azure_credential azure_credential::managed_identity(std::string client_id) {
  auto made = one_of(impl::kind::managed_identity);
  made->client_id = std::move(client_id);
  return azure_credential(std::move(made));
}

azure_credential azure_credential::workload_identity() {
  return azure_credential(one_of(impl::kind::workload_identity));
}

azure_credential azure_credential::client_secret(std::string tenant, std::string client_id, std::string secret) {
  auto made = one_of(impl::kind::client_secret);
  made->tenant = std::move(tenant);
  made->client_id = std::move(client_id);
  made->secret = taken(secret);
  return azure_credential(std::move(made));
}

azure_credential azure_credential::azure_cli() { return azure_credential(one_of(impl::kind::azure_cli)); }
azure_credential azure_credential::automatic() { return azure_credential(one_of(impl::kind::automatic)); }

}  // namespace coelect
