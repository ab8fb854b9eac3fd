// HMAC-SHA256, from OpenSSL.
#include "base/hmac.hpp"
#include <array>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace coelect::base {

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<unsigned char const*>(text.data()),
         text.size(), code.data(), &size);
  return {reinterpret_cast<char const*>(code.data()), size};
}

}  // namespace coelect::base
