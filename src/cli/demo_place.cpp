// Where the demonstration holds its election.
#include "cli/demo_place.hpp"
#include "cli/text.hpp"
#include <coelect/error.hpp>
#include <cstdlib>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <vector>

namespace coelect::cli {
namespace {

namespace fs = std::filesystem;

// Short, so that nobody has to wait for long; yet renewals may be late by seconds.
constexpr std::chrono::seconds default_ttl{4};
constexpr std::chrono::seconds default_ttl_on_azure{15};  // the service has no shorter ones
constexpr char const* poll_on_azure = "1";

bool on_tmpfs(fs::path const& directory) {
  struct statfs about {};
  if (::statfs(directory.c_str(), &about) != 0) return false;
  auto const type = static_cast<unsigned long>(about.f_type);
  return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}

std::vector<fs::path> possible_parents() {
  std::vector<fs::path> list;
  auto const* const given = std::getenv("TMPDIR");
  if (given != nullptr && given[0] == '/') list.emplace_back(given);
  list.emplace_back("/var/tmp");
  list.emplace_back("/tmp");
  return list;
}

bool usable(fs::path const& directory) { return ::access(directory.c_str(), W_OK | X_OK) == 0; }

// On disk if there is one: take-over times on tmpfs would flatter.
fs::path choose_parent() {
  fs::path second_best;
  for (auto const& directory : possible_parents()) {
    if (!usable(directory)) continue;
    if (!on_tmpfs(directory)) return directory;
    if (second_best.empty()) second_best = directory;
  }
  return second_best;
}

fs::path make_directory(fs::path const& parent) {
  auto path = (parent / "coelect-demo-XXXXXX").string();
  if (parent.empty() || ::mkdtemp(path.data()) == nullptr)
    throw coelect::election_error(coelect::errc::bad_options,
                                  "store: no temporary directory can be made; name a place with --store");
  return path;
}

std::string scheme_of(std::string const& url) { return url.substr(0, url.find(':')); }

}  // namespace

demo_place::demo_place(std::string const& store, std::chrono::milliseconds asked)
    : url(store), ttl(asked), temporary(store.empty()) {
  if (temporary) {
    directory_ = make_directory(choose_parent());
    in_memory = on_tmpfs(directory_);
    url = "file:" + percent_encoded(directory_.string());
  }
  kind = is_azure(url) ? "Azure Blob store" : scheme_of(url) + " store";
  lock_of_the_kernel = scheme_of(url) == "file";
  if (lock_of_the_kernel) return;
  if (ttl == std::chrono::milliseconds(0)) ttl = is_azure(url) ? default_ttl_on_azure : default_ttl;
  leases = "leases of " + std::to_string(ttl.count() / 1000) + " s";
  if (ttl.count() % 1000 != 0) leases = "leases of " + span(ttl);
  kind += ", " + leases;
}

demo_place::~demo_place() {
  std::error_code ignored;
  if (temporary) fs::remove_all(directory_, ignored);
}

std::vector<std::string> candidate_flags(settings const& how, demo_place const& place) {
  std::vector<std::string> flags{"--store", place.url, "--election", how.election};
  if (place.ttl != std::chrono::milliseconds(0)) {
    auto const seconds = static_cast<double>(place.ttl.count()) / 1000;
    flags.insert(flags.end(), {"--ttl", std::to_string(seconds)});
  }
  for (auto const& access : {flags_for(how.etcd), flags_for(how.azure, place.url)})
    flags.insert(flags.end(), access.begin(), access.end());
  bool const often = is_azure(place.url) && how.azure.poll == std::chrono::milliseconds(0);
  if (often) flags.insert(flags.end(), {"--poll", poll_on_azure});
  if (how.allow_tmpfs || place.in_memory) flags.emplace_back("--allow-tmpfs");
  if (how.allow_remote) flags.emplace_back("--allow-remote");
  if (how.verbose) flags.emplace_back("--verbose");
  return flags;
}

}  // namespace coelect::cli
