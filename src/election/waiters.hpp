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
#include <memory>
#include <mutex>

namespace coelect::detail {

using boost::asio::cancellation_type;
inline constexpr cancellation_type any_cancellation =
    cancellation_type::terminal | cancellation_type::partial | cancellation_type::total;

/// A handler that is kept, and the executor it will run on, which counts as busy meanwhile.
template <class... Result>
struct kept_handler {
  using handler_type = handler<void(error_code, Result...)>;

  kept_handler(handler_type h, boost::asio::any_io_executor const& fallback)
      : user(std::move(h)),
        executor(boost::asio::prefer(choose(user, fallback), boost::asio::execution::outstanding_work.tracked)) {}

  /// Posts it, never runs it inside this call.
  void complete(error_code ec, Result... result) {
    auto call = [h = std::move(user.call), ec, foreign = user.foreign, ... result = std::move(result)]() mutable {
      if (!foreign) return std::move(h)(ec, std::move(result)...);
      // Its executor can only be dispatched to: from here, so that nothing runs inside of complete().
      auto const to = boost::asio::get_associated_executor(h);
      auto last = [h = std::move(h), ec, ... result = std::move(result)]() mutable {
        std::move(h)(ec, std::move(result)...);
      };
      boost::asio::dispatch(to, std::move(last));
    };
    boost::asio::post(executor, std::move(call));
  }

  handler_type user;
  boost::asio::any_io_executor executor;

private:
  static boost::asio::any_io_executor choose(handler_type const& h, boost::asio::any_io_executor const& fallback) {
    if (h.executor) return h.executor;
    if (fallback) return fallback;
    return boost::asio::system_executor();  // the users' own context is gone
  }
};

/// What all waiters of one owner share: an idle owner must stay small.
struct waiting_room {
  /// Held while handlers are posted, so that a context that is being destroyed waits until nothing is posted to it any
  /// more. Recursive, because an executor whose host is gone may destroy the handler at once, and that may own a term.
  std::recursive_mutex mutex;
  std::uint64_t last_id = 0;
};

/// Any number of pending operations that complete with (error_code, Result...). Every member may be
/// called from any thread. Handlers are posted to their own executor and are never run inside a call
/// made here. A member of an owner that is held by a shared_ptr.
template <class... Result>
class waiters {
public:
  using handler_type = handler<void(error_code, Result...)>;
  using id_type = std::uint64_t;

  explicit waiters(waiting_room& room) noexcept : room_(room) {}
  waiters(waiters const&) = delete;
  waiters& operator=(waiters const&) = delete;

  /// Keeps `h`. Cancelling it, by one of the types in `by`, calls `on_cancel`, or, when that is empty,
  /// completes it with operation_aborted. Nothing of this happens once `owner` is gone.
  id_type add(std::weak_ptr<void> owner, handler_type h, boost::asio::any_io_executor const& fallback,
              cancellation_type by = any_cancellation, std::function<void(id_type)> on_cancel = {}) {
    auto op = std::make_unique<pending>(std::move(h), fallback);
    auto const id = op->id = next_id();
    // First the slot, then the chain: once it is there another thread may complete the operation.
    auto slot = boost::asio::get_associated_cancellation_slot(op->kept.user.call);
    if (slot.is_connected()) connect(slot, std::move(owner), id, by, std::move(on_cancel));
    std::lock_guard const lock(room_.mutex);
    op->before = std::move(latest_);
    latest_ = std::move(op);
    return id;
  }

  /// Completes one, if it is still there.
  bool complete(id_type id, error_code ec, Result... result) {
    std::lock_guard const lock(room_.mutex);
    for (auto* place = &latest_; *place; place = &(*place)->before) {
      if ((*place)->id != id) continue;
      auto const op = take_out(*place);
      op->kept.complete(ec, std::move(result)...);
      return true;
    }
    return false;
  }

  void complete_all(error_code ec, Result const&... result) {
    std::lock_guard const lock(room_.mutex);
    turn_round();
    while (latest_) take_out(latest_)->kept.complete(ec, Result(result)...);
  }

  /// Completes all with an error and nothing else.
  void fail_all(error_code ec) {
    std::lock_guard const lock(room_.mutex);
    turn_round();
    while (latest_) take_out(latest_)->kept.complete(ec, Result()...);
  }

  /// Destroys, without calling them, the handlers that belong to a context that is being destroyed.
  void drop_those_on(boost::asio::execution_context const& dying) noexcept {
    chain dropped;  // destroyed outside the lock: they may own anything
    std::lock_guard const lock(room_.mutex);
    for (auto* place = &latest_; *place;) {
      bool const theirs = &boost::asio::query((*place)->kept.executor, boost::asio::execution::context) == &dying;
      if (!theirs) {
        place = &(*place)->before;
        continue;
      }
      auto op = take_out(*place);
      op->before = std::move(dropped);
      dropped = std::move(op);
    }
  }

  /// True when the operation was cancelled, though what that asked for may still be on its way.
  bool cancelled(id_type id) const {
    std::lock_guard const lock(room_.mutex);
    auto const* const op = find(id);
    return op && op->cancelled;
  }

private:
  struct pending {
    pending(handler_type h, boost::asio::any_io_executor const& fallback) : kept(std::move(h), fallback) {}
    ~pending() {  // one after the other: a long chain would be as deep a recursion
      while (before) before = std::move(before->before);
    }
    id_type id = 0;
    bool cancelled = false;
    kept_handler<Result...> kept;
    std::unique_ptr<pending> before;  // who came before it
  };
  using chain = std::unique_ptr<pending>;

  static chain take_out(chain& place) noexcept {
    auto op = std::move(place);
    place = std::move(op->before);
    return op;
  }

  /// Oldest first: they are told in the order they came.
  void turn_round() noexcept {
    chain turned;
    while (latest_) {
      auto op = take_out(latest_);
      op->before = std::move(turned);
      turned = std::move(op);
    }
    latest_ = std::move(turned);
  }

  pending* find(id_type id) const noexcept {
    auto* op = latest_.get();
    while (op && op->id != id) op = op->before.get();
    return op;
  }

  id_type next_id() {
    std::lock_guard const lock(room_.mutex);
    return ++room_.last_id;
  }

  void mark_cancelled(id_type id) {
    std::lock_guard const lock(room_.mutex);
    if (auto* const op = find(id)) op->cancelled = true;
  }

  template <class Slot>
  void connect(Slot& slot, std::weak_ptr<void> owner, id_type id, cancellation_type by,
               std::function<void(id_type)> on_cancel) {
    auto cancel = [this, owner = std::move(owner), id, by, on_cancel = std::move(on_cancel)](cancellation_type type) {
      auto const alive = owner.lock();
      if (!alive || (type & by) == cancellation_type::none) return;
      mark_cancelled(id);
      if (on_cancel) on_cancel(id);
      else complete(id, boost::asio::error::operation_aborted, Result()...);
    };
    slot.assign(std::move(cancel));
  }

  waiting_room& room_;
  chain latest_;  // empty while nobody waits
};

}  // namespace coelect::detail
