// Where the demonstration holds its election.
#pragma once
#include "cli/options.hpp"
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace coelect::cli {

/// The store that was asked for, or else a directory of its own, removed at the end.
struct demo_place {
  demo_place(std::string const& store, std::chrono::milliseconds ttl);
  demo_place(demo_place const&) = delete;
  demo_place& operator=(demo_place const&) = delete;
  ~demo_place();

  std::string url;
  std::string kind;                 ///< "file store"; "etcd store, leases of 4 s"; "Azure Blob store, ...".
  std::string leases;               ///< "leases of 4 s", if there are any.
  std::chrono::milliseconds ttl;    ///< 0: there are no leases.
  bool lock_of_the_kernel = false;  ///< A stopped process keeps its hold for as long as it lives.
  bool in_memory = false;           ///< Only tmpfs was to be had.
  bool temporary = false;

private:
  std::filesystem::path directory_;
};

/// What every `coelect campaign` there is given.
std::vector<std::string> candidate_flags(settings const& how, demo_place const& place);

}  // namespace coelect::cli
