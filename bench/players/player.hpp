// What every C++ player shares: the command line, clocks, processor time and the one line of JSON at the end.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace bench {

/// PLAYER WORKLOAD --flag value ...: the same words in every language.
struct options {
  std::string workload;
  std::string endpoint = "127.0.0.1:2379";  ///< etcd: host:port. Azure: the account's URL.
  std::string mode;                         ///< "kept" or "fresh", or what a workload says.
  std::string prefix = "bench/";            ///< All keys begin with it. Ends with a slash.
  int n = 1;                                ///< Elections, waiters or requests at the same time.
  int rounds = 100;                         ///< How often, for workloads that count.
  int ttl = 10;                             ///< Seconds.
  int settle_ms = 12;                       ///< From a candidate's arrival to the resignation before it.
  double seconds = 3;                       ///< How long, for workloads that run by the clock.
  std::string requests;                     ///< Azure floor: a file of signed requests.
  int server_pid = 0;                       ///< Whose processor time is the server's; 0: unknown.
};

inline options read_options(int argc, char** argv) {
  options o;
  if (argc < 2 || argc % 2 != 0) throw std::runtime_error("usage: PLAYER WORKLOAD [--FLAG VALUE]...");
  o.workload = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    std::string_view const flag = argv[i];
    char const* const value = argv[i + 1];
    if (flag == "--endpoint") o.endpoint = value;
    else if (flag == "--mode") o.mode = value;
    else if (flag == "--prefix") o.prefix = value;
    else if (flag == "--n") o.n = std::atoi(value);
    else if (flag == "--rounds") o.rounds = std::atoi(value);
    else if (flag == "--ttl") o.ttl = std::atoi(value);
    else if (flag == "--settle-ms") o.settle_ms = std::atoi(value);
    else if (flag == "--seconds") o.seconds = std::atof(value);
    else if (flag == "--requests") o.requests = value;
    else if (flag == "--server-pid") o.server_pid = std::atoi(value);
    else throw std::runtime_error("unknown flag " + std::string(flag));
  }
  return o;
}

inline double seconds_of(timespec const& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

/// CLOCK_MONOTONIC in seconds: the same for all processes of a host.
inline double now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return seconds_of(t);
}

/// Processor time of this process so far, in seconds.
inline double own_cpu() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return seconds_of(t);
}

/// Processor time of another process so far, in seconds. 0 when it is unknown.
inline double cpu_of(int pid) {
  clockid_t its{};
  timespec t{};
  bool const known = pid > 0 && ::clock_getcpuclockid(pid, &its) == 0 && ::clock_gettime(its, &t) == 0;
  return known ? seconds_of(t) : 0;
}

inline double own_rss_mb() {
  long size = 0, resident = 0;
  FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

/// What a player has measured, printed as one line of JSON.
class metrics {
public:
  void put(std::string const& name, double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.10g", value);
    text_ += (text_.empty() ? "\"" : ",\"") + name + "\":" + text;
  }
  /// Median, 99th percentile, extremes and how many there are.
  void put_all(std::string const& name, std::vector<double> values) {
    if (values.empty()) throw std::runtime_error("nothing was measured: " + name);
    std::sort(values.begin(), values.end());
    auto const at = [&](double part) {
      return values[static_cast<std::size_t>(part * static_cast<double>(values.size()))];
    };
    put(name + "_p50", at(0.5));
    put(name + "_p99", at(0.99));
    put(name + "_min", values.front());
    put(name + "_max", values.back());
    put(name + "_count", static_cast<double>(values.size()));
  }
  void print() const {
    std::printf("{%s}\n", text_.c_str());
    std::fflush(stdout);
  }

private:
  std::string text_;
};

/// Processor time of the client and of the server from one moment to another, per thing done.
class cpu_meter {
public:
  explicit cpu_meter(int server_pid) : server_(server_pid) { restart(); }
  void restart() {
    own_before_ = own_cpu();
    server_before_ = cpu_of(server_);
  }
  void put(metrics& out, double things) const {
    out.put("client_cpu_ms", (own_cpu() - own_before_) * 1e3 / things);
    if (server_ > 0) out.put("server_cpu_ms", (cpu_of(server_) - server_before_) * 1e3 / things);
  }

private:
  int server_;
  double own_before_ = 0, server_before_ = 0;
};

/// Tells the harness that everything is set up and waits until it says go on: it counts from outside meanwhile.
inline void ready_and_wait() {
  std::puts("READY");
  std::fflush(stdout);
  while (std::getchar() != '\n' && !std::feof(stdin)) {
  }
}

/// Returns when the harness has closed our input.
inline void until_input_ends() {
  while (std::getchar() != EOF) {
  }
}

constexpr int warm_up = 30;  ///< Rounds that are not counted, in every player: caches, pages, connections.

}  // namespace bench
