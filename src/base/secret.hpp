// Holds passwords, tokens and keys: wiped when let go of, and never printed.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace coelect::base {

/// Overwrites the text in a way that the compiler does not leave out, and empties it.
void wipe(std::string& text) noexcept;

/// A text that must not end up in logs, core dumps of later days, or messages. Moves hand the buffer
/// on, copies are made on purpose only.
class secret {
public:
  secret() noexcept = default;
  explicit secret(std::string_view text);
  secret(secret&& other) noexcept;
  secret& operator=(secret&& other) noexcept;
  secret(secret const&) = delete;
  secret& operator=(secret const&) = delete;
  ~secret();

  secret copy() const { return secret(reveal()); }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view reveal() const noexcept { return {text_.get(), size_}; }

private:
  std::unique_ptr<char[]> text_;
  std::size_t size_ = 0;
};

}  // namespace coelect::base
