// The storage account that is measured: Azurite's public one, or the user's, named by its URL and AZURE_STORAGE_KEY.
#pragma once
#include "wire/azure_lease.hpp"
#include "wire/azure_place.hpp"
#include <cstdlib>
#include <string>

namespace bench {

constexpr char const* azure_container = "coelect-bench";

struct azure_account {
  std::string url;   ///< http(s)://host[:port][/account]
  std::string name;  ///< Of the account.
  std::string key;   ///< In base64.
  coelect::wire::azure::service where;

  explicit azure_account(std::string account_url)
      : url(std::move(account_url)),
        name(coelect::wire::azure::development_account),
        key(coelect::wire::azure::development_key),
        where(coelect::wire::azure::parse_service("endpoint", url)) {
    if (!where.account.empty()) name = where.account;
    if (auto const* const given = std::getenv("AZURE_STORAGE_KEY")) key = given;
  }
  coelect::wire::azure::blob_path blob(int i) const {
    return {where.base_path + "/" + azure_container, "b" + std::to_string(i)};
  }
};

}  // namespace bench
