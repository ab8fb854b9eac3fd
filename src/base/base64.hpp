// Base64 as RFC 4648, section 4, has it: the form in which etcd's gateway carries bytes.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace coelect::base {

std::string base64(std::string_view bytes);                     ///< With padding.
void append_base64(std::string& text, std::string_view bytes);  ///< The same, to the end of `text`.

/// Nothing when `text` is not base64 with its padding.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace coelect::base
