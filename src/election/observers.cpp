// Looks at and watches an election for users who do not have to campaign.
#include "election/observers.hpp"

namespace coelect::detail {

observers::observers(std::shared_ptr<store> where, std::string election, store_limits limits, report trouble)
    : store_(std::move(where)), election_(std::move(election)), limits_(limits), trouble_(std::move(trouble)) {}

void observers::look(handler<void(error_code, sighting)> h, boost::asio::any_io_executor const& fallback) {
  auto const id = looks_.add(weak_from_this(), std::move(h), fallback);
  auto start = [self = shared_from_this(), id] {
    auto const give_up = self->store_->context()->now() + self->limits_.request_timeout;
    auto answer = [self, id](outcome const& how, sighting const& now) {
      if (!how.ok() && self->trouble_) self->trouble_("look", how);
      self->looks_.complete(id, how.ec, now);
    };
    self->store_->look(self->election_, give_up, std::move(answer));
  };
  if (!store_->context()->post(std::move(start))) looks_.complete(id, errc::stopped, sighting());
}

void observers::watch(sighting seen, handler<void(error_code, sighting)> h,
                      boost::asio::any_io_executor const& fallback) {
  auto forget = [weak = weak_from_this()](std::uint64_t id) {
    auto const self = weak.lock();
    if (!self) return;
    self->watches_.complete(id, boost::asio::error::operation_aborted, sighting());
    self->store_->context()->post([self, id] { self->seats_.erase(id); });
  };
  auto const id = watches_.add(weak_from_this(), std::move(h), fallback, any_cancellation, std::move(forget));
  auto start = [self = shared_from_this(), id, seen = std::move(seen)] { self->begin(id, seen); };
  if (!store_->context()->post(std::move(start))) watches_.complete(id, errc::stopped, sighting());
}

void observers::begin(std::uint64_t id, sighting seen) {
  auto const seed = store_->context()->env().random();
  base::backoff const waits(limits_.retry_min, limits_.retry_max, seed);
  seats_.try_emplace(id, std::move(seen), waits);
  observe(id);
}

void observers::observe(std::uint64_t id) {
  auto const found = seats_.find(id);
  if (found == seats_.end()) return;
  // The owner of a running watch keeps us alive: its users' handlers may be all that is left.
  auto answer = [self = shared_from_this(), id](outcome const& how, sighting const& now) {
    self->store_->context()->post([self, id, how, now] { self->on_seen(id, how, now); });
  };
  found->second.running = store_->watch(election_, found->second.seen, std::move(answer));
}

void observers::on_seen(std::uint64_t id, outcome const& how, sighting const& now) {
  auto const found = seats_.find(id);
  if (found == seats_.end()) return;
  if (!how.ok() && trouble_) trouble_("watch", how);
  bool const try_again = how.ec == cond::transient;
  if (!try_again) {
    seats_.erase(found);
    watches_.complete(id, how.ec, now);
    return;
  }
  found->second.running.reset();
  auto again = [self = shared_from_this(), id] { self->observe(id); };
  found->second.pause = store_->context()->after(found->second.waits.next(), std::move(again));
}

void observers::close(error_code why) {
  looks_.fail_all(why);
  watches_.fail_all(why);
  store_->context()->post([self = shared_from_this()] { self->seats_.clear(); });
}

void observers::drop_those_on(boost::asio::execution_context const& dying) noexcept {
  looks_.drop_those_on(dying);
  watches_.drop_those_on(dying);
}

void observers::context_gone() noexcept {
  looks_.fail_all(errc::stopped);
  watches_.fail_all(errc::stopped);
  seats_.clear();
}

}  // namespace coelect::detail
