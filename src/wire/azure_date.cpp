// Dates as HTTP and Azure write them: "Fri, 26 Jun 2026 23:39:12 GMT".
#include "wire/azure_date.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace coelect::wire::azure {
namespace {

using namespace std::chrono;

constexpr std::array<char const*, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<char const*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int> number(std::string_view text) {
  int value = 0;
  auto const* const end = text.data() + text.size();
  auto const [rest, trouble] = std::from_chars(text.data(), end, value);
  if (trouble != std::errc() || rest != end || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::string http_date(time_point when) {
  auto const day = floor<std::chrono::days>(when);
  year_month_day const date(day);
  hh_mm_ss const time(floor<seconds>(when - day));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                day_names.at(weekday(day).c_encoding()), static_cast<unsigned>(date.day()),
                months.at(static_cast<unsigned>(date.month()) - 1), static_cast<int>(date.year()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text.data();
}

std::optional<time_point> read_http_date(std::string_view text) {
  // Of fixed length: 0123456789012345678901234567 8
  //                  Fri, 26 Jun 2026 23:39:12 GMT
  constexpr std::size_t length = 29;
  if (text.size() != length || text.substr(25) != " GMT") return std::nullopt;
  auto const month = std::find(months.begin(), months.end(), text.substr(8, 3));
  auto const day = number(text.substr(5, 2)), year_of = number(text.substr(12, 4));
  auto const hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2)),
             second = number(text.substr(23, 2));
  if (month == months.end() || !day || !year_of || !hour || !minute || !second) return std::nullopt;
  year_month_day const date(year(*year_of), std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
                            std::chrono::day(static_cast<unsigned>(*day)));
  // No answer is older than 1970, and system_clock, which counts nanoseconds, ends in 2262.
  if (*year_of < 1970 || *year_of > 2261) return std::nullopt;
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second);
}

}  // namespace coelect::wire::azure
