// What the exchanges with one server share: where it is, connections that rest, and who is under way.
#include "http/pool.hpp"
#include <utility>

namespace coelect::http {

pool::pool(std::shared_ptr<store_context> context, destination to, transport_limits limits)
    : context_(std::move(context)), to_(std::make_shared<destination>(std::move(to))), limits_(limits) {}

pool::~pool() { shut_down(); }

bool pool::alive() const noexcept { return !shut_ && base::in_process(made_in_) && context_->executor(); }

std::shared_ptr<byte_stream> pool::take() {
  while (!resting_.empty()) {
    auto last = std::move(resting_.back());
    resting_.pop_back();
    if (last->still_open()) return last;
    last->close();
  }
  return nullptr;
}

void pool::keep(std::shared_ptr<byte_stream> stream) {
  stream->rest();
  resting_.push_back(std::move(stream));
  while (shut_ ? !resting_.empty() : resting_.size() > limits_.idle_connections) {
    resting_.front()->close();
    resting_.pop_front();
  }
}

void pool::enter(std::weak_ptr<guest> who) { busy_.push_back(std::move(who)); }

void pool::leave(guest const* who) noexcept {
  busy_.remove_if([&](auto const& weak) {
    auto const held = weak.lock();
    return !held || held.get() == who;
  });
}

std::list<std::weak_ptr<guest>> pool::begin_to_end() noexcept {
  shut_ = true;
  return std::exchange(busy_, {});
}

void pool::shut_down() noexcept {
  for (auto const& weak : begin_to_end())
    if (auto const who = weak.lock()) who->abandon();
  for (auto const& stream : std::exchange(resting_, {})) stream->close();
}

void pool::context_gone() noexcept {
  for (auto const& weak : begin_to_end())
    if (auto const who = weak.lock()) who->drop();
  for (auto const& stream : std::exchange(resting_, {})) stream->drop();
}

}  // namespace coelect::http
