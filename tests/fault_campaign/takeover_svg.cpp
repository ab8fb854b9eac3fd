// The take-over times of a run as a picture: one row per cause, one dot per take-over, on a logarithmic scale.
#include "report.hpp"
#include <algorithm>
#include <cmath>
#include <cstdarg>

namespace coelect::test {

namespace {

constexpr double left = 300, width = 620, row = 26, top = 60;
constexpr double least = 1, most = 60'000;  // ms

double x_of(double ms) {
  auto const clipped = std::clamp(ms, least, most);
  return left + width * std::log10(clipped / least) / std::log10(most / least);
}

std::string text(char const* format, ...) {
  char line[512];
  va_list values;
  va_start(values, format);
  std::vsnprintf(line, sizeof line, format, values);
  va_end(values);
  return line;
}

std::string axis(double bottom) {
  std::string out;
  for (double const ms : {1., 10., 100., 1'000., 3'000., 10'000., 60'000.}) {
    auto const label = ms < 1'000 ? text("%.0f ms", ms) : text("%.0f s", ms / 1'000);
    out +=
        text("<line x1='%.1f' y1='%.0f' x2='%.1f' y2='%.0f' stroke='#ccc'/>\n", x_of(ms), top - 10, x_of(ms), bottom);
    out +=
        text("<text x='%.1f' y='%.0f' text-anchor='middle' fill='#555'>%s</text>\n", x_of(ms), top - 16, label.c_str());
  }
  return out;
}

std::string one_row(double y, std::string const& name, std::vector<double> all) {
  std::sort(all.begin(), all.end());
  auto out =
      text("<text x='%.0f' y='%.1f' text-anchor='end'>%s (%zu)</text>\n", left - 12, y + 4, name.c_str(), all.size());
  // At most 200 dots a row, spread over the sorted times; dots of equal times are moved apart.
  auto const step = std::max<std::size_t>(1, all.size() / 200);
  for (std::size_t i = 0; i < all.size(); i += step)
    out += text("<circle cx='%.1f' cy='%.1f' r='2' fill='#2a6fb0' fill-opacity='0.4'/>\n", x_of(all[i]),
                y - 6 + 12 * static_cast<double>(i / step * 37 % 100) / 100);
  out += text("<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='#b02a2a' stroke-width='2'/>\n",
              x_of(all[all.size() / 2]), y - 9, x_of(all[all.size() / 2]), y + 9);
  return out;
}

}  // namespace

std::string takeover_svg(verdict const& v, setting const& s) {
  std::map<std::string, std::vector<double>> groups;
  for (auto const& t : v.takeovers) groups[t.stage + ", " + t.cause].push_back(t.ms);
  auto const bottom = top + row * static_cast<double>(groups.size());
  auto out = text(
      "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' font-family='sans-serif' "
      "font-size='12'>\n<rect width='100%%' height='100%%' fill='white'/>\n",
      left + width + 40, bottom + 20);
  out += text(
      "<text x='12' y='20' font-size='14'>Take-over times by cause, %.0f minutes of faults; the bar is the "
      "median</text>\n",
      s.minutes);
  out += axis(bottom);
  double y = top + row / 2;
  for (auto const& [name, all] : groups) {
    out += one_row(y, name, all);
    y += row;
  }
  return out + "</svg>\n";
}

}  // namespace coelect::test
