// `coelect check`: judges what candidates wrote with --json, whether any two could act at the same moment.
#include "cli/check.hpp"
#include <algorithm>
#include <coelect/testing/checker.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>

namespace coelect::cli {
namespace {

using testing::event;
using testing::happening;

struct unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void read(std::istream& in, std::string const& name, std::vector<event>& into) {
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    // A process that was killed leaves half a line.
    if (in.eof() && !line.ends_with('}')) return;
    if (line.empty()) continue;
    try {
      auto one = testing::event_from_json(line);
      if (one.what != happening{}) into.push_back(std::move(one));
    } catch (std::invalid_argument const& e) {
      throw unreadable(name + ":" + std::to_string(number) + ": " + e.what());
    }
  }
  if (in.bad()) throw unreadable(name + ": cannot be read");
}

std::vector<event> read_all(std::vector<std::string> const& files) {
  std::vector<event> all;
  for (auto const& file : files) {
    if (file == "-") {
      read(std::cin, "standard input", all);
      continue;
    }
    std::ifstream in(file);
    if (!in) throw unreadable(file + ": cannot be opened");
    read(in, file, all);
  }
  auto const earlier = [](event const& a, event const& b) { return a.at < b.at; };
  std::stable_sort(all.begin(), all.end(), earlier);  // lines of one file keep their order
  return all;
}

std::map<std::string, testing::checker> judged(std::vector<event> const& all) {
  std::map<std::string, testing::checker> elections;
  for (auto const& one : all)
    if (one.what != happening::excuse || !one.election.empty()) elections.try_emplace(one.election);
  for (auto const& one : all) {
    if (!one.election.empty() || one.what != happening::excuse) elections[one.election].see(one);
    else
      for (auto& [name, each] : elections) each.see(one);  // what is said of no election is said of all
  }
  return elections;
}

}  // namespace

int check(settings const& how) {
  try {
    auto const elections = judged(read_all(how.files.empty() ? std::vector<std::string>{"-"} : how.files));
    bool fine = true;
    for (auto const& [name, judge] : elections) {
      fine = fine && judge.fine();
      std::printf("%s: %s\n", name.empty() ? "(no election)" : name.c_str(), judge.summary().c_str());
      for (auto const& complaint : judge.complaints()) std::printf("  %s\n", complaint.c_str());
    }
    if (elections.empty()) std::printf("no terms, no writes: there is nothing to judge\n");
    return fine ? exit_code::done : exit_code::unexpected;
  } catch (unreadable const& e) {
    std::fprintf(stderr, "coelect: %s\n", e.what());
    return exit_code::usage;
  }
}

}  // namespace coelect::cli
