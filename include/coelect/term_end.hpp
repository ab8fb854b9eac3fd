// How a term of leadership ended, and why it may be about to.
#pragma once
#include <coelect/error.hpp>
#include <string>

namespace coelect {

/// How a term ended.
enum class end_of_term {
  running = 1,  ///< It has not.
  resigned,     ///< resign(), destruction of the leadership, or the end of lead()'s body.
  deposed,      ///< We were asked to step down and did.
  lost,         ///< The store says that we no longer hold it.
  expired,      ///< No renewal was confirmed before our own deadline.
  stopped,      ///< elector::stop(), destruction of the elector or of its execution context.
};

/// Why a term should be wound down now.
enum class risk {
  overdue = 1,  ///< No renewal was confirmed for so long that the deadline is near.
  deposed,      ///< Somebody asked this leader to step down.
  stopping,     ///< elector::stop() was called.
  over,         ///< The term has ended already.
};

/// The end of a term. A value; converts to true once the term has ended.
class term_end {
public:
  term_end() noexcept = default;
  explicit term_end(end_of_term how, error_code code = {}, std::string detail = {})
      : how_(how), code_(code), detail_(std::move(detail)) {}

  end_of_term how() const noexcept { return how_; }
  error_code code() const noexcept { return code_; }              ///< Clear while running and when resigned.
  std::string const& detail() const noexcept { return detail_; }  ///< For people; may be empty.
  /// lead() only: the body was still running when the term was over, and was waited for.
  bool overran() const noexcept { return overran_; }
  void overran(bool on) noexcept { overran_ = on; }
  explicit operator bool() const noexcept { return how_ != end_of_term::running; }

private:
  end_of_term how_ = end_of_term::running;
  bool overran_ = false;
  error_code code_{};
  std::string detail_;
};

/// One lower-case word for logs: "resigned", "lost", ...
char const* to_string(end_of_term how) noexcept;
char const* to_string(risk why) noexcept;

}  // namespace coelect
