// What the fuzz targets share: their names, a check that aborts with a sentence, and how an input is dealt out.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coelect::fuzz {

/// A target takes any bytes, and aborts when a property does not hold.
using target_fn = void(std::string_view input);
target_fn azure_answer, azure_place, etcd_answer, etcd_request, http_answer, lock_file, store_url, watch_lines;

/// Aborts with `sentence`, which says what should have been so.
void must(bool holds, char const* sentence);

/// Runs the target, and aborts when it takes more than 100 ms of this thread's time.
void timed(target_fn* target, std::string_view input);

/// Deals an input out: a few choices at its front, the rest in pieces. An input that is too short has
/// zeros and empty pieces behind it.
class dealer {
public:
  explicit dealer(std::string_view input) noexcept : left_(input) {}

  /// 0 to `of` - 1, from one byte; letters from 'a' on, and digits, mean what they look like, so that corpora can
  /// be read and written by hand.
  unsigned choice(unsigned of) noexcept {
    if (left_.empty()) return 0;
    auto const byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    if (byte >= 'a' && byte <= 'z') return (byte - 'a') % of;
    if (byte >= '0' && byte <= '9') return (byte - '0') % of;
    return byte % of;
  }
  /// Up to the next `end`, which is taken, too.
  std::string_view piece(char end = '|') noexcept {
    auto const at = left_.find(end);
    auto const taken = left_.substr(0, at);
    left_.remove_prefix(at == left_.npos ? left_.size() : at + 1);
    return taken;
  }
  /// A whole number in up to 20 digits, wrapped to 64 bits, and what ends it.
  std::uint64_t number() noexcept {
    std::uint64_t value = 0;
    for (char const c : piece().substr(0, 20)) value = value * 10 + static_cast<std::uint64_t>(c - '0');
    return value;
  }
  std::string_view rest() const noexcept { return left_; }

private:
  std::string_view left_;
};

/// Hands `bytes` over in slices, as a network does. Which ones, follows from `seed`; 0: all at once, 1: one by one.
template <class Take>
void in_slices(std::string_view bytes, unsigned seed, Take take) {
  auto chance = seed;
  auto const most = seed == 0 ? bytes.size() : seed == 1 ? std::size_t{1} : std::size_t{2} << seed % 6;
  while (!bytes.empty()) {
    chance = chance * 1664525U + 1013904223U;
    auto const some = seed == 0 ? most : 1 + (chance >> 16) % most;
    take(bytes.substr(0, some));
    bytes.remove_prefix(some < bytes.size() ? some : bytes.size());
  }
}

/// Printable, or at least no forged lines in a log.
inline bool one_clean_line(std::string_view text) noexcept {
  for (char const c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

inline bool is_ascii(std::string_view text) noexcept {
  for (char const c : text)
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  return true;
}

}  // namespace coelect::fuzz
