// Harms a scenario at its first step, at its second, and so on to its end.
#include "sweep.hpp"
#include <cstdlib>

namespace coelect::test {

namespace {

constexpr std::size_t steps_after_the_end = 4;
constexpr std::size_t most_steps = 20'000;

/// Comes to step `k`. False: the scenario was over before.
bool come_to(scene& s, scenario const& what, std::size_t k) {
  auto const& facts = s.where->facts();
  auto const end = s.began + (what.lasts > 0 ? facts.renewal * what.lasts : facts.takeover() * 4 + facts.patience);
  std::size_t after = 0;
  for (std::size_t i = 0; i < k && s.wrong.empty(); ++i) {
    if (s.main->done() && ++after > steps_after_the_end) return false;
    if (s.where->now() >= end) {
      if (what.lasts == 0 && !s.main->done()) s.say("it does not complete, unharmed");
      return false;
    }
    s.step(next_event(s, what, end));
    happen(s, what);
  }
  return true;
}

/// One run. False: the scenario was over before step `k`.
bool run_to(make_stage const& make, scenario const& what, way how, std::size_t k, figures& sum) {
  scene s(make);
  set_up(s, what, how.how);
  if (s.wrong.empty() && !come_to(s, what, k)) {
    for (auto const& w : s.wrong) sum.wrong.push_back("unharmed: " + w);
    return false;
  }
  bool const pending = !s.main->done();
  auto const struck = s.where->now();
  if (s.wrong.empty()) strike(s, what, how);
  if (s.wrong.empty()) clean_up(s, how);
  s.end();
  auto const& main = s.main;
  auto& wrong = s.wrong;

  ++sum.points;
  sum.pending += pending ? 1 : 0;
  bool const aborted = pending && main->ec == boost::asio::error::operation_aborted;
  sum.aborted += aborted ? 1 : 0;
  if (aborted) sum.longest = std::max(sum.longest, main->at - struck);
  bool const may_be_dropped = how.what == harm::destroy_loop || how.what == harm::destroy_world;
  if (main->calls > 1 || (main->calls == 0 && !may_be_dropped))
    wrong.push_back("completed " + std::to_string(main->calls) + " times");
  for (auto const& p : s.beside)
    if (p->calls > 1 || (p->calls == 0 && !may_be_dropped)) wrong.push_back("an operation beside it never completed");
  if (probe::alive != 0) wrong.push_back(std::to_string(probe::alive) + " handlers are left");
  probe::alive = 0;
  for (auto const& w : wrong) sum.wrong.push_back("step " + std::to_string(k) + ": " + w);
  return true;
}

}  // namespace

figures& figures::operator+=(figures const& other) {
  points += other.points;
  pending += other.pending;
  aborted += other.aborted;
  longest = std::max(longest, other.longest);
  wrong.insert(wrong.end(), other.wrong.begin(), other.wrong.end());
  return *this;
}

std::size_t stride(stage_facts const& facts) {
  auto const* const asked = std::getenv("COELECT_SWEEP_STRIDE");
  auto const n = asked ? std::strtoul(asked, nullptr, 10) : 0;
  return n > 0 ? n : facts.stride;
}

figures sweep(make_stage const& make, scenario const& what, way how, std::size_t first) {
  figures sum;
  auto const step = stride(make()->facts());
  for (auto k = first % step; k < most_steps && run_to(make, what, how, k, sum) && sum.wrong.size() < 10; k += step) {
  }
  return sum;
}

}  // namespace coelect::test
