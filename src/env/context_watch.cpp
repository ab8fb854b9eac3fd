// Learns that an execution context is being destroyed, before its I/O services are.
#include "env/context_watch.hpp"
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <list>
#include <mutex>

namespace coelect::env {
namespace {

using entry = std::function<void()>;

// Asio shuts services down newest first, so what we registered after the reactor hears first.
class watch_service final : public boost::asio::execution_context::service {
public:
  using key_type = watch_service;
  inline static boost::asio::execution_context::id id;

  explicit watch_service(boost::asio::execution_context& owner) : service(owner) {}

  struct table {
    std::mutex mutex;
    std::list<std::weak_ptr<entry>> entries;
  };

  std::shared_ptr<entry> add(entry gone) {
    auto made = std::make_shared<entry>(std::move(gone));
    std::lock_guard const lock(table_.mutex);
    table_.entries.remove_if([](auto const& e) { return e.expired(); });
    table_.entries.push_back(made);
    return made;
  }

  void shutdown() override {
    std::list<std::weak_ptr<entry>> all;
    {
      std::lock_guard const lock(table_.mutex);
      all.swap(table_.entries);
    }
    for (auto const& weak : all)
      if (auto const held = weak.lock()) (*held)();
  }

private:
  table table_;
};

}  // namespace

std::shared_ptr<void> when_gone(boost::asio::any_io_executor const& ex, std::function<void()> gone) {
  // Makes the strands' service, if nobody has yet: it must be older than ours to go after it.
  static_cast<void>(boost::asio::make_strand(ex));
  auto& context = boost::asio::query(ex, boost::asio::execution::context);
  return boost::asio::use_service<watch_service>(context).add(std::move(gone));
}

}  // namespace coelect::env
