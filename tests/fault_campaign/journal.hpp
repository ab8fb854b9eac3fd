// What happened, as lines of JSON in a file: whole lines, so that a process that is killed leaves only its last one in half.
#pragma once
#include <coelect/clock.hpp>
#include <coelect/testing/checker.hpp>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace coelect::test {

/// CLOCK_BOOTTIME, the one clock of all journals of a run.
inline std::chrono::nanoseconds boot_now() { return clock::now().time_since_epoch(); }

/// Appends, one write() a line. Any thread.
class journal {
public:
  explicit journal(std::filesystem::path const& file)
      : fd_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
    if (fd_ < 0) throw std::runtime_error("cannot write " + file.string());
  }
  journal(journal const&) = delete;
  journal& operator=(journal const&) = delete;
  ~journal() { ::close(fd_); }

  void note(testing::event const& what) { line(testing::to_json(what)); }
  /// What the checker does not judge by: `event` is none of its names.
  void note(nlohmann::json const& other) { line(other.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)); }

private:
  void line(std::string text) {
    text += '\n';
    if (::write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(3);  // a full disk
  }

  int fd_;
};

/// Takes half a line off the end of what a killed process wrote, before the next one appends to it.
inline void drop_half_line(std::filesystem::path const& file) {
  int const fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return;  // there is none yet
  auto end = ::lseek(fd, 0, SEEK_END);
  for (char last = 0; end > 0 && ::pread(fd, &last, 1, end - 1) == 1 && last != '\n';) --end;
  if (::ftruncate(fd, end) != 0) throw std::runtime_error("cannot cut " + file.string());
  ::close(fd);
}

}  // namespace coelect::test
