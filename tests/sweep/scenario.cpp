// What a subject is doing when harm comes to it.
#include "scenario.hpp"

namespace coelect::test {

using namespace std::chrono_literals;

scene::scene(make_stage const& make) : where(make()) {
  subject = std::make_unique<process>(*where, "S", true);
  rival = std::make_unique<process>(*where, "R", false);
}

void scene::end() {
  subject->let_go();
  rival->let_go();
  where.reset();
}

// The rules that hold always: never two leaders, and none once it was said so.
bool scene::step(nanoseconds end) {
  bool const more = where->step(end);
  bool const leads = subject->leads();
  if (leads && rival->leads()) say("two lead at once");
  if (leads && never_again) say("it leads again");
  return more;
}

bool scene::until(std::function<bool()> const& done, nanoseconds limit) {
  auto const end = where->now() + limit;
  while (!done() && wrong.empty())
    if (!step(end) && where->now() >= end) break;
  return done();
}

void scene::run_ready() {
  while (step(where->now())) {
  }
}

void scene::rival_stands() {
  rivals = std::make_shared<probe>();
  rival->campaign(rivals);
}

bool scene::rival_wins(nanoseconds limit) {
  auto const end = where->now() + limit;
  while (where->now() < end && wrong.empty()) {
    rival_stands();
    until([&] { return rivals->done(); }, end - where->now());
    if (rivals->ec != errc::busy) return rival_leads();
    until([] { return false; }, 1ms);
  }
  return false;
}

std::vector<scenario> const& all_scenarios() {
  static std::vector<scenario> const all = [] {
    std::vector<scenario> list;
    auto const add = [&](char const* name, op what) -> scenario& {
      list.push_back({name, what});
      return list.back();
    };
    add("campaign, alone", op::campaign);
    auto& behind = add("campaign, behind a leader who resigns", op::campaign);
    behind.rival_first = true;
    behind.rival_resigns_after = 1;
    add("try_campaign, behind a leader", op::try_campaign).rival_first = true;
    auto& hold = add("hold through three renewals", op::lost);
    hold.subject_first = true;
    hold.lasts = 4;
    add("guarded write", op::write).subject_first = true;
    add("proclaim", op::proclaim).subject_first = true;
    auto& resign = add("resign, with a candidate waiting", op::resign);
    resign.subject_first = resign.rival_waits = true;
    add("leader()", op::look).rival_first = true;
    auto& watch = add("watch a leader who resigns", op::watch);
    watch.rival_first = true;
    watch.rival_resigns_after = 1;
    add("depose the rival", op::depose).rival_first = true;
    add("stop, leading", op::stop).subject_first = true;
    auto& waiting = add("stop, waiting", op::stop);
    waiting.rival_first = waiting.subject_waits = true;
    add("lead() with a body, stopped", op::lead).stop_after = 2;
    return list;
  }();
  return all;
}

namespace {

void watch_the_rival(scene& s) {
  auto const looked = std::make_shared<probe>();
  s.subject->start(op::look, style::callback, looked);
  if (!s.until([&] { return looked->done(); }, 10s) || s.subject->seen.empty()) s.say("set-up: no leader seen");
}

void observe_own_term(scene& s) {
  auto const add = [&] {
    s.beside.push_back(std::make_shared<probe>());
    return std::make_shared<life>(s.beside.back(), *s.where);
  };
  auto at_risk = [l = add()](error_code ec, risk) { l->end(ec); };
  s.subject->term.at_risk(std::move(at_risk));
  auto no_leader = [l = add()](error_code ec) { l->end(ec); };
  s.subject->signal->lost(std::move(no_leader));
}

}  // namespace

void set_up(scene& s, scenario const& what, style how) {
  auto& me = *s.subject;
  if (what.rival_first) {
    s.rival_stands();
    if (!s.until([&] { return s.rival_leads(); }, 60s)) return s.say("set-up: the rival does not win");
    if (what.what == op::watch || what.what == op::depose) watch_the_rival(s);
  }
  if (what.what == op::depose)
    s.rival->term.at_risk([&s](error_code, risk why) {
      if (why == risk::deposed) s.rival->term = leadership();
    });
  if (what.subject_first || what.subject_waits) {
    auto const first = std::make_shared<probe>();
    me.campaign(first);
    if (what.subject_first && !s.until([&] { return first->done() && me.term.valid(); }, 60s))
      return s.say("set-up: the subject does not win");
    if (what.subject_waits) {
      s.beside.push_back(first);
      s.until([] { return false; }, s.where->facts().renewal / 2);
    }
  }
  if (what.rival_waits) {
    s.rival_stands();
    s.until([] { return false; }, s.where->facts().renewal / 2);
  }
  if (what.lasts > 0) observe_own_term(s);
  me.start(what.what, how, s.main);
  if (!s.until([&] { return s.main->begun; }, 10s)) s.say("set-up: the coroutine does not begin");
  s.began = s.where->now();
}

namespace {

struct happening {
  nanoseconds when;
  int which;
};

std::vector<happening> plan(scene const& s, scenario const& what) {
  auto const renewal = s.where->facts().renewal;
  std::vector<happening> all;
  if (what.rival_resigns_after > 0) all.push_back({s.began + renewal * what.rival_resigns_after, 1});
  if (what.stop_after > 0) all.push_back({s.began + renewal * what.stop_after, 2});
  return all;
}

}  // namespace

nanoseconds next_event(scene& s, scenario const& what, nanoseconds end) {
  for (auto const& h : plan(s, what))
    if (s.happened < h.which) end = std::min(end, h.when);
  return end;
}

void happen(scene& s, scenario const& what) {
  for (auto const& h : plan(s, what)) {
    if (s.happened >= h.which || s.where->now() < h.when) continue;
    s.happened = h.which;
    if (h.which == 1) s.rival->term = leadership();
    if (h.which == 2 && s.subject->candidate) {
      s.beside.push_back(std::make_shared<probe>());
      auto stopped = [l = std::make_shared<life>(s.beside.back(), *s.where)](error_code ec) { l->end(ec); };
      s.subject->candidate->stop(std::move(stopped));
    }
  }
}

}  // namespace coelect::test
