// Finds fields in a response.
#include "http/message.hpp"
#include <algorithm>
#include <charconv>

namespace coelect::http {
namespace {

// Field names are ASCII, whatever the locale says.
char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view response::get(std::string_view name) const noexcept {
  auto const found =
      std::find_if(fields.begin(), fields.end(), [&](field const& f) { return same_name(f.name, name); });
  return found == fields.end() ? std::string_view() : std::string_view(found->value);
}

std::chrono::seconds response::retry_after() const noexcept {
  constexpr long longest = 30;
  auto const text = get("Retry-After");
  long seconds = 0;
  auto const* const end = text.data() + text.size();
  auto const [rest, trouble] = std::from_chars(text.data(), end, seconds);
  if (trouble == std::errc::result_out_of_range && !text.starts_with('-')) seconds = longest;
  else if (trouble != std::errc() || rest != end) return {};
  return std::chrono::seconds(std::clamp(seconds, 0L, longest));
}

}  // namespace coelect::http
