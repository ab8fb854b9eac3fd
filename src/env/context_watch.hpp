// Learns that an execution context is being destroyed, before its I/O services are.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

namespace coelect::env {

/// Calls `gone` once when the execution context behind `ex` is destroyed or shut down, unless the
/// returned handle was dropped before. Executors without a context (system_executor) never call it.
/// The handle must be dropped before or during the call, from any thread.
std::shared_ptr<void> when_gone(boost::asio::any_io_executor const& ex, std::function<void()> gone);

}  // namespace coelect::env
