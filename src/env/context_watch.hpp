// Learns that an execution context is being destroyed, before its I/O services are.
#pragma once
#include <boost/asio/execution_context.hpp>
#include <functional>
#include <memory>

namespace coelect::env {

/// Calls `gone` once when the execution context behind `ex` is destroyed or shut down, unless the
/// returned handle was dropped before. Executors without a context (system_executor) never call it.
/// The handle must be dropped before or during the call, from any thread.
std::shared_ptr<void> when_gone(boost::asio::execution_context& context, std::function<void()> gone);

}  // namespace coelect::env
