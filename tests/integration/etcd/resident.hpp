// How much memory this process has.
#pragma once
#include <fstream>
#include <string>

namespace coelect::test {

inline double resident_kib() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;)
    if (word == "VmRSS:") {
      double kib = 0;
      in >> kib;
      return kib;
    }
  return 0;
}

}  // namespace coelect::test
