// Hears from the kernel (inotify) that something happened to a file.
#pragma once
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace coelect::stores::file {

/// What happened; more than one may be set.
struct file_event {
  bool released = false;  ///< Somebody closed it after writing or having been able to, or died.
  bool replaced = false;  ///< Deleted, renamed, or its links or permissions changed.
  bool written = false;   ///< Its content changed.
  bool appeared = false;  ///< In a directory: a name came into being.
};

class file_watch;

/// A file or directory that is being watched. Destroying it, on the strand: no more calls.
class subscription {
public:
  using hear = std::function<void(file_event)>;
  subscription(hear h, std::weak_ptr<file_watch> at) : tell(std::move(h)), at_(std::move(at)) {}
  subscription(subscription const&) = delete;
  subscription& operator=(subscription const&) = delete;
  ~subscription();
  hear const tell;

private:
  std::weak_ptr<file_watch> at_;
};

/// One inotify instance for all elections of a store. On the store's strand. Without an instance
/// (the user's limit is used up) subscriptions stay silent and polling must do.
class file_watch : public std::enable_shared_from_this<file_watch> {
public:
  explicit file_watch(boost::asio::any_io_executor where);
  ~file_watch();

  bool available() const noexcept { return inotify_ != nullptr; }
  /// The very file that is open as `fd`, whatever has become of its name.
  std::shared_ptr<subscription> subscribe(int fd, subscription::hear h);
  std::shared_ptr<subscription> subscribe(std::filesystem::path const& directory, subscription::hear h);
  /// The file that has this name now.
  std::shared_ptr<subscription> subscribe_path(std::filesystem::path const& file, subscription::hear h);
  void close() noexcept;   ///< The execution context is going away.
  void forget_unwanted();  ///< A subscription has gone.

private:
  std::shared_ptr<subscription> add(std::filesystem::path const& path, std::uint32_t mask, subscription::hear h);
  void read();
  void on_read(std::size_t size);
  void tell_all(int watch, std::uint32_t mask);

  std::unique_ptr<boost::asio::posix::stream_descriptor> inotify_;
  std::map<int, std::vector<std::weak_ptr<subscription>>> watches_;
  alignas(8) char buffer_[4096];
  bool reading_ = false;
  unsigned const made_in_;
};

}  // namespace coelect::stores::file
