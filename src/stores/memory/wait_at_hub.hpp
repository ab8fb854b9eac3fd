// Waits at the hub until a seat looks the way somebody wants it.
#pragma once
#include "stores/memory/hub.hpp"

namespace coelect::stores::memory {

/// Runs `look` at the hub now and after every change of the seat, until what it returns converts to
/// true; that is the answer. A lost request or reply shows as errc::unreachable after a while, as a
/// broken stream would. Dropping the call ends the wait.
template <class Seen>
[[nodiscard]] std::shared_ptr<call> wait_at_hub(link& way, memory_request what, std::string const& election,
                                                std::function<Seen(hub&)> look, reply<outcome, Seen> done) {
  auto const waiting = std::make_shared<call>();
  std::weak_ptr<call> const alive = waiting;
  auto const context = way.context();
  auto finish = [alive, done](outcome const& how, Seen const& seen) {
    auto const c = alive.lock();
    if (!c || c->over) return;
    c->over = true;
    c->limit.clear();
    done(how, seen);
  };
  auto const drawn = way.fate(what);
  if (drawn.lose_request || drawn.lose_reply) {
    auto broken = [finish] { finish(outcome(errc::unreachable, "the way to the memory hub broke"), Seen()); };
    waiting->limit = context->after(std::chrono::seconds(1), std::move(broken));
    return waiting;
  }
  // Kept alive by the call: whoever drops that is forgotten at the hub too.
  struct observer : std::enable_shared_from_this<observer> {
    std::string election;
    std::function<Seen(hub&)> look;
    std::function<void(hub&, Seen const&)> tell;
    std::weak_ptr<hub> where;
    std::shared_ptr<notify> again;

    void run(hub& h) {
      Seen const seen = look(h);
      if (static_cast<bool>(seen)) return tell(h, seen);
      // A change is being made when this is called: look when it is done.
      again = std::make_shared<notify>([weak = this->weak_from_this()] {
        auto const self = weak.lock();
        auto const at = self ? self->where.lock() : nullptr;
        if (at) at->deliver(nanoseconds(0), arrival(weak));
      });
      h.table().observe(election, again);
    }
    static std::function<void(hub&)> arrival(std::weak_ptr<observer> weak) {
      return [weak](hub& h) {
        if (auto const self = weak.lock()) self->run(h);
      };
    }
  };
  auto const at_hub = std::make_shared<observer>();
  at_hub->election = election;
  at_hub->look = std::move(look);
  at_hub->where = way.to();
  auto back = [context, finish](Seen const& seen) { context->post([finish, seen] { finish(outcome(), seen); }); };
  at_hub->tell = [back, delay = drawn.reply_delay](hub& h, Seen const& seen) {
    if (delay == nanoseconds(0)) back(seen);
    else h.deliver(delay, [back, seen](hub&) { back(seen); });
  };
  waiting->keeps = at_hub;
  way.to()->deliver(drawn.request_delay, observer::arrival(at_hub));
  return waiting;
}

}  // namespace coelect::stores::memory
