// Learns that an execution context is being destroyed, before its I/O services are.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <memory>

namespace coelect::env {

/// Hears of the end of execution contexts.
class context_user {
public:
  /// `which` is being destroyed or shut down. No thread runs it any more.
  virtual void context_ends(boost::asio::execution_context const& which) noexcept = 0;

protected:
  ~context_user() = default;
};

/// Tells `who`, if it is still there, once when the execution context behind `ex` is destroyed or shut down. Executors
/// without a context (system_executor) never do. Any thread.
void when_gone(boost::asio::any_io_executor const& ex, std::weak_ptr<context_user> who);

}  // namespace coelect::env
