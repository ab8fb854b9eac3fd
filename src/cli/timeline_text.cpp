// Draws a timeline in lines of text: a row for each candidate, and one for the time when nobody led.
#include "cli/text.hpp"
#include "cli/timeline.hpp"
#include <algorithm>

namespace coelect::cli {
namespace {

constexpr std::size_t longest_name = 16;
constexpr std::size_t tick_width = 9;
constexpr std::size_t shown_digits = 4;
constexpr char const* gap_row = "(gap)";

double seconds(timeline::time t) { return std::chrono::duration<double>(t).count(); }

class text_drawing {
public:
  text_drawing(timeline const& what, timeline_labels const& labels, std::size_t columns) : what_(what) {
    std::size_t longest = std::string(gap_row).size();
    for (auto const& name : labels.candidates) names_.push_back(printable(name).substr(0, longest_name));
    for (auto const& name : names_) longest = std::max(longest, name.size());
    margin_ = longest + 2;
    cells_ = std::max(columns, margin_ + 20) - margin_;
  }

  std::string lines() const {
    auto text = axis();
    for (std::size_t who = 0; who < names_.size(); ++who) text += row(names_[who], lane(who));
    if (!what_.gaps().empty()) text += row(gap_row, gaps());
    return text + "# leads (with the last digits of its token)  - waits  . nobody leads\n";
  }

private:
  std::size_t cell(timeline::time t) const {
    auto const share = seconds(t) / std::max(seconds(what_.length()), 0.001);
    return static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(cells_));
  }

  // However short, it is seen.
  void fill(std::string& cells, timeline::time begin, timeline::time end, char with) const {
    auto const from = std::min(cell(begin), cells_ - 1);
    auto const to = std::max(cell(end), from + 1);
    std::fill(cells.begin() + static_cast<std::ptrdiff_t>(from), cells.begin() + static_cast<std::ptrdiff_t>(to), with);
  }

  std::string row(std::string const& name, std::string cells) const {
    cells.erase(cells.find_last_not_of(' ') + 1);
    return name + std::string(margin_ - name.size(), ' ') + cells + "\n";
  }

  std::string lane(std::size_t who) const {
    std::string cells(cells_, ' ');
    for (auto const& p : what_.presences())
      if (p.who == who) fill(cells, p.begin, *p.end, '-');
    for (auto const& term : what_.terms())
      if (term.who == who) draw_term(cells, term);
    return cells;
  }

  void draw_term(std::string& cells, timeline::stretch const& term) const {
    fill(cells, term.begin, *term.end, '#');
    auto digits = std::to_string(term.token);
    if (digits.size() > shown_digits) digits.erase(0, digits.size() - shown_digits);
    auto const from = cell(term.begin), to = cell(*term.end);
    bool const fits = to > from && to - from >= digits.size() + 2;
    if (fits) cells.replace(from + (to - from - digits.size()) / 2, digits.size(), digits);
  }

  std::string gaps() const {
    std::string cells(cells_, ' ');
    for (auto const& g : what_.gaps()) fill(cells, g.begin, g.end, '.');
    return cells;
  }

  std::string axis() const {
    auto const all = seconds(what_.length());
    double step = 1;
    for (double const nice : {2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1'800.0, 3'600.0, 14'400.0})
      if (all / step * tick_width > static_cast<double>(cells_)) step = nice;
    std::string cells(cells_ + tick_width, ' ');
    for (double t = 0; t <= all; t += step) {
      auto const at = cell(std::chrono::duration_cast<timeline::time>(std::chrono::duration<double>(t)));
      auto const label = std::to_string(static_cast<long>(t)) + " s";
      if (at + label.size() <= cells_) cells.replace(at, label.size(), label);
    }
    return row("", cells);
  }

  timeline const& what_;
  std::vector<std::string> names_;
  std::size_t margin_ = 0, cells_ = 0;
};

}  // namespace

std::string draw_text(timeline const& what, timeline_labels const& labels, std::size_t columns) {
  return text_drawing(what, labels, columns).lines();
}

}  // namespace coelect::cli
