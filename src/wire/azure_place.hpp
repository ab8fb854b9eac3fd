// Where blobs are: reads account URLs and connection strings.
#pragma once
#include "base/endpoint.hpp"
#include "base/secret.hpp"
#include <string>
#include <string_view>

namespace coelect::wire::azure {

/// One storage account's blob service.
struct service {
  base::endpoint at;
  std::string account;    ///< Empty when the host does not tell it.
  std::string base_path;  ///< "" or, for path-style hosts such as Azurite, "/account".
};

/// http(s)://host[:port][/account]. An IP address, localhost or a host without a dot is path style and
/// needs the account after it. Throws election_error(errc::bad_options), beginning with `option`.
service parse_service(std::string_view option, std::string_view url);

/// https://ACCOUNT.blob.core.windows.net
service public_service(std::string_view account);

/// A connection string. Throws election_error(errc::bad_options) that names the part, never its value.
struct connection_string {
  service where;
  base::secret account_key;  ///< Base64; or empty
  base::secret sas;          ///< Without a leading '?'; or empty
};
connection_string parse_connection_string(std::string_view text);

/// The well-known account of Azurite and its public key.
inline constexpr std::string_view development_account = "devstoreaccount1";
inline constexpr std::string_view development_key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Empty, or what is wrong with a container's name: 3 to 63 of [a-z0-9-], no hyphen at an end or doubled.
std::string what_is_wrong_with_container(std::string_view name);
/// Empty, or what is wrong with an account's name: 3 to 24 of [a-z0-9].
std::string what_is_wrong_with_account(std::string_view name);

/// A blob's name for a URL's path: each segment percent-encoded, slashes kept.
std::string encode_path(std::string_view name);
/// Everything but unreserved characters percent-encoded: for a form or a query.
std::string encode_value(std::string_view text);

}  // namespace coelect::wire::azure
