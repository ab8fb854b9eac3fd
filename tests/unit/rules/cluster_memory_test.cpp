// R10: which answers of a cluster may be believed.
#include "rules/cluster_memory.hpp"
#include "support/catch.hpp"

using coelect::rules::belief;
using coelect::rules::cluster_memory;

TEST_CASE("R10: the first answer decides which cluster it is", "[N11][etcd]") {
  cluster_memory m;
  CHECK_FALSE(m.met());
  CHECK(m.admit(1, 5, 10, true, 0) == belief::fine);
  CHECK(m.met());
  CHECK(m.admit(2, 9, 99, true, 10) == belief::other_cluster);
  CHECK(m.revision() == 10);
  CHECK(m.admit(1, 5, 11, true, 10) == belief::fine);
}

TEST_CASE("R10: a member that has not heard of the last vote is not believed") {
  cluster_memory m;
  CHECK(m.admit(1, 5, 10, true, 0) == belief::fine);
  CHECK(m.admit(1, 6, 10, true, 0) == belief::fine);
  CHECK(m.admit(1, 5, 12, true, 0) == belief::stale_member);
  CHECK(m.admit(1, 5, 12, false, 0) == belief::stale_member);
  CHECK(m.revision() == 10);
}

TEST_CASE("R10: only a member that commits shows which vote was the last: one that is cut off counts on its own") {
  cluster_memory m;
  CHECK(m.admit(1, 5, 10, true, 0) == belief::fine);
  CHECK(m.admit(1, 9, 10, false, 0) == belief::fine);
  CHECK(m.admit(1, 5, 11, true, 0) == belief::fine);
}

TEST_CASE("R10: only a write shows that the store went back, and only against what was known before it was sent",
          "[S9][etcd]") {
  cluster_memory m;
  CHECK(m.admit(1, 5, 100, true, 0) == belief::fine);
  CHECK(m.admit(1, 5, 90, false, 100) == belief::fine);  // a follower's keep-alive may lag
  CHECK(m.admit(1, 5, 99, true, 98) == belief::fine);    // two writes whose answers overtook each other
  CHECK(m.revision() == 100);
  CHECK(m.admit(1, 5, 40, true, 100) == belief::went_back);
  CHECK(m.admit(1, 5, 101, true, 100) == belief::fine);
}
