// What all stores have in common.
#include <coelect/store.hpp>

namespace coelect {

bool sighting::same_as(sighting const& other) const noexcept {
  if (seen_ != other.seen_ || leader_.has_value() != other.leader_.has_value()) return false;
  if (!leader_) return true;
  return leader_->fencing_token() == other.leader_->fencing_token() && leader_->value() == other.leader_->value();
}

// Electors ask store_limits first.
void contender::write(guarded_writes, instant, reply<outcome>) {}

}  // namespace coelect
