// What is done to a subject in the middle of an operation, and what must come of it.
#include "harm.hpp"

namespace coelect::test {

using namespace std::chrono_literals;
using boost::asio::cancellation_type;

char const* to_string(harm what) {
  switch (what) {
    case harm::cancel_terminal: return "cancel, terminal";
    case harm::cancel_partial: return "cancel, partial";
    case harm::cancel_total: return "cancel, total";
    case harm::cancel_unanswered: return "cancel, unanswered";
    case harm::destroy_elector: return "destroy the elector";
    case harm::destroy_leadership: return "destroy the leadership";
    case harm::drop_store: return "drop the store";
    case harm::destroy_loop: return "destroy the loop";
    case harm::destroy_world: return "destroy everything";
    case harm::halt_short: return "stop the loop for a moment";
    case harm::halt_long: return "stop the loop for long";
  }
  return "?";
}

char const* to_string(style what) {
  if (what == style::callback) return "callback";
  return what == style::coroutine ? "coroutine" : "coroutine that lets all through";
}

std::vector<way> ways(scenario const& what, stage_facts const& facts) {
  if (what.what == op::write && !facts.guarded) return {};
  bool const leads = what.what == op::lead;
  std::vector<way> all;
  for (auto const h : {harm::cancel_terminal, harm::cancel_partial, harm::cancel_total, harm::cancel_unanswered,
                       harm::destroy_elector, harm::destroy_leadership, harm::drop_store, harm::destroy_loop,
                       harm::destroy_world, harm::halt_short, harm::halt_long}) {
    if (h == harm::cancel_unanswered && !facts.can_be_mute) continue;
    if (h == harm::destroy_elector && leads) continue;  // it must live until lead() completes
    if (h == harm::destroy_leadership && !what.subject_first) continue;
    bool const a_cancel = h <= harm::cancel_unanswered;
    bool const a_halt = h == harm::halt_short || h == harm::halt_long;
    if (!leads) all.push_back({style::callback, h});
    if (h == harm::cancel_terminal || (leads && !a_cancel)) all.push_back({style::coroutine, h});
    if (a_cancel || (!leads && !a_halt && h != harm::drop_store)) all.push_back({style::open_coroutine, h});
  }
  return all;
}

namespace {

/// What the header says of the operation: which cancellation it obeys.
bool obeys(op what, cancellation_type type) {
  switch (what) {
    case op::write:
    case op::proclaim:
    case op::resign:
    case op::stop:
    case op::depose: return type == cancellation_type::terminal;
    default: return true;
  }
}

cancellation_type type_of(harm what) {
  if (what == harm::cancel_partial) return cancellation_type::partial;
  return what == harm::cancel_total ? cancellation_type::total : cancellation_type::terminal;
}

bool needs_own_term(op what) { return what == op::lost || what == op::write || what == op::proclaim; }

/// Steps, with what happens by itself, until the operation has completed.
bool finish(scene& s, scenario const& what, nanoseconds limit) {
  auto const end = s.where->now() + limit;
  while (!s.main->done() && s.where->now() < end && s.wrong.empty()) {
    auto const next = next_event(s, what, end);
    s.until([&] { return s.main->done(); }, next - s.where->now());
    happen(s, what);
  }
  return s.main->done();
}

nanoseconds long_enough(scene const& s) { return s.where->facts().takeover() * 4 + s.where->facts().patience; }

void expect(scene& s, bool so, std::string const& otherwise) {
  if (!so) s.say(otherwise);
}

/// It was not harmed, or not so that it shows: it ends as it does without.
void ends_as_usual(scene& s, scenario const& what) {
  if (what.lasts > 0) {
    s.until([] { return false; }, s.where->facts().renewal);
    expect(s, !s.main->done() && s.subject->leads(), "the hold does not go on");
    return;
  }
  expect(s, finish(s, what, long_enough(s)), "it does not complete");
  expect(s, !s.main->ec, "it completes with " + s.main->ec.message());
}

/// Whose campaign was cancelled has left the election: the same elector may stand anew.
void stands_again(scene& s) {
  s.run_ready();
  s.never_again = false;
  s.beside.push_back(std::make_shared<probe>());
  auto const again = s.beside.back();
  s.subject->campaign(again);
  s.until([&] { return again->done(); }, s.where->facts().renewal / 2);
  expect(s, !again->done() || !again->ec, "a second campaign ends with " + again->ec.message());
}

void cancelled(scene& s, scenario const& what, way how) {
  auto const& facts = s.where->facts();
  bool const before = s.main->done();
  bool const led = s.subject->leads();
  auto const type = type_of(how.what);
  bool const silent = how.what == harm::cancel_unanswered;
  if (silent) s.where->mute(true);
  s.subject->cancel.emit(type);
  if (!obeys(what.what, type)) return ends_as_usual(s, what);

  s.until([&] { return s.main->done(); }, facts.release + facts.patience);
  expect(s, s.main->done(), "it does not complete within the time of a release");
  if (silent) {
    s.until([] { return false; }, 3s);
    s.where->mute(false);
  }
  if (before) return;
  bool const aborted = s.main->ec == boost::asio::error::operation_aborted;
  expect(s, aborted || !s.main->ec, "it completes with " + s.main->ec.message());
  if (what.what == op::lead) expect(s, s.subject->bodies_now == 0, "the body runs on");
  if ((what.what == op::campaign || what.what == op::lead) && aborted) {
    expect(s, !s.subject->term && !s.subject->leads(), "it leads though its campaign was cancelled");
    s.never_again = true;
    if (what.what == op::campaign) stands_again(s);
  }
  if (needs_own_term(what.what) && led && !silent) {
    s.until([] { return false; }, facts.renewal * 2);
    expect(s, s.subject->leads() && !s.subject->term.ended(), "the term does not go on");
  }
}

bool is_an_end(error_code ec) { return !ec || ec == errc::stopped || ec == errc::not_leader || ec == cond::transient; }

void destroyed_by_owner(scene& s, scenario const& what, way how) {
  auto const& facts = s.where->facts();
  bool const resigning = what.what == op::resign || what.what == op::stop;
  if (how.what == harm::destroy_elector) {
    s.subject->candidate.reset();
    s.run_ready();
    s.never_again = true;
    expect(s, !s.subject->leads() && !s.subject->term.valid(), "its term is valid though the elector is gone");
  } else {
    s.subject->term = leadership();
    s.never_again = true;
    expect(s, !s.subject->leads(), "it leads though the leadership is gone");
  }
  s.until([&] { return s.main->done(); }, facts.release + facts.patience);
  expect(s, s.main->done(), "it does not complete within the time of a release");
  bool const as_it_should = resigning ? !s.main->ec || s.main->ec == errc::not_leader : is_an_end(s.main->ec);
  expect(s, as_it_should, "it completes with " + s.main->ec.message());
}

void loop_destroyed(scene& s) {
  bool const before = s.main->done();
  s.where->destroy_loop();
  s.never_again = true;
  expect(s, !s.subject->leads() && !s.subject->term.valid(), "it leads though its loop is gone");
  expect(s, s.main->calls == (before ? 1 : 0), "a handler of a destroyed loop was called");
  expect(s, s.main->gone == 1, "a handler of a destroyed loop was kept");
  for (auto const& p : s.beside) expect(s, p->gone == 1, "a handler beside it was kept");
}

void everything_destroyed(scene& s) {
  bool const before = s.main->done();
  s.end();
  expect(s, s.main->calls == (before ? 1 : 0), "a handler of a destroyed world was called");
}

void halted(scene& s, scenario const& what, way how) {
  auto const& facts = s.where->facts();
  bool const before = s.main->done();
  s.where->halt();
  if (how.what == harm::halt_short) {
    s.until([] { return false; }, facts.short_halt);
    s.where->resume();
    if (before) return;
    return ends_as_usual(s, what);
  }
  // Whoever stands meanwhile wins in time, if the store has leases and nobody else leads.
  if (!s.rival_leads() && !what.rival_waits) s.rival_stands();
  if (facts.leases) {
    auto const won = [&] { return s.rival_leads() && !s.subject->leads(); };
    expect(s, s.until(won, facts.takeover()), "the rival does not win in time while the loop stands still");
  }
  s.until([] { return false; }, facts.long_halt);
  if (facts.leases) expect(s, !s.subject->leads(), "it leads after its lease has run out");
  s.where->resume();
  if (facts.leases && what.lasts > 0) {
    expect(s, finish(s, what, facts.patience + 1s), "lost() does not complete");
    expect(s,
           s.subject->term.ended().how() == end_of_term::expired || s.subject->term.ended().how() == end_of_term::lost,
           "it ends otherwise");
    return;
  }
  if (what.lasts > 0) return ends_as_usual(s, what);
  s.until([] { return false; }, facts.renewal);
  auto const by = s.where->now() + long_enough(s);
  // On real files the rival may win only now; nobody else would make it let go again.
  s.until([&] { return s.main->done() || s.rival_leads(); }, facts.patience);
  if (s.rival_leads()) s.rival->term = leadership();
  expect(s, finish(s, what, by - s.where->now()), "it does not complete");
  expect(s, is_an_end(s.main->ec), "it completes with " + s.main->ec.message());
}

}  // namespace

void strike(scene& s, scenario const& what, way how) {
  switch (how.what) {
    case harm::cancel_terminal:
    case harm::cancel_partial:
    case harm::cancel_total:
    case harm::cancel_unanswered: return cancelled(s, what, how);
    case harm::destroy_elector:
    case harm::destroy_leadership: return destroyed_by_owner(s, what, how);
    case harm::drop_store: s.subject->place.reset(); return ends_as_usual(s, what);
    case harm::destroy_loop: return loop_destroyed(s);
    case harm::destroy_world: return everything_destroyed(s);
    case harm::halt_short:
    case harm::halt_long: return halted(s, what, how);
  }
}

void clean_up(scene& s, way how) {
  if (!s.where) return;
  auto const& facts = s.where->facts();
  s.subject->term = leadership();
  s.subject->candidate.reset();
  s.subject->place.reset();
  if (how.what != harm::destroy_loop) {
    s.run_ready();
    expect(s, !s.subject->leads(), "it leads though everything of it is gone");
  }
  s.never_again = true;
  s.rival->term = leadership();
  s.until([&] { return !s.rivals || s.rivals->done(); }, facts.takeover() + facts.patience);
  s.rival->term = leadership();

  // Its place in the election is free within the bound, whatever it left there.
  expect(s, s.rival_wins(facts.takeover() + facts.patience), "the rival does not win in time");
  s.rival->term = leadership();
  s.until([&] { return s.main->gone > 0; }, facts.release + facts.patience);
  s.rival->candidate.reset();
  s.rival->place.reset();
  s.subject->signal.reset();
  s.rival->signal.reset();
  auto const nobody = [&] { return s.subject->trace.expired() && s.rival->trace.expired(); };
  expect(s, s.until(nobody, facts.takeover() + facts.patience), "something keeps the store");
  s.until([] { return false; }, facts.ttl * 2);
  auto const left = s.where->left_over();
  expect(s, left.empty(), "left over: " + left);
}

}  // namespace coelect::test
