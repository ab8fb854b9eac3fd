// Carries requests to the seats and answers back, through whatever fate the test has drawn.
#include "stores/memory/hub.hpp"

namespace coelect::stores::memory {

hub::hub(boost::asio::any_io_executor ex, memory_hub_options const& how)
    : context_(store_context::make(std::move(ex), how.env, {})), seats_(how.revive_expired, how.ack_dead_renewals) {}

void hub::expire(std::string election) {
  deliver(nanoseconds(0), [election = std::move(election)](hub& h) { h.table().expire(election, h.now()); });
}

void hub::reset(std::string election) {
  deliver(nanoseconds(0), [election = std::move(election)](hub& h) { h.table().reset(election); });
}

void hub::deliver(nanoseconds delay, std::function<void(hub&)> work) {
  context_->post([self = shared_from_this(), delay, work = std::move(work)] {
    if (delay == nanoseconds(0)) {
      work(*self);
      self->sweep();
      return;
    }
    auto const place = self->on_the_way_.emplace(self->on_the_way_.end());
    *place = self->context_->after(delay, [weak = self->weak_from_this(), place, work] {
      auto const h = weak.lock();
      if (!h) return;
      auto const arrived = std::move(*place);
      h->on_the_way_.erase(place);
      work(*h);
      h->sweep();
    });
  });
}

void hub::sweep() {
  auto const next = seats_.sweep(now());
  if (next == nanoseconds::max()) next_sweep_.clear();
  else
    next_sweep_ = context_->after(next - now(), [weak = weak_from_this()] {
      if (auto const self = weak.lock()) self->sweep();
    });
}

link::link(std::shared_ptr<store_context> context, std::shared_ptr<hub> to,
           std::function<memory_fate(memory_request)> faults)
    : context_(std::move(context)), hub_(std::move(to)), faults_(std::move(faults)) {}

void link::send(memory_request what, arrival work) {
  auto const drawn = fate(what);
  if (drawn.lose_request) return;
  auto first = [work, drawn](hub& h) { work(h, !drawn.lose_reply, drawn.reply_delay); };
  hub_->deliver(drawn.request_delay, std::move(first));
  if (!drawn.duplicate_after) return;
  auto again = [work](hub& h) { work(h, false, nanoseconds(0)); };
  hub_->deliver(drawn.request_delay + *drawn.duplicate_after, std::move(again));
}

}  // namespace coelect::stores::memory
