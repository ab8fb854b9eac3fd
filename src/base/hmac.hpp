// HMAC-SHA256, from OpenSSL.
#pragma once
#include <string>
#include <string_view>

namespace coelect::base {

/// The 32 bytes of RFC 2104 with SHA-256.
std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace coelect::base
