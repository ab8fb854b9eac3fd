// Draws one picture a workload: a bar for each participant in each row, by its first column.
#include "harness/report.hpp"
#include <algorithm>
#include <cstdio>
#include <fstream>

namespace bench {
namespace {

constexpr int bar = 16, gap = 22, left = 190, width = 560, right = 110, top = 46;

std::string color_of(std::string const& name) {
  if (name == "ours") return "#1f6feb";
  return name == "floor" ? "#9aa0a6" : "#d4a054";
}

void text_at(std::ofstream& out, int x, int y, std::string const& text, char const* more = "") {
  out << "<text x=\"" << x << "\" y=\"" << y << "\" " << more << ">" << text << "</text>\n";
}

}  // namespace

void write_pictures(std::filesystem::path const& folder, results const& r, field const& who) {
  for (auto const& w : all_workloads()) {
    auto const rows = rows_of(r, w, who);
    double most = 0;
    for (auto const& row : rows) most = std::max(most, std::atof(row.cells.front().c_str()));
    if (most <= 0) continue;
    std::ofstream out(folder / (w.id + ".svg"));
    int const height = top + static_cast<int>(rows.size()) * bar + static_cast<int>(r.rows(w.id).size()) * gap + 10;
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << left + width + right << "\" height=\"" << height
        << "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
    text_at(out, 10, 20, w.title, "font-size=\"15\"");
    text_at(out, 10, 36, w.columns.front().title + (w.more_is_better ? ", longer is better" : ", shorter is better"),
            "fill=\"#666\"");
    int y = top;
    std::string last;
    for (auto const& row : rows) {
      if (row.row != last) {
        y += gap;
        text_at(out, 10, y - 5, row.row, "font-weight=\"bold\"");
        last = row.row;
      }
      auto const value = std::atof(row.cells.front().c_str());
      auto const length = std::max(1, static_cast<int>(width * value / most));
      text_at(out, left - 8, y + bar - 4, row.participant, "text-anchor=\"end\"");
      if (!row.cells.front().empty()) {
        out << "<rect x=\"" << left << "\" y=\"" << y + 2 << "\" width=\"" << length << "\" height=\"" << bar - 4
            << "\" fill=\"" << color_of(row.participant) << "\"/>\n";
        text_at(out, left + length + 6, y + bar - 4, row.cells.front());
      }
      y += bar;
    }
    out << "</svg>\n";
  }
}

}  // namespace bench
