// Every suspension point of every operation, on every store: cancelled, destroyed and stopped there.
#include "sweep.hpp"
#include "support/catch.hpp"
#include <iostream>

using namespace coelect;
using namespace coelect::test;

namespace {

long ms(nanoseconds t) { return static_cast<long>(std::chrono::duration_cast<milliseconds>(t).count()); }

figures sweep_store(make_stage const& make) {
  auto const facts = make()->facts();
  figures all;
  for (auto const& what : all_scenarios()) {
    figures here;
    auto const list = ways(what, facts);
    for (std::size_t i = 0; i < list.size(); ++i) {
      auto const& how = list[i];
      auto const one = sweep(make, what, how, i);  // with a stride: the ways share the steps
      for (auto const& w : one.wrong)
        UNSCOPED_INFO(what.name << " | " << to_string(how.how) << " | " << to_string(how.what) << " | " << w);
      CHECK(one.wrong.empty());
      bool const a_cancel = how.what == harm::cancel_terminal || how.what == harm::cancel_unanswered;
      if (a_cancel && stride(facts) == 1) CHECK(one.aborted > 0);
      here += one;
    }
    if (!list.empty())
      std::cout << "sweep " << facts.store << ": " << what.name << ": " << list.size() << " harms, " << here.points
                << " points, " << here.pending << " while under way, " << here.aborted << " aborted, at most "
                << ms(here.longest) << " ms after\n";
    all += here;
  }
  std::cout << "sweep " << facts.store << ": " << all.points << " points in all, " << all.pending
            << " while under way\n";
  return all;
}

/// So that a sweep does not shrink unseen.
bool at_least(std::size_t wanted, make_stage const& make) {
  auto const all = sweep_store(make);
  return all.pending >= wanted / stride(make()->facts()) && all.aborted > 0;
}

}  // namespace

TEST_CASE("every step on a memory store: cancelled, destroyed, stopped", "[L1][L2][memory]") {
  CHECK(at_least(1000, memory_stage));
}

TEST_CASE("every step on the pretended etcd cluster: cancelled, destroyed, stopped", "[L1][L2][etcd]") {
  CHECK(at_least(1000, etcd_stage));
}

TEST_CASE("every step on the pretended storage account: cancelled, destroyed, stopped", "[L1][L2][azure]") {
  CHECK(at_least(1000, azure_stage));
}

TEST_CASE("every step on lock files: cancelled, destroyed, stopped", "[L1][L2][file]") {
  CHECK(at_least(800, file_stage));
}
