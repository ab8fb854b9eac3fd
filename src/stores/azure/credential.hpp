// What the user said about who we are.
#pragma once
#include "base/secret.hpp"
#include <coelect/azure_credential.hpp>
#include <string>

namespace coelect {

/// Does not change once it is made.
struct azure_credential::impl {
  enum class kind {
    shared_key = 1,
    sas,
    function,
    managed_identity,
    workload_identity,
    client_secret,
    azure_cli,
    automatic,
  };

  kind what{};
  std::string account{};    ///< Of a shared key; may be empty.
  std::string tenant{};     ///< Of a client secret.
  std::string client_id{};  ///< Of a client secret or a managed identity; may be empty there.
  base::secret secret{};    ///< The key in base64, the signature or the client secret.
  azure_token_fn fetch{};   ///< The user's own function.
};

}  // namespace coelect
