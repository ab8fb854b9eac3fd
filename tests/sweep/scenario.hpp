// What a subject is doing when harm comes to it: how it gets there, what happens meanwhile, and when it is over.
#pragma once
#include "process.hpp"

namespace coelect::test {

/// Subject and rival on their stage, with what is under way.
struct scene {
  explicit scene(make_stage const& make);
  scene(scene const&) = delete;
  scene& operator=(scene const&) = delete;
  ~scene() { end(); }
  /// Destroys the users' objects, and then the stage with what waits there. The processes stay until all that is gone.
  void end();

  /// Steps until `done`, with the rules that hold at every moment looked at after each step.
  bool until(std::function<bool()> const& done, nanoseconds limit);
  void run_ready();
  bool step(nanoseconds end);
  void rival_stands();
  /// Campaigns, again while an earlier term is still being released, until it leads.
  bool rival_wins(nanoseconds limit);
  bool rival_leads() const { return rival->term.valid(); }
  void say(std::string what) { wrong.push_back(std::move(what)); }

  std::unique_ptr<stage> where;
  std::unique_ptr<process> subject, rival;
  std::shared_ptr<probe> main = std::make_shared<probe>();  ///< Of the swept operation.
  std::vector<std::shared_ptr<probe>> beside;               ///< Of what else the subject has under way.
  std::shared_ptr<probe> rivals;
  int happened = 0;          ///< The last of the events by themselves.
  bool never_again = false;  ///< From now on the subject must not lead.
  nanoseconds began{};
  std::vector<std::string> wrong;
};

struct scenario {
  char const* name;
  op what;
  bool rival_first = false;     ///< The rival leads before.
  bool subject_first = false;   ///< The subject leads before.
  bool rival_waits = false;     ///< The rival has joined the queue.
  bool subject_waits = false;   ///< The subject has joined it, in an operation of its own.
  int rival_resigns_after = 0;  ///< In renewals; 0: it does not.
  int stop_after = 0;           ///< The subject's elector is stopped then.
  int lasts = 0;                ///< It is over then; 0: when the operation has completed.
};

std::vector<scenario> const& all_scenarios();

/// Brings the scene to where the operation begins, and begins it.
void set_up(scene& s, scenario const& what, style how);
/// What happens by itself: the rival resigns, the subject is stopped. When that comes next, or `end`.
nanoseconds next_event(scene& s, scenario const& what, nanoseconds end);
void happen(scene& s, scenario const& what);

}  // namespace coelect::test
