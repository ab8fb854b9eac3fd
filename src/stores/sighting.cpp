// Tells whether two sightings differ in what an observer cares about.
#include <coelect/store.hpp>

namespace coelect {

bool sighting::same_as(sighting const& other) const noexcept {
  if (seen_ != other.seen_ || leader_.has_value() != other.leader_.has_value()) return false;
  if (!leader_) return true;
  return leader_->fencing_token() == other.leader_->fencing_token() && leader_->value() == other.leader_->value();
}

}  // namespace coelect
