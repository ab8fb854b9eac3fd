// Chooses the kind of store that a URL names.
#include "base/url.hpp"
#include <coelect/file_store.hpp>
#include <coelect/memory_store.hpp>
#include <coelect/open_store.hpp>

namespace coelect {
namespace {

[[noreturn]] void refuse(std::string const& sentence) { throw election_error(errc::bad_options, sentence); }

std::shared_ptr<store> open_file(boost::asio::any_io_executor ex, base::store_url const& url, store_settings how) {
  if (!url.authority.empty() && url.authority != "localhost")
    refuse("store URL: file:// is followed by a host, '" + url.authority + "'; write file:/directory");
  if (url.path.empty() || url.path.front() != '/')
    refuse("store URL: file: needs an absolute directory, not '" + url.path + "'");
  if (how.timing.ttl != std::chrono::milliseconds(0)) refuse("ttl: a file store has no leases and takes no ttl");
  file_store_options options;
  options.directory = url.path;
  options.allow_remote = how.allow_remote;
  options.allow_volatile = how.allow_volatile;
  options.log = std::move(how.log);
  options.env = std::move(how.env);
  return make_file_store(std::move(ex), std::move(options));
}

std::shared_ptr<store> open_memory(boost::asio::any_io_executor ex, base::store_url const& url, store_settings how) {
  if (!url.path.empty() || !url.authority.empty())
    refuse("store URL: memory: takes no name; share the store object instead");
  memory_store_options options;
  options.timing = how.timing;
  options.log = std::move(how.log);
  options.env = std::move(how.env);
  return make_memory_store(std::move(ex), std::move(options));
}

}  // namespace

std::shared_ptr<store> open_store(boost::asio::any_io_executor ex, std::string_view url, store_settings how) {
  auto const parsed = base::parse_store_url(url);
  bool const on_files = parsed.scheme == "file";
  if (!on_files && (how.allow_remote || how.allow_volatile))
    refuse("allow_remote and allow_volatile are settings of file stores, not of " + parsed.scheme + ":");
  if (on_files) return open_file(std::move(ex), parsed, std::move(how));
  if (parsed.scheme == "memory") return open_memory(std::move(ex), parsed, std::move(how));
  refuse("store URL: unknown scheme '" + parsed.scheme + "'; known are file: and memory:");
}

}  // namespace coelect
