// Runs one body under one term: cancels it when the term is at risk, waits for it, then releases.
#include "election/candidate_state.hpp"
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <coelect/lead.hpp>

namespace coelect::detail {
namespace {

namespace asio = boost::asio;

using done_handler = handler<void(std::exception_ptr, body_report)>;

bool is_cancellation(std::exception_ptr const& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (boost::system::system_error const& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

/// Everything but the constructor runs on `strand_`, together with the body.
class body_run : public std::enable_shared_from_this<body_run> {
public:
  body_run(leadership& term, asio::any_io_executor const& where, done_handler done)
      : term_(term),
        state_(term_state::of(term)),
        strand_(asio::make_strand(where)),
        done_(std::move(done)),
        done_on_(done_.executor ? done_.executor : where) {}

  void start(asio::awaitable<void> body) {
    state_->owner().supervise(state_->token(), true);
    auto slot = asio::get_associated_cancellation_slot(done_.call);
    if (slot.is_connected()) slot.assign(on_cancel());
    auto at_risk = [weak = weak_from_this()](error_code, risk why) {
      if (auto const self = weak.lock()) self->wind_down(why);
    };
    term_.at_risk(asio::bind_executor(strand_, std::move(at_risk)));
    auto ended = [self = shared_from_this()](std::exception_ptr thrown) { self->body_ended(thrown); };
    auto bound = asio::bind_executor(strand_, std::move(ended));
    asio::co_spawn(strand_, std::move(body), asio::bind_cancellation_slot(cancel_.slot(), std::move(bound)));
  }

private:
  // It stays in the caller's slot, which may outlive the execution context: so it owns nothing, and no strand.
  std::function<void(asio::cancellation_type)> on_cancel() {
    return [weak = weak_from_this()](asio::cancellation_type type) {
      auto const run = weak.lock();
      if (!run || type == asio::cancellation_type::none) return;
      asio::post(run->strand_, [weak] {
        auto const self = weak.lock();
        if (!self) return;
        self->cancelled_ = true;
        self->wind_down(risk::stopping);
      });
    };
  }

  void wind_down(risk why) {
    if (body_over_) return;
    if (why == risk::stopping) stopping_ = true;
    if (winding_) return;
    winding_ = true;
    state_->owner().drain(state_->token());
    cancel_.emit(asio::cancellation_type::terminal);
  }

  void body_ended(std::exception_ptr thrown) {
    body_over_ = true;
    bool const obeyed = winding_ && thrown && is_cancellation(thrown);
    thrown_ = obeyed ? nullptr : thrown;
    auto const end = term_.ended();
    overran_ = static_cast<bool>(end);
    // A body that asks valid() may notice the loss before anybody has told it. One that resigned was its own doing.
    lost_ = end ? end.how() != end_of_term::resigned : !term_.valid();
    auto released = [self = shared_from_this()](error_code) { self->complete(); };
    term_.resign(asio::bind_executor(strand_, std::move(released)));
  }

  void complete() {
    body_report report;
    report.end = term_.ended();
    if (lost_ && report.end.how() == end_of_term::resigned)
      report.end = term_end(end_of_term::expired, errc::lease_expired);
    report.end.overran(overran_);
    bool const was_stopped = stopping_ || report.end.how() == end_of_term::stopped;
    report.again = (winding_ || lost_) && !was_stopped;
    if (!thrown_ && cancelled_)
      thrown_ = std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted));
    auto call = [done = std::move(done_.call), thrown = thrown_, report]() mutable { std::move(done)(thrown, report); };
    asio::post(done_on_, std::move(call));
  }

  leadership& term_;
  std::shared_ptr<term_state> state_;
  asio::strand<asio::any_io_executor> strand_;
  done_handler done_;
  asio::any_io_executor done_on_;
  asio::cancellation_signal cancel_;
  std::exception_ptr thrown_;
  bool winding_ = false, stopping_ = false, cancelled_ = false, body_over_ = false, overran_ = false, lost_ = false;
};

}  // namespace

asio::awaitable<body_report> run_body(leadership& term, asio::awaitable<void> body) {
  asio::any_io_executor const where = co_await asio::this_coro::executor;
  auto start = [](auto h, leadership* t, asio::any_io_executor ex, asio::awaitable<void> work) {
    auto const run = std::make_shared<body_run>(*t, ex, done_handler(std::move(h)));
    run->start(std::move(work));
  };
  auto operation = asio::async_initiate<asio::use_awaitable_t<> const, void(std::exception_ptr, body_report)>(
      start, asio::use_awaitable, &term, where, std::move(body));
  body_report report = co_await std::move(operation);
  co_return report;
}

}  // namespace coelect::detail
