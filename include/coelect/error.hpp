// What can go wrong: codes to report, conditions to branch on, and what the store itself said.
#pragma once
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <string>

namespace coelect {

using boost::system::error_code;
using boost::system::error_condition;

/// Why an operation failed. Values are stable: append only, never renumber, never reuse.
enum class errc {
  // the contest
  lease_lost = 1,  ///< The store says that we no longer hold it (deleted, replaced, broken, taken).
  lease_expired,   ///< Our own clock passed the deadline before a renewal was confirmed.
  candidacy_lost,  ///< Our place in the queue vanished while we waited.
  not_leader,      ///< proclaim() or resign() on a term that is already over.
  busy,            ///< A second campaign() while one runs or a term is held on the same elector.
  stopped,         ///< The elector was stopped or destroyed, or its execution context is gone.
  deposed,         ///< Somebody asked this leader to step down, and it did.
  // reaching the store
  unreachable = 20,  ///< Nothing answered: resolve, connect, TLS, reset, or a disk that fails.
  timed_out,         ///< The request passed its deadline; the store may still have acted on it.
  overloaded,        ///< The store asked us to slow down, or has no room left.
  // the store refused, retrying cannot help
  unauthorized = 40,  ///< Credentials or permissions are missing, expired or not sufficient.
  not_found,          ///< Container, blob, directory or key prefix does not exist.
  bad_response,       ///< The answer broke the protocol.
  bad_record,         ///< The stored election record is damaged; the message names the cure.
  wrong_cluster,      ///< Another cluster answers under the same address.
  store_reset,        ///< The store went back in time (restored, recreated): tokens would repeat.
  tls_verify,         ///< The server's certificate or name could not be verified.
  // configuration
  bad_options = 60,  ///< An option is out of range or contradicts another; the message names both.
  unsupported,       ///< This store cannot do it (for example locks on this file system).
};

/// Coarse classes to branch on: `if (ec == cond::transient) ...`.
enum class cond {
  transient = 1,  ///< Retrying may help: unreachable, timed_out, overloaded.
  lost,           ///< Stop acting as leader: lease_lost, lease_expired, candidacy_lost, deposed.
  fatal,          ///< Retrying cannot help: everything from unauthorized on.
};

boost::system::error_category const& election_category() noexcept;
boost::system::error_category const& election_condition_category() noexcept;
error_code make_error_code(errc) noexcept;
error_condition make_error_condition(cond) noexcept;

/// What the store said, for logs and bug reports. Never contains credentials. A value type.
class diagnostics {
public:
  diagnostics() noexcept = default;
  /// `message` is clipped to 1 KiB and its control characters are replaced.
  explicit diagnostics(std::string message, std::string endpoint = {}, std::string request_id = {},
                       int http_status = 0);

  std::string const& message() const noexcept { return message_; }        ///< May be empty.
  std::string const& endpoint() const noexcept { return endpoint_; }      ///< host:port, or a path.
  std::string const& request_id() const noexcept { return request_id_; }  ///< The server's, if any.
  int http_status() const noexcept { return http_status_; }               ///< 0 when there was no HTTP answer.

private:
  std::string message_, endpoint_, request_id_;
  int http_status_ = 0;
};

/// How a request to a store went: success, or a code and what is known about it.
struct outcome {
  error_code ec{};
  diagnostics details{};
  std::chrono::seconds leave_alone{0};  ///< For how long the store asked not to be asked again. 0 to 30 s.

  outcome() noexcept = default;
  outcome(error_code code, diagnostics d = {}) : ec(code), details(std::move(d)) {}
  outcome(errc code, std::string message) : ec(make_error_code(code)), details(std::move(message)) {}
  bool ok() const noexcept { return !ec; }
  /// "code text: message", or the code's text alone.
  std::string text() const;
};

/// Thrown by constructors and factories. An awaited operation that fails throws Asio's
/// boost::system::system_error with the same codes; elector::last_answer() has the details then.
class election_error : public boost::system::system_error {
public:
  election_error(error_code code, diagnostics details);
  election_error(errc code, std::string message);
  diagnostics const& details() const noexcept { return details_; }

private:
  diagnostics details_;
};

}  // namespace coelect

template <>
struct boost::system::is_error_code_enum<coelect::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<coelect::cond> : std::true_type {};
