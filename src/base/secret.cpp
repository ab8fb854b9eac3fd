// Holds passwords, tokens and keys: wiped when let go of, and never printed.
#include "base/secret.hpp"
#include <cstring>
#include <utility>

namespace coelect::base {

void wipe(std::string& text) noexcept {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

secret::secret(std::string_view text) : text_(new char[text.size() + 1]), size_(text.size()) {
  text.copy(text_.get(), size_);
}

secret::secret(secret&& other) noexcept : text_(std::move(other.text_)), size_(std::exchange(other.size_, 0)) {}

secret& secret::operator=(secret&& other) noexcept {
  secret taken(std::move(other));
  std::swap(text_, taken.text_);
  std::swap(size_, taken.size_);
  return *this;
}

secret::~secret() {
  if (text_) ::explicit_bzero(text_.get(), size_);
}

}  // namespace coelect::base
