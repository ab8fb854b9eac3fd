// Makes Asio's own timers exist in a context before somebody needs them who would not get over it if they could not be made.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace coelect::env {

/// Throws std::bad_alloc. What was made stays for as long as the context.
inline void have_asio_timers(boost::asio::any_io_executor const& where) {
  boost::asio::steady_timer const first(where);
}

}  // namespace coelect::env
