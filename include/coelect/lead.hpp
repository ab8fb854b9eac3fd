// Runs a coroutine while leading, and stands again whenever leadership was lost.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <coelect/elector.hpp>
#include <concepts>
#include <functional>
#include <type_traits>

namespace coelect {

/// A body for lead(): callable with leadership&, returns boost::asio::awaitable<void>. Name it first
/// and pass the name; a temporary is accepted only if destroying it does nothing, because GCC 12
/// destroys by-value captures of a temporary inside a co_await expression twice (GCC PR 98401).
template <class F>
concept leader_body = std::invocable<F&, leadership&> &&
    std::same_as<std::invoke_result_t<F&, leadership&>, boost::asio::awaitable<void>> &&
    (std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<std::remove_cvref_t<F>>);

namespace detail {

/// What came of one body under one term.
struct body_report {
  term_end end;
  bool again = false;  ///< Leadership was lost under the body: stand again.
};

boost::asio::awaitable<body_report> run_body(leadership& term, boost::asio::awaitable<void> body);

template <class F>
boost::asio::awaitable<term_end> lead_loop(elector& who, F body) {
  term_end last(end_of_term::stopped, errc::stopped);
  for (;;) {
    error_code ec;
    leadership term = co_await who.campaign(boost::asio::redirect_error(boost::asio::use_awaitable, ec));
    if (ec == errc::stopped) co_return last;
    if (ec) throw boost::system::system_error(ec, "lead");
    boost::asio::awaitable<void> work = std::invoke(body, term);
    body_report report = co_await run_body(term, std::move(work));
    if (!report.again) co_return report.end;
    last = report.end;
  }
}

}  // namespace detail

/// Campaigns, runs body(term) while leading, gives the election up after the body has ended, and
/// stands again if leadership was lost under it.
///
/// When the term is at risk, lost, deposed or stopped, the body is cancelled (terminal) *and awaited*,
/// the hold being renewed for as long as that works; only then is anything released, so two bodies
/// never overlap through our doing (elector_options::drain_timeout can bound that). A body that is
/// still running when its term is over is awaited too and reported as overran().
///
/// Returns how the last term ended: when the body returned by itself, or after elector::stop()
/// (end_of_term::stopped if there was no term). Throws what the body threw, after releasing; what campaign() throws; and
/// operation_aborted after a cancelled lead() has drained its body. Cancellation: the types that the
/// calling coroutine lets through (co_spawn: terminal), with that meaning. The body runs on a strand of the calling coroutine's executor.
/// `who`, and a body passed by name, must live until it completes.
template <leader_body F>
boost::asio::awaitable<term_end> lead(elector& who, F&& body) {
  return detail::lead_loop<F>(who, std::forward<F>(body));
}

}  // namespace coelect
