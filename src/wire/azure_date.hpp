// Dates as HTTP and Azure write them: "Fri, 26 Jun 2026 23:39:12 GMT".
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace coelect::wire::azure {

using time_point = std::chrono::system_clock::time_point;

std::string http_date(time_point when);
std::optional<time_point> read_http_date(std::string_view text);

}  // namespace coelect::wire::azure
