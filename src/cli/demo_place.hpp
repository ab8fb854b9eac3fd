// Where the demonstration holds its election.
#pragma once
#include <filesystem>
#include <string>

namespace coelect::cli {

/// The store that was asked for, or else a directory of its own, removed at the end.
struct demo_place {
  explicit demo_place(std::string const& store);
  demo_place(demo_place const&) = delete;
  demo_place& operator=(demo_place const&) = delete;
  ~demo_place();

  std::string url;
  std::string kind;                 ///< "file store".
  bool lock_of_the_kernel = false;  ///< A stopped process keeps its hold for as long as it lives.
  bool in_memory = false;           ///< Only tmpfs was to be had.
  bool temporary = false;

private:
  std::filesystem::path directory_;
};

}  // namespace coelect::cli
