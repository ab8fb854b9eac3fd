// A directory on disk that is gone after the test.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace coelect::test {

/// On disk, not on tmpfs: /var/tmp, or COELECT_TEST_DIR.
class scratch_directory {
public:
  scratch_directory() {
    auto const* const asked = std::getenv("COELECT_TEST_DIR");
    std::string pattern = std::string(asked ? asked : "/var/tmp") + "/coelect-test-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot make a directory like " + pattern);
    path_ = pattern;
  }
  scratch_directory(scratch_directory const&) = delete;
  scratch_directory& operator=(scratch_directory const&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path const& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

}  // namespace coelect::test
