// Learns that an execution context is being destroyed, before its I/O services are.
#include "env/context_watch.hpp"
#include "base/weak_list.hpp"
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <mutex>

namespace coelect::env {
namespace {

// Asio shuts services down newest first, so what we registered after the reactor hears first.
class watch_service final : public boost::asio::execution_context::service {
public:
  using key_type = watch_service;
  inline static boost::asio::execution_context::id id;

  explicit watch_service(boost::asio::execution_context& owner) : service(owner) {}

  void add(std::weak_ptr<context_user> who) {
    std::lock_guard const lock(table_.mutex);
    table_.users.add(std::move(who));
  }

  void shutdown() override {
    auto const all = [this] {
      std::lock_guard const lock(table_.mutex);
      return table_.users.take();
    }();
    for (auto const& weak : all)
      if (auto const who = weak.lock()) who->context_ends(context());
  }

private:
  struct table {
    std::mutex mutex;
    base::weak_list<context_user> users;
  };
  table table_;
};

}  // namespace

void when_gone(boost::asio::any_io_executor const& ex, std::weak_ptr<context_user> who) {
  // Makes the strands' service, if nobody has yet: it must be older than ours to go after it.
  static_cast<void>(boost::asio::make_strand(ex));
  auto& context = boost::asio::query(ex, boost::asio::execution::context);
  boost::asio::use_service<watch_service>(context).add(std::move(who));
}

}  // namespace coelect::env
