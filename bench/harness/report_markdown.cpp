// Writes the measured part of RESULTS.md; what people have written there stays.
#include "harness/report.hpp"
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

std::string table_of(results const& r, workload const& w, field const& who) {
  std::ostringstream out;
  auto const titles = titles_of(w);
  for (auto const& t : titles) out << "| " << t << ' ';
  out << "|\n";
  for (std::size_t i = 0; i < titles.size(); ++i) out << (i < 2 ? "|---" : "|---:");
  out << "|\n";
  for (auto const& row : rows_of(r, w, who)) {
    out << "| " << row.row << " | " << row.participant << ' ';
    for (auto const& cell : row.cells) out << "| " << cell << ' ';
    out << "|\n";
  }
  return out.str();
}

std::string section_of(results const& r, workload const& w, field const& who, circumstances const& where) {
  std::ostringstream out;
  out << "\n### " << w.title << "\n\n"
      << where.date << ", `" << where.command << "`; " << where.machine << "; etcd " << where.etcd << ".\n";
  for (auto const* const list : {&who.etcd, &who.azure})
    for (auto const& p : *list)
      if (list == (w.id == "w7" ? &who.azure : &who.etcd) && w.id != "micro") out << p.name << ": " << p.what << "; ";
  if (r.busy_part(w.id) > 0)
    out << "the machine was busy before " << static_cast<int>(r.busy_part(w.id) * 100) << " % of the runs.";
  out << "\n\n" << table_of(r, w, who) << '\n';
  for (auto const& v : judge_goals(r, w.id, who)) out << "- " << text_of(v) << '\n';
  for (auto const& f : r.failures())
    if (f.workload == w.id) out << "- failed: " << f.participant << ", " << f.row << '\n';
  for (auto const& m : who.absent)
    if (w.id != "micro" && m.azure == (w.id == "w7")) out << "- missing: " << m.name << ", " << m.why << '\n';
  return out.str();
}

std::string mark(char const* which, std::string const& id) {
  return "<!-- " + std::string(which) + " " + id + " -->\n";
}

}  // namespace

void write_markdown(std::filesystem::path const& file, results const& r, field const& who, circumstances const& where) {
  std::ostringstream in;
  in << std::ifstream(file).rdbuf();
  auto text = in.str();
  for (auto const& w : all_workloads()) {
    if (r.rows(w.id).empty()) continue;
    auto const begin = mark("measured", w.id), end = mark("end of", w.id);
    auto const section = begin + section_of(r, w, who, where) + end;
    auto const from = text.find(begin), to = text.find(end);
    if (from == std::string::npos) text += '\n' + section;
    else if (to == std::string::npos || to < from)
      throw std::runtime_error(file.string() + ": the mark after " + w.id + " is gone");
    else text.replace(from, to + end.size() - from, section);
  }
  std::ofstream(file) << text;
}

}  // namespace bench
