// What every command stands on: the event loop, the store, the output, and how failures leave.
#include "cli/session.hpp"
#include "cli/text.hpp"
#include <cerrno>
#include <coelect/open_store.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coelect::cli {
namespace {

namespace fs = std::filesystem;

char const* word_for(severity level) {
  switch (level) {
    case severity::debug: return "debug";
    case severity::info: return "info";
    case severity::warning: return "warning";
    case severity::error: return "error";
  }
  return "log";
}

log_fn log_to(std::shared_ptr<line_writer> const& err) {
  return [err](severity level, std::string_view line) {
    auto const now = clock_time(std::chrono::system_clock::now());
    err->write("[" + now + "] " + word_for(level) + ": " + printable(line) + "\n");
  };
}

// An absolute path from the environment, as the XDG base directory specification wants it.
fs::path from_environment(char const* name) {
  auto const* const text = std::getenv(name);
  if (text == nullptr || text[0] != '/') return {};
  return text;
}

fs::path state_home() {
  auto const given = from_environment("XDG_STATE_HOME");
  if (!given.empty()) return given;
  auto home = from_environment("HOME");
  if (home.empty())
    if (auto const* const user = ::getpwuid(::getuid()); user != nullptr) home = user->pw_dir;
  if (home.empty())
    throw election_error(errc::bad_options,
                         "store: there is no home directory for the default; give --store file:/directory");
  return home / ".local" / "state";
}

void make_private(fs::path const& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return;
  auto const why = std::string(std::strerror(errno));
  throw election_error(errc::unauthorized,
                       "store: cannot make " + directory.string() + " (" + why + "); give --store file:/directory");
}

}  // namespace

std::string default_store() {
  auto const directory = state_home() / "coelect";
  fs::path made;
  for (auto const& part : directory) {
    made /= part;
    if (made != made.root_path()) make_private(made);
  }
  return "file:" + percent_encoded(directory.string());
}

session::session(boost::asio::any_io_executor ex, settings const& how)
    : executor_(std::move(ex)),
      how_(how),
      err_(std::make_shared<line_writer>(STDERR_FILENO, line_writer::unread::ignore)),
      out_(how.what == command::run ? err_ : std::make_shared<line_writer>(STDOUT_FILENO, line_writer::unread::stop)) {}

std::shared_ptr<store> session::open() {
  store_settings settings;
  settings.timing.ttl = how_.ttl;
  settings.allow_remote = how_.allow_remote;
  settings.allow_volatile = how_.allow_tmpfs;
  if (how_.verbose) settings.log = log_to(err_);
  auto const url = how_.store.empty() ? default_store() : how_.store;
  if (is_etcd(url)) enter(how_.etcd, settings);
  if (is_azure(url)) enter(how_.azure, url, settings);
  return open_store(executor_, url, std::move(settings));
}

elector session::make_elector() {
  elector_options options;
  options.election = how_.election;
  options.candidate = how_.id;
  options.value = how_.value;
  return {executor_, open(), std::move(options)};
}

void fail(elector const& who, error_code code) { throw election_error(code, who.last_answer()); }

}  // namespace coelect::cli
