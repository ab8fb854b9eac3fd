// What every command stands on: the event loop, the store, the output, and how failures leave.
#pragma once
#include "cli/line_writer.hpp"
#include "cli/options.hpp"
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <coelect/elector.hpp>
#include <memory>

namespace coelect::cli {

class session {
public:
  session(boost::asio::any_io_executor ex, settings const& how);

  boost::asio::any_io_executor executor() const noexcept { return executor_; }
  settings const& how() const noexcept { return how_; }
  line_writer& out() noexcept { return *out_; }  ///< The story: stdout, or stderr for `run`.
  line_writer& err() noexcept { return *err_; }

  /// One in the election that the command line names. Throws election_error.
  elector make_elector();

private:
  std::shared_ptr<store> open();

  boost::asio::any_io_executor executor_;
  settings const& how_;
  std::shared_ptr<line_writer> err_, out_;
};

/// Throws election_error with what the store said about `code`.
[[noreturn]] void fail(elector const& who, error_code code);

/// The directory of elections that are given no store, made if it is missing; as a store URL.
std::string default_store();

}  // namespace coelect::cli
