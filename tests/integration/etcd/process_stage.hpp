// Candidates as processes, each with its file of notes, and what all of them noted.
#pragma once
#include "fault_place.hpp"
#include "support/child.hpp"
#include "support/scratch_directory.hpp"
#include <fstream>
#include <sstream>

namespace coelect::test {

using clock_ns = long long;
inline clock_ns boottime() { return clock::now().time_since_epoch().count(); }
inline double ms(clock_ns d) { return static_cast<double>(d) / 1e6; }

struct interval {
  int who;
  std::uint64_t token;
  clock_ns begin, end;
};

/// All that the candidates noted.
struct history {
  std::vector<interval> valid;
  std::map<std::uint64_t, std::string> ends;
  std::map<std::uint64_t, int> owner;
  int resumed_false = 0, resumed_true = 0, accepted = 0, refused = 0, unknown = 0;

  /// What `who` has added to its file since the last time.
  void read(std::filesystem::path const& file, int who) {
    std::ifstream in(file);
    auto& from = read_to[who];
    in.seekg(from);
    for (std::string line; std::getline(in, line) && !in.eof();) {
      from = in.tellg();
      std::istringstream words(line);
      std::string kind, how;
      std::uint64_t token = 0;
      clock_ns a = 0, b = 0;
      words >> kind;
      if (kind == "valid" && words >> token >> a >> b) add({who, token, a, b});
      else if (kind == "resumed" && words >> a >> token) ++(a ? resumed_true : resumed_false);
      else if (kind == "write" && words >> token >> a >> how)
        ++(how == "ok" ? accepted : how == "refused" ? refused : unknown);
      else if (kind == "end" && words >> token >> a) std::getline(words, ends[token]);
    }
  }
  void add(interval i) {
    owner[i.token] = i.who;
    auto const before = last.find(i.who);
    if (before != last.end() && valid[before->second].token == i.token &&
        i.begin - valid[before->second].end < 60'000'000) {
      valid[before->second].end = i.end;
      return;
    }
    last[i.who] = valid.size();
    valid.push_back(i);
  }
  std::map<int, std::streamoff> read_to;
  std::map<int, std::size_t> last;  ///< Of each, in `valid`.
};

/// Three processes, each with its file of notes, on a cluster.
class stage {
public:
  stage(etcd_cluster& cluster, int how_many, milliseconds ttl, milliseconds slack)
      : cluster_(cluster), ttl_(ttl), slack_(slack) {
    for (int i = 0; i < how_many; ++i) {
      actors_.emplace_back();
      start(i);
    }
  }

  void start(int i) {
    std::vector<std::string> command{ETCD_CANDIDATE, "P" + std::to_string(i), file(i), std::to_string(ttl_.count()),
                                     std::to_string(slack_.count())};
    for (auto const& url : cluster_.endpoints()) command.push_back(url);
    actors_[static_cast<std::size_t>(i)] = std::make_unique<child>(std::move(command));
  }
  child& actor(int i) { return *actors_[static_cast<std::size_t>(i)]; }
  std::filesystem::path file(int i) const { return directory_.path() / ("P" + std::to_string(i)); }

  /// Who has noted last that it is valid, with a token above `after`; waits for it.
  std::optional<interval> leader_after(std::uint64_t after, milliseconds limit) {
    auto const end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      std::optional<interval> newest;
      auto const& h = read();
      for (auto const& v : h.valid)
        if (v.token > after && (!newest || v.token > newest->token)) newest = v;
      if (newest && !h.ends.contains(newest->token)) return newest;
      std::this_thread::sleep_for(5ms);
    }
    return {};
  }
  /// Lets a term last that long, or end.
  void reign(std::uint64_t token, milliseconds least) {
    auto const end = std::chrono::steady_clock::now() + 5s;
    auto const lasted = [&] {
      for (auto const& v : read().valid)
        if (v.token == token && v.end - v.begin >= std::chrono::nanoseconds(least).count()) return true;
      return read().ends.contains(token);
    };
    while (!lasted() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(5ms);
  }
  history const& read() {
    for (int i = 0; i < static_cast<int>(actors_.size()); ++i) history_.read(file(i), i);
    return history_;
  }
  void stop_all() { actors_.clear(); }

private:
  etcd_cluster& cluster_;
  milliseconds ttl_, slack_;
  scratch_directory directory_;
  history history_;
  std::vector<std::unique_ptr<child>> actors_;
};

}  // namespace coelect::test
