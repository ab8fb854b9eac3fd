// Takes store URLs apart.
#pragma once
#include <string>
#include <string_view>

namespace coelect::base {

/// scheme:path or scheme://authority/path, percent-decoded.
struct store_url {
  std::string scheme;
  std::string authority;  ///< As written, with all its hosts; empty when there is none.
  std::string path;
};

/// Throws election_error(errc::bad_options) that says what is wrong. A query, a fragment or a user
/// name is refused: settings and secrets do not belong into a URL that ends up in logs.
store_url parse_store_url(std::string_view text);

}  // namespace coelect::base
