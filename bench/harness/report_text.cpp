// Tells what was measured on the terminal, and as JSON.
#include "harness/report.hpp"
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

namespace bench {
namespace {

std::string padded(std::string text, std::size_t width, bool left) {
  if (text.size() >= width) return text;
  std::string const space(width - text.size(), ' ');
  return left ? text + space : space + text;
}

void print_table(results const& r, workload const& w, field const& who) {
  auto const titles = titles_of(w);
  std::vector<std::vector<std::string>> lines{titles};
  std::string last;
  for (auto const& row : rows_of(r, w, who)) {
    std::vector<std::string> line{row.row == last ? "" : row.row, row.participant};
    line.insert(line.end(), row.cells.begin(), row.cells.end());
    last = row.row;
    lines.push_back(line);
  }
  std::vector<std::size_t> width(titles.size(), 0);
  for (auto const& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) width[i] = std::max(width[i], line[i].size());
  std::printf("\n%s\n", w.title.c_str());
  for (auto const& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) text += (i ? "  " : "") + padded(line[i], width[i], i < 2);
    std::printf("%s\n", text.c_str());
  }
}

}  // namespace

void print_workload(std::string const& id, results const& r, field const& who, bool with_goals) {
  for (auto const& w : all_workloads()) {
    if (w.id != id || r.rows(id).empty()) continue;
    print_table(r, w, who);
    if (with_goals)
      for (auto const& v : judge_goals(r, id, who)) std::printf("  goal  %s\n", text_of(v).c_str());
    if (r.busy_part(id) > 0)
      std::printf("  the machine was busy with something else before %.0f %% of these runs\n", r.busy_part(id) * 100);
  }
  std::fflush(stdout);
}

void print_missing(results const& r, field const& who) {
  std::printf("\n");
  for (auto const& m : who.absent) std::printf("missing: %s: %s\n", m.name.c_str(), m.why.c_str());
  for (auto const& f : r.failures())
    std::printf("FAILED: %s in %s, %s: %s\n", f.participant.c_str(), f.workload.c_str(), f.row.c_str(), f.what.c_str());
}

void write_json(std::filesystem::path const& folder, results const& r, field const& who, circumstances const& where) {
  for (auto const& w : all_workloads()) {
    nlohmann::json all{{"workload", w.title}, {"date", where.date},       {"machine", where.machine},
                       {"etcd", where.etcd},  {"command", where.command}, {"samples", nlohmann::json::array()}};
    for (auto const& m : who.absent) all["missing"][m.name] = m.why;
    for (auto const& s : r.samples())
      if (s.workload == w.id)
        all["samples"].push_back(
            {{"row", s.row}, {"participant", s.participant}, {"busy", s.busy}, {"values", s.values}});
    for (auto const& f : r.failures())
      if (f.workload == w.id)
        all["failures"].push_back({{"row", f.row}, {"participant", f.participant}, {"what", f.what}});
    for (auto const& v : judge_goals(r, w.id, who))
      if (v.measured)
        all["goals"].push_back({{"row", v.of.row}, {"text", v.of.text}, {"value", v.value}, {"reached", v.reached}});
    if (all["samples"].empty()) continue;
    std::ofstream out(folder / (w.id + ".json"));
    out << all.dump(1) << '\n';
  }
}

}  // namespace bench
