// Carries an operation from any completion token into one compiled function.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <concepts>
#include <type_traits>
#include <utility>

namespace coelect::detail {

/// A type-erased completion handler and the executor it must run on, taken before the erasure:
/// any_completion_handler knows its executor only as something to dispatch to, and handlers must be
/// posted. An empty executor means: the elector's.
template <class Signature>
class handler {
public:
  template <class Handler>
    requires(!std::same_as<std::remove_cvref_t<Handler>, handler>)
  handler(Handler&& h) : executor(associated(h)), foreign(is_foreign<Handler>), call(std::forward<Handler>(h)) {}
  handler(handler&&) = default;
  handler& operator=(handler&&) = delete;  // any_completion_handler cannot be assigned in Boost 1.81

  boost::asio::any_io_executor executor;
  bool foreign = false;  ///< It has an executor of a kind that any_io_executor cannot hold.
  boost::asio::any_completion_handler<Signature> call;

private:
  template <class Handler>
  static constexpr bool is_foreign = !std::convertible_to<
      boost::asio::associated_executor_t<std::remove_cvref_t<Handler>, boost::asio::any_io_executor>,
      boost::asio::any_io_executor>;
  template <class Handler>
  static boost::asio::any_io_executor associated(Handler const& h) {
    if constexpr (is_foreign<Handler>) return {};
    else return boost::asio::get_associated_executor(h, boost::asio::any_io_executor());
  }
};

/// An initiation object that knows its executor, so that adapters such as cancel_after find it.
template <class Start>
struct initiation {
  boost::asio::any_io_executor executor;
  Start start;

  using executor_type = boost::asio::any_io_executor;
  executor_type get_executor() const noexcept { return executor; }
  template <class Handler, class... Args>
  void operator()(Handler&& h, Args&&... args) {
    start(std::forward<Handler>(h), std::forward<Args>(args)...);
  }
};

template <class Signature, class Token, class Start, class... Args>
auto initiate(boost::asio::any_io_executor executor, Start start, Token&& token, Args&&... args) {
  return boost::asio::async_initiate<Token, Signature>(initiation<Start>{std::move(executor), std::move(start)}, token,
                                                       std::forward<Args>(args)...);
}

}  // namespace coelect::detail
