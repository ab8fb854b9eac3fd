// Decides whether an answer may be believed: from our cluster, from a member that is up to date, not from the past (R10).
#pragma once
#include <cstdint>

namespace coelect::rules {

enum class belief {
  fine = 1,
  other_cluster,  ///< Tokens of two clusters cannot be compared.
  stale_member,   ///< Its raft term is older than one that was seen: it has not heard of the last vote.
  went_back,      ///< A write was answered with a revision older than one seen before it was sent: restored.
};

/// What was seen of one cluster so far. The first answer decides which cluster it is.
class cluster_memory {
public:
  /// Only answers to writes count for `went_back`: a healthy follower's other answers may lag.
  /// `known_when_sent`: revision() at the moment the request was sent.
  belief admit(std::uint64_t cluster, std::uint64_t raft_term, std::int64_t revision, bool write,
               std::int64_t known_when_sent) noexcept {
    if (cluster_ != 0 && cluster != cluster_) return belief::other_cluster;
    if (raft_term < raft_term_) return belief::stale_member;
    if (write && revision < known_when_sent) return belief::went_back;
    cluster_ = cluster;
    // A member that is being cut off may count terms up on its own; what it commits nothing with.
    if (write) raft_term_ = raft_term;
    if (write && revision > revision_) revision_ = revision;
    return belief::fine;
  }

  bool met() const noexcept { return cluster_ != 0; }
  std::int64_t revision() const noexcept { return revision_; }  ///< The highest that a write was answered with.

private:
  std::uint64_t cluster_ = 0;
  std::uint64_t raft_term_ = 0;
  std::int64_t revision_ = 0;
};

}  // namespace coelect::rules
