// Carries requests to the seats and answers back, through whatever fate the test has drawn.
#pragma once
#include "stores/memory/seats.hpp"
#include <coelect/memory_store.hpp>
#include <list>

namespace coelect::stores::memory {

/// The hub's own strand, clock and network. deliver() and post() may be called from any thread.
class hub final : public memory_hub, public std::enable_shared_from_this<hub> {
public:
  hub(boost::asio::any_io_executor ex, memory_hub_options const& how);

  void expire(std::string election) override;
  void reset(std::string election) override;

  /// Runs `work` on the hub's strand after `delay` of the hub's clock, then looks for expired holds.
  void deliver(nanoseconds delay, std::function<void(hub&)> work);

  // on the hub's strand
  seats& table() noexcept { return seats_; }
  nanoseconds now() const noexcept { return context_->now().boot; }

private:
  void sweep();

  std::shared_ptr<store_context> context_;
  seats seats_;
  std::list<timer> on_the_way_;
  timer next_sweep_;
};

/// One request from the sender's side. Dropping it: not interested in the answer any more.
struct call {
  timer limit;
  std::shared_ptr<void> keeps;
  bool over = false;
};

/// A store's way to its hub. On the store's strand.
class link {
public:
  link(std::shared_ptr<store_context> context, std::shared_ptr<hub> to,
       std::function<memory_fate(memory_request)> faults);

  /// Runs `at_hub` there and `done` here, or `done` with errc::timed_out at `give_up`.
  template <class Answer>
  [[nodiscard]] std::shared_ptr<call> ask(memory_request what, instant give_up, std::function<Answer(hub&)> at_hub,
                                          reply<outcome, Answer> done) {
    auto const asked = std::make_shared<call>();
    std::weak_ptr<call> const weak = asked;
    auto finish = [weak, done](outcome const& how, Answer const& answer) {
      auto const c = weak.lock();
      if (!c || c->over) return;
      c->over = true;
      c->limit.clear();
      done(how, answer);
    };
    auto late = [finish] { finish(outcome(errc::timed_out, "no answer from the memory hub"), Answer()); };
    asked->limit = context_->at(give_up, late);
    auto back = [context = context_, finish](Answer const& answer) {
      context->post([finish, answer] { finish(outcome(), answer); });
    };
    send(what, [at_hub, back](hub& h, bool heard, nanoseconds reply_delay) {
      Answer const answer = at_hub(h);
      if (!heard) return;
      if (reply_delay == nanoseconds(0)) back(answer);
      else h.deliver(reply_delay, [back, answer](hub&) { back(answer); });
    });
    return asked;
  }

  std::shared_ptr<hub> const& to() const noexcept { return hub_; }
  std::shared_ptr<store_context> const& context() const noexcept { return context_; }
  memory_fate fate(memory_request what) const { return faults_ ? faults_(what) : memory_fate{}; }

private:
  using arrival = std::function<void(hub&, bool heard, nanoseconds reply_delay)>;
  void send(memory_request what, arrival work);

  std::shared_ptr<store_context> context_;
  std::shared_ptr<hub> hub_;
  std::function<memory_fate(memory_request)> faults_;
};

}  // namespace coelect::stores::memory
