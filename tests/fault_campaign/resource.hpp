// The fenced resource as a candidate reaches it: a local socket, one packet asks and one answers.
#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace coelect::test {

inline sockaddr_un local_address(std::string const& path) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::strncpy(where.sun_path, path.c_str(), sizeof where.sun_path - 1);
  return where;
}

/// Blocks until it is answered. For one thread.
class resource {
public:
  explicit resource(std::string path) : path_(std::move(path)) {}
  resource(resource const&) = delete;
  resource& operator=(resource const&) = delete;
  ~resource() { ::close(fd_); }

  /// Whether it was done; nothing when the resource cannot be reached.
  std::optional<bool> write(std::string const& election, std::uint64_t token, std::string const& candidate) {
    if (fd_ < 0 && !open()) return {};
    auto const ask = election + " " + std::to_string(token) + " " + candidate;
    char answer = 0;
    if (::send(fd_, ask.data(), ask.size(), MSG_NOSIGNAL) < 0 || ::recv(fd_, &answer, 1, 0) != 1) return {};
    return answer == 'y';
  }

private:
  bool open() {
    fd_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    auto const where = local_address(path_);
    if (::connect(fd_, reinterpret_cast<sockaddr const*>(&where), sizeof where) == 0) return true;
    ::close(fd_);
    fd_ = -1;
    return false;
  }

  std::string path_;
  int fd_ = -1;
};

}  // namespace coelect::test
