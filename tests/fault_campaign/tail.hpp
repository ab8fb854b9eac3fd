// What candidates have noted so far: reads on in their journals, and knows who leads what.
#pragma once
#include "actor.hpp"
#include <fstream>

namespace coelect::test {

/// For one thread.
class tail {
public:
  explicit tail(std::vector<std::filesystem::path> files) {
    for (auto& f : files) read_to_.emplace_back(std::move(f), 0);
  }

  struct term {
    std::string candidate;
    std::uint64_t token = 0;
    nanoseconds won{}, valid_until{};  ///< The end of the last stretch in which valid() said yes.
    bool over = false;                 ///< It was noted as lost or resigned.
  };

  void read() {
    for (auto& [file, from] : read_to_) {
      std::ifstream in(file);
      in.seekg(from);
      for (std::string line; std::getline(in, line) && !in.eof();) {
        from = in.tellg();
        see(testing::event_from_json(line));
      }
    }
  }
  /// The newest term of the election; nullptr when there was none.
  term const* newest(std::string const& election) const {
    auto const found = newest_.find(election);
    return found == newest_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> led_by(std::string const& candidate) const {
    std::vector<std::string> all;
    for (auto const& [election, t] : newest_)
      if (t.candidate == candidate && !t.over) all.push_back(election);
    return all;
  }

private:
  void see(testing::event const& e) {
    using testing::happening;
    if (e.what == happening{} || e.election.empty()) return;
    auto& t = newest_[e.election];
    if (e.what == happening::elected && e.token > t.token) t = {e.candidate, e.token, e.at, e.at, false};
    if (e.token != t.token) return;
    if (e.what == happening::valid) t.valid_until = std::max(t.valid_until, e.until);
    if (e.what == happening::lost || e.what == happening::resigned) t.over = true;
  }

  std::vector<std::pair<std::filesystem::path, std::streamoff>> read_to_;
  std::map<std::string, term> newest_;
};

}  // namespace coelect::test
