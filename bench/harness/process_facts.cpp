// What /proc tells about a process and the machine: memory, threads, connections, processor time, libraries.
#include "harness/process_facts.hpp"
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

namespace bench {
namespace {

namespace fs = std::filesystem;

fs::path proc(pid_t pid, char const* what) { return "/proc/" + std::to_string(pid) + "/" + what; }

/// The number after `name` in a file of lines "name: number".
double number_after(fs::path const& file, std::string const& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.rfind(name, 0) == 0) return std::stod(line.substr(name.size()));
  return 0;
}

std::string text_after(fs::path const& file, std::string const& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.rfind(name, 0) == 0) return line.substr(line.find(':') + 2);
  return {};
}

void add_established(fs::path const& table, std::set<std::string>& inodes) {
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string word, state;
    for (int i = 0; i < 10; ++i) {
      words >> word;
      if (i == 3) state = word;
    }
    if (state == "01") inodes.insert("socket:[" + word + "]");
  }
}

struct load {
  double busy = 0, all = 0;
};

load load_so_far() {
  std::ifstream in("/proc/stat");
  std::string cpu;
  in >> cpu;
  load l;
  double value = 0;
  for (int i = 0; i < 8 && in >> value; ++i) {
    l.all += value;
    if (i != 3 && i != 4) l.busy += value;  // idle and waiting for a disk
  }
  return l;
}

}  // namespace

double rss_bytes(pid_t pid) {
  std::ifstream in(proc(pid, "statm"));
  double size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

int threads_of(pid_t pid) { return static_cast<int>(number_after(proc(pid, "status"), "Threads:")); }

int tcp_connections_of(pid_t pid) {
  std::set<std::string> established;
  add_established(proc(pid, "net/tcp"), established);
  add_established(proc(pid, "net/tcp6"), established);
  int count = 0;
  std::error_code gone;
  for (auto const& fd : fs::directory_iterator(proc(pid, "fd"), gone))
    count += established.count(fs::read_symlink(fd.path(), gone).string()) != 0 ? 1 : 0;
  return count;
}

libraries libraries_of(pid_t pid) {
  std::ifstream in(proc(pid, "maps"));
  std::set<std::string> files;
  for (std::string line; std::getline(in, line);) {
    auto const slash = line.find('/');
    if (slash == std::string::npos) continue;
    auto const file = line.substr(slash);
    auto const name = fs::path(file).filename().string();
    if (name.find(".so") != std::string::npos && name.rfind("ld-", 0) != 0) files.insert(file);
  }
  libraries l;
  l.count = static_cast<int>(files.size());
  std::error_code gone;
  for (auto const& file : files) l.bytes += static_cast<double>(fs::file_size(file, gone));
  return l;
}

double size_of_program(pid_t pid) {
  std::error_code gone;
  return static_cast<double>(fs::file_size(fs::read_symlink(proc(pid, "exe"), gone), gone));
}

double busy_part_of_machine() {
  auto const before = load_so_far();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  auto const after = load_so_far();
  auto const all = after.all - before.all;
  return all > 0 ? (after.busy - before.busy) / all : 0;
}

std::string machine_text() {
  utsname kernel{};
  ::uname(&kernel);
  std::string const release = kernel.release;
  auto const memory_gib = number_after("/proc/meminfo", "MemTotal:") / 1024 / 1024;
  std::ostringstream text;
  text << std::thread::hardware_concurrency() << " x " << text_after("/proc/cpuinfo", "model name") << ", "
       << static_cast<int>(memory_gib + 0.5) << " GiB, " << kernel.sysname << " "
       << release.substr(0, release.find('-'));
  return text.str();
}

}  // namespace bench
