// Times, durations and other people's text, as people and programs read them.
#include "cli/text.hpp"
#include <array>
#include <cstdio>
#include <ctime>

namespace coelect::cli {
namespace {

std::string formatted(char const* format, std::tm const& broken_down) {
  std::array<char, 64> text{};
  auto const length = std::strftime(text.data(), text.size(), format, &broken_down);
  return {text.data(), length};
}

std::tm local(std::time_t seconds) {
  std::tm result{};
  ::localtime_r(&seconds, &result);
  return result;
}

// A number with the digits that matter: 0.08, 1.3, 12.
std::string digits(double number) {
  std::array<char, 32> text{};
  int const decimals = number < 0.995 ? 2 : number < 99.5 ? 1 : 0;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return text.data();
}

}  // namespace

std::string clock_time(wall_time when) {
  auto const then = local(std::chrono::system_clock::to_time_t(when));
  auto const today = local(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  bool const same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
  return formatted(same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", then);
}

std::string rfc3339(wall_time when) {
  using std::chrono::milliseconds;
  auto const all = std::chrono::floor<milliseconds>(when.time_since_epoch()).count();
  auto const seconds = static_cast<std::time_t>(all / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(all % 1000));
  return formatted("%Y-%m-%dT%H:%M:%S", utc) + fraction.data();
}

std::string span(std::chrono::nanoseconds d) {
  double const ms = std::chrono::duration<double, std::milli>(d).count();
  if (ms < 1000) return digits(ms) + " ms";
  return digits(ms / 1000) + " s";
}

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    auto const next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    bool const c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;  // the C1 controls in UTF-8
    if (c1) ++i;
    bool const control = c1 || byte < 0x20 || byte == 0x7f;
    result += control ? ' ' : text[i];
  }
  return result;
}

std::string percent_encoded(std::string_view path) {
  std::string result;
  for (char const c : path) {
    bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    bool const plain = letter || c == '/' || c == '.' || c == '_' || c == '-' || c == '~';
    if (plain) {
      result += c;
      continue;
    }
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    result += hex.data();
  }
  return result;
}

}  // namespace coelect::cli
