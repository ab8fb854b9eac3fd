// What is done to a subject in the middle of an operation, and what must come of it.
#pragma once
#include "scenario.hpp"

namespace coelect::test {

enum class harm {
  cancel_terminal = 1,
  cancel_partial,
  cancel_total,
  cancel_unanswered,  ///< Terminal, and the store answers nobody for three seconds.
  destroy_elector,
  destroy_leadership,
  drop_store,  ///< The user's handle on it.
  destroy_loop,
  destroy_world,
  halt_short,
  halt_long,
};
char const* to_string(harm what);
char const* to_string(style what);

struct way {
  style how;
  harm what;
};
/// Those that make sense for a scenario.
std::vector<way> ways(scenario const& what, stage_facts const& facts);

/// Does it, now, and waits for what must come of it.
void strike(scene& s, scenario const& what, way how);
/// Nothing of the subject stays: its objects, its handlers, its place in the election.
void clean_up(scene& s, way how);

}  // namespace coelect::test
