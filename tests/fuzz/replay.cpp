// Feeds every kept input to its target, without libFuzzer: fuzz-corpus DIRECTORY, which has one folder per target.
#include "fuzz.hpp"
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using namespace coelect::fuzz;

struct named {
  char const* name;
  target_fn* run;
};
constexpr named targets[] = {
    {"azure_answer", azure_answer}, {"azure_place", azure_place}, {"etcd_answer", etcd_answer},
    {"etcd_request", etcd_request}, {"http_answer", http_answer}, {"lock_file", lock_file},
    {"store_url", store_url},       {"watch_lines", watch_lines},
};

std::string now_running;

void tell(int) {
  std::fprintf(stderr, "fuzz-corpus: it was %s, or a beginning of it\n", now_running.c_str());
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

std::string content(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t replay(named const& target, std::filesystem::path const& folder) {
  std::vector<std::filesystem::path> inputs;
  for (auto const& entry : std::filesystem::directory_iterator(folder)) inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  for (auto const& path : inputs) {
    auto const input = content(path);
    now_running = path.string();
    timed(target.run, input);
    // Every beginning of it, too: what is cut off is what readers forget.
    for (std::size_t n = 0; n < std::min<std::size_t>(input.size(), 600); ++n)
      target.run(std::string_view(input).substr(0, n));
  }
  return inputs.size();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz-corpus DIRECTORY\n");
    return 2;
  }
  std::signal(SIGABRT, tell);
  int without = 0;
  for (auto const& target : targets) {
    auto const count = replay(target, std::filesystem::path(argv[1]) / target.name);
    std::printf("%-14s %zu inputs\n", target.name, count);
    if (count == 0) ++without;
  }
  return without == 0 ? 0 : 1;
}
