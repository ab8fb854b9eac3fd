// Keeps users' completion handlers until there is something to tell them.
#pragma once
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_executor.hpp>
#include <coelect/detail/initiate.hpp>
#include <coelect/error.hpp>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

namespace coelect::detail {

using boost::asio::cancellation_type;
inline constexpr cancellation_type any_cancellation =
    cancellation_type::terminal | cancellation_type::partial | cancellation_type::total;

/// Any number of pending operations that complete with (error_code, Result...). Every member may be
/// called from any thread. Handlers are posted to their own executor, which counts as busy for as
/// long as they are kept, and are never run inside a call made here.
template <class... Result>
class waiters : public std::enable_shared_from_this<waiters<Result...>> {
public:
  using handler_type = handler<void(error_code, Result...)>;
  using id_type = std::uint64_t;

  /// Keeps `h`. Cancelling it, by one of the types in `by`, calls `on_cancel`, or, when that is empty,
  /// completes it with operation_aborted.
  id_type add(handler_type h, boost::asio::any_io_executor const& fallback, cancellation_type by = any_cancellation,
              std::function<void(id_type)> on_cancel = {}) {
    auto op = std::make_unique<pending>(std::move(h), fallback);
    auto const id = op->id = next_id();
    // First the slot, then the list: once it is there another thread may complete the operation.
    auto slot = boost::asio::get_associated_cancellation_slot(op->handler.call);
    if (slot.is_connected()) connect(slot, id, by, std::move(on_cancel));
    std::lock_guard const lock(mutex_);
    pending_.push_back(std::move(op));
    return id;
  }

  /// Completes one, if it is still there.
  bool complete(id_type id, error_code ec, Result... result) {
    std::lock_guard const lock(mutex_);
    for (auto it = pending_.begin(); it != pending_.end(); ++it) {
      if ((*it)->id != id) continue;
      auto const op = std::move(*it);
      pending_.erase(it);
      finish(*op, ec, std::move(result)...);
      return true;
    }
    return false;
  }

  void complete_all(error_code ec, Result const&... result) {
    std::lock_guard const lock(mutex_);
    for (auto const& op : pending_) finish(*op, ec, Result(result)...);
    pending_.clear();
  }

  /// Completes all with an error and nothing else.
  void fail_all(error_code ec) {
    std::lock_guard const lock(mutex_);
    for (auto const& op : pending_) finish(*op, ec, Result()...);
    pending_.clear();
  }

  /// Destroys, without calling them, the handlers that belong to a context that is being destroyed.
  void drop_those_on(boost::asio::execution_context const& dying) noexcept {
    std::list<std::unique_ptr<pending>> dropped;  // destroyed outside the lock: they may own anything
    std::lock_guard const lock(mutex_);
    for (auto it = pending_.begin(); it != pending_.end();) {
      auto const next = std::next(it);
      bool const theirs = &boost::asio::query((*it)->executor, boost::asio::execution::context) == &dying;
      if (theirs) dropped.splice(dropped.end(), pending_, it);
      it = next;
    }
  }

  /// True when the operation was cancelled, though what that asked for may still be on its way.
  bool cancelled(id_type id) const {
    std::lock_guard const lock(mutex_);
    for (auto const& op : pending_)
      if (op->id == id) return op->cancelled;
    return false;
  }

private:
  struct pending {
    pending(handler_type h, boost::asio::any_io_executor const& fallback)
        : handler(std::move(h)),
          executor(boost::asio::prefer(choose(handler, fallback), boost::asio::execution::outstanding_work.tracked)) {}
    static boost::asio::any_io_executor choose(handler_type const& h, boost::asio::any_io_executor const& fallback) {
      if (h.executor) return h.executor;
      if (fallback) return fallback;
      return boost::asio::system_executor();  // the users' own context is gone
    }
    id_type id = 0;
    bool cancelled = false;
    handler_type handler;
    boost::asio::any_io_executor executor;
  };

  static void finish(pending& op, error_code ec, Result... result) {
    auto call = [h = std::move(op.handler.call), ec, foreign = op.handler.foreign,
                 ... result = std::move(result)]() mutable {
      if (!foreign) return std::move(h)(ec, std::move(result)...);
      // Its executor can only be dispatched to: from here, so that nothing runs inside of complete().
      auto const to = boost::asio::get_associated_executor(h);
      auto last = [h = std::move(h), ec, ... result = std::move(result)]() mutable {
        std::move(h)(ec, std::move(result)...);
      };
      boost::asio::dispatch(to, std::move(last));
    };
    boost::asio::post(op.executor, std::move(call));
  }

  id_type next_id() {
    std::lock_guard const lock(mutex_);
    return ++last_id_;
  }

  void mark_cancelled(id_type id) {
    std::lock_guard const lock(mutex_);
    for (auto const& op : pending_)
      if (op->id == id) op->cancelled = true;
  }

  template <class Slot>
  void connect(Slot& slot, id_type id, cancellation_type by, std::function<void(id_type)> on_cancel) {
    auto cancel = [weak = this->weak_from_this(), id, by, on_cancel = std::move(on_cancel)](cancellation_type type) {
      auto const self = weak.lock();
      if (!self || (type & by) == cancellation_type::none) return;
      self->mark_cancelled(id);
      if (on_cancel) on_cancel(id);
      else self->complete(id, boost::asio::error::operation_aborted, Result()...);
    };
    slot.assign(std::move(cancel));
  }

  mutable std::mutex mutex_;
  std::list<std::unique_ptr<pending>> pending_;
  id_type last_id_ = 0;
};

}  // namespace coelect::detail
