// Signs a request with the account's key (Shared Key, service versions from 2015-02-21 on).
#pragma once
#include "base/secret.hpp"
#include "http/message.hpp"
#include <string>
#include <string_view>

namespace coelect::wire::azure {

/// What is signed. Of the x-ms-* fields every one counts, of the others those that Azure names; the target
/// is taken as it goes over the wire, its query decoded. x-ms-date must be there and Date must not.
std::string string_to_sign(http::request const& what, std::string_view account);

/// "SharedKey account:signature". `key`: the account key, decoded.
base::secret shared_key_authorization(http::request const& what, std::string_view account, base::secret const& key);

}  // namespace coelect::wire::azure
