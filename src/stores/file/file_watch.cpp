// Hears from the kernel (inotify) that something happened to a file.
#include "stores/file/file_watch.hpp"
#include "base/first_exception.hpp"
#include "base/fork_guard.hpp"
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <cstring>
#include <string>
#include <sys/inotify.h>
#include <unistd.h>

namespace coelect::stores::file {
namespace {

constexpr std::uint32_t released_mask = IN_CLOSE_WRITE;
constexpr std::uint32_t replaced_mask = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;  // IN_ATTRIB: link count
constexpr std::uint32_t written_mask = IN_MODIFY;
constexpr std::uint32_t appeared_mask = IN_CREATE | IN_MOVED_TO;

}  // namespace

subscription::~subscription() {
  if (auto const watch = at_.lock()) watch->forget_unwanted();
}

file_watch::file_watch(boost::asio::any_io_executor where) : made_in_(base::this_process()) {
  int const fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd >= 0) inotify_ = std::make_unique<boost::asio::posix::stream_descriptor>(where, fd);
}

file_watch::~file_watch() { close(); }

// A forked child shares the parent's epoll set: Asio would take the parent's descriptor out of it.
void file_watch::close() noexcept {
  if (inotify_ && !base::in_process(made_in_)) {
    ::close(inotify_->native_handle());
    static_cast<void>(inotify_.release());
  }
  inotify_.reset();
  watches_.clear();
}

std::shared_ptr<subscription> file_watch::subscribe(int fd, subscription::hear h) {
  auto const path = "/proc/self/fd/" + std::to_string(fd);
  return add(path, released_mask | replaced_mask | written_mask, std::move(h));
}

std::shared_ptr<subscription> file_watch::subscribe(std::filesystem::path const& directory, subscription::hear h) {
  return add(directory, appeared_mask | IN_ONLYDIR, std::move(h));
}

std::shared_ptr<subscription> file_watch::subscribe_path(std::filesystem::path const& file, subscription::hear h) {
  return add(file, released_mask | replaced_mask | written_mask, std::move(h));
}

std::shared_ptr<subscription> file_watch::add(std::filesystem::path const& path, std::uint32_t mask,
                                              subscription::hear h) {
  auto made = std::make_shared<subscription>(std::move(h), weak_from_this());
  if (!inotify_) return made;
  int const watch = ::inotify_add_watch(inotify_->native_handle(), path.c_str(), mask);
  if (watch < 0) return made;
  watches_[watch].push_back(made);
  read();
  return made;
}

// Nothing is read while nobody listens, so that the users' io_context can run out of work.
void file_watch::forget_unwanted() {
  if (!inotify_) return;
  for (auto it = watches_.begin(); it != watches_.end();) {
    std::erase_if(it->second, [](auto const& weak) { return weak.expired(); });
    if (!it->second.empty()) {
      ++it;
      continue;
    }
    ::inotify_rm_watch(inotify_->native_handle(), it->first);
    it = watches_.erase(it);
  }
  boost::system::error_code ignored;
  if (watches_.empty() && reading_) inotify_->cancel(ignored);
}

void file_watch::read() {
  if (reading_) return;
  reading_ = true;
  auto on_done = [weak = weak_from_this()](boost::system::error_code const& ec, std::size_t size) {
    auto const self = weak.lock();
    if (!self) return;
    self->reading_ = false;
    if (!self->inotify_) return;
    if (!ec) self->on_read(size);
    else if (ec != boost::asio::error::operation_aborted) return self->close();  // polling must do
    if (!self->watches_.empty()) self->read();
  };
  inotify_->async_read_some(boost::asio::buffer(buffer_), std::move(on_done));
}

void file_watch::on_read(std::size_t size) {
  std::size_t at = 0;
  while (at + sizeof(inotify_event) <= size) {
    inotify_event event{};
    std::memcpy(&event, buffer_ + at, sizeof event);
    at += sizeof event + event.len;
    if (event.mask & IN_Q_OVERFLOW) {
      auto const everywhere = released_mask | replaced_mask | written_mask | appeared_mask;
      auto const all = watches_;
      for (auto const& [watch, who] : all) tell_all(watch, everywhere);
    } else {
      tell_all(event.wd, event.mask);
    }
  }
}

void file_watch::tell_all(int watch, std::uint32_t mask) {
  auto const found = watches_.find(watch);
  if (found == watches_.end()) return;
  file_event event;
  event.released = mask & released_mask;
  event.replaced = mask & (replaced_mask | IN_IGNORED);
  event.written = mask & written_mask;
  event.appeared = mask & appeared_mask;
  auto const all = found->second;
  if (mask & IN_IGNORED) watches_.erase(found);  // the kernel has dropped the watch
  base::first_exception trouble;
  for (auto const& weak : all)
    if (auto const who = weak.lock()) trouble.from([&] { who->tell(event); });
  trouble.rethrow();
}

}  // namespace coelect::stores::file
