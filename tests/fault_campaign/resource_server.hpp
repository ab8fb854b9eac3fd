// The fenced resource: takes writes whose token is not older than the newest one, and notes them in its own order.
#pragma once
#include "journal.hpp"
#include <atomic>
#include <coelect/fence.hpp>
#include <map>
#include <thread>

namespace coelect::test {

/// Serves on a local socket with a thread of its own. One fence per election.
class resource_server {
public:
  /// `path`: of the socket, at most 107 bytes.
  resource_server(std::string path, std::filesystem::path const& notes);
  resource_server(resource_server const&) = delete;
  resource_server& operator=(resource_server const&) = delete;
  ~resource_server();

  std::string const& path() const noexcept { return path_; }
  std::uint64_t accepted() const noexcept { return accepted_; }
  std::uint64_t refused() const noexcept { return refused_; }

private:
  void serve();
  bool write(std::string const& ask);

  std::string path_;
  journal out_;
  int listener_ = -1;
  int bell_[2] = {-1, -1};
  std::map<std::string, fence> fences_;
  std::atomic<std::uint64_t> accepted_{0}, refused_{0};
  std::thread thread_;
};

}  // namespace coelect::test
