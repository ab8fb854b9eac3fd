// `coelect run`: runs a command only while leading, and ends it before the term does.
#include "cli/candidacy.hpp"
#include "cli/child_process.hpp"
#include "cli/commands.hpp"
#include "cli/job_control.hpp"
#include "cli/signals.hpp"
#include "cli/task_group.hpp"
#include "cli/text.hpp"
#include "cli/wind_down.hpp"
#include <coelect/lead.hpp>
#include <cstring>

namespace coelect::cli {
namespace {

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

constexpr std::chrono::seconds look_for_rest{1};  // a net under SIGCHLD and the term's own news

/// What the term has said so far. Shared with the callbacks that hear it.
struct warnings {
  explicit warnings(asio::any_io_executor const& ex) : news(ex) {}
  bell news;
  std::optional<risk> why;
  bool asking = false;
  clock_type::time_point ask_again{};
};

struct runner {
  runner(session& with, std::string how_to_stop)
      : program(with), how(with.how()), c(with, std::move(how_to_stop)), heard(fresh_warnings()) {}

  std::shared_ptr<warnings> fresh_warnings() const { return std::make_shared<warnings>(program.executor()); }

  session& program;
  settings const& how;
  candidacy c;
  std::shared_ptr<warnings> heard;
  std::optional<child_process> child;
  bool stopping = false;     ///< We were asked to end.
  bool interrupted = false;  ///< By SIGINT, once.
  bool lost_once = false;    ///< --once: the term ended under the child.
  job_control terminal;
  bool told_loss = false;     ///< Of the current term.
  std::optional<int> result;  ///< The child's own.
};

// Asked again and again, because a renewal may come through after all and be followed by another
// risk; but not at once, because what is still at risk answers at once.
void ask_for_warnings(runner& r, leadership& term) {
  auto const now = clock_type::now();
  if (r.heard->asking || now < r.heard->ask_again) return;
  r.heard->asking = true;
  r.heard->ask_again = now + look_for_rest;
  if (r.heard->why == risk::overdue) r.heard->why.reset();
  term.at_risk([heard = r.heard](error_code, risk why) {
    heard->asking = false;
    heard->why = why;
    heard->news.ring();
  });
}

void ask_for_end(runner& r, leadership& term) {
  term.lost([heard = r.heard](error_code, term_end const&) { heard->news.ring(); });
}

term_view view_of(runner const& r, leadership const& term) {
  auto const why = r.heard->why;
  term_view view;
  view.over = static_cast<bool>(term.ended());
  view.wanted_back = why == risk::deposed || why == risk::stopping;
  view.overdue = why == risk::overdue;
  view.left = term.remaining();
  view.child_holds_lock = term.lock_descriptor() >= 0;
  return view;
}

void start_child(runner& r, leadership const& term) {
  child_plan plan;
  plan.command = r.how.child;
  plan.environment = {"COELECT_TOKEN=" + std::to_string(term.fencing_token()), "COELECT_ELECTION=" + term.election(),
                      "COELECT_CANDIDATE=" + term.candidate()};
  plan.keep_open = term.lock_descriptor();
  plan.foreground = r.terminal.lend();
  collect_strays();
  int trouble = 0;
  r.child = child_process::start(plan, trouble);
  if (r.child) {
    r.c.tale.remark("Started " + printable(plan.command.front()) + " (" + std::to_string(r.child->pid()) + ").");
    return;
  }
  r.result = code_for_exec_error(trouble);
  auto const why = std::string(std::strerror(trouble));
  r.program.err().write("coelect: cannot run " + printable(plan.command.front()) + ": " + why + "\n");
}

void obey(runner& r, wind_down::orders const& orders) {
  if (orders.terminate) {
    r.child->signal_group(SIGTERM);
    r.child->signal_group(SIGCONT);  // a stopped one could not obey
  }
  if (orders.kill) r.child->signal_group(SIGKILL);
}

void tell_trouble(runner& r, leadership const& term, term_view const& view, bool& told_risk) {
  if (view.over && !std::exchange(r.told_loss, true)) r.c.tale.lost(term.fencing_token(), reason_of(term.ended()));
  bool const risky = !view.over && (view.overdue || view.wanted_back);
  if (risky && !std::exchange(told_risk, true)) r.c.tale.at_risk(term, *r.heard->why);
}

void tell_end(runner& r, int code) {
  auto const who = printable(r.how.child.front()) + " (" + std::to_string(r.child->pid()) + ")";
  bool const killed = code > exit_code::by_signal;
  auto const how = killed ? ", killed by signal " + std::to_string(code - exit_code::by_signal)
                          : " with code " + std::to_string(code);
  r.c.tale.remark(who + " ended" + how + ".");
}

// Until the child has ended, by itself or by us.
asio::awaitable<void> watch_child(runner& r, leadership& term) {
  wind_down ending(r.how.grace);
  bool told_risk = false;
  ask_for_end(r, term);
  for (;;) {
    auto const status = r.child->look();
    if (status.now == child_status::kind::ended) {
      tell_end(r, status.code);
      if (!ending.begun()) r.result = status.code;
      co_return;
    }
    if (status.now == child_status::kind::stopped) r.terminal.child_stopped(*r.child, status.code);
    bool const may_work = term.valid() || term.lock_descriptor() >= 0;  // we may have been stopped for long
    if (may_work) r.terminal.go_on(*r.child);
    ask_for_warnings(r, term);
    auto const view = view_of(r, term);
    tell_trouble(r, term, view, told_risk);
    auto const orders = ending.decide(view, clock_type::now());
    obey(r, orders);
    co_await r.heard->news.wait(orders.look_again.value_or(clock_type::time_point::max()));
  }
}

// The term is over for everybody only when nobody of the child's group works any more.
asio::awaitable<void> bury_child(runner& r) {
  r.terminal.take_back();
  while (!r.child->collect()) {
    co_await r.heard->news.wait(clock_type::now() + look_for_rest);
  }
  r.child.reset();
}

// No new term: the release of the current one goes on, and campaign() ends with errc::stopped.
void stand_no_more(runner& r) {
  r.c.who.stop([](error_code) {});
}

// Lost, and not because the child or a signal said that this is the end.
void after_loss(runner& r, leadership const& term) {
  if (!std::exchange(r.told_loss, true)) {
    auto const why = r.heard->why.value_or(risk::over);
    r.c.tale.lost(term.fencing_token(), term.ended() ? reason_of(term.ended()) : to_string(why));
  }
  r.lost_once = r.how.once;
}

// The body of lead(): the hold is renewed, and nothing is released, until this has returned.
asio::awaitable<void> work_under(runner& r, leadership& term) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (r.stopping || !term.valid()) co_return;
  r.heard = r.fresh_warnings();
  r.told_loss = false;
  r.c.begin(term);
  start_child(r, term);
  if (r.child) {
    co_await watch_child(r, term);
    co_await bury_child(r);
  }
  r.c.over();
  bool const the_end = r.stopping || r.result.has_value();
  if (!the_end) after_loss(r, term);
  if (the_end || r.lost_once) stand_no_more(r);
}

asio::awaitable<void> keep_running(runner& r) {
  r.c.tale.stands(r.c.who.where()->describe());
  auto body = [&r](leadership& term) { return work_under(r, term); };
  error_code ec;
  try {
    co_await lead(r.c.who, body);
  } catch (boost::system::system_error const& e) {
    ec = e.code();
  }
  if (ec && ec != errc::stopped) fail(r.c.who, ec);
}

void hear_signal(runner& r, int signal) {
  if (signal == SIGCHLD || signal == SIGCONT) {
    r.heard->news.ring();
    return;
  }
  bool const ends = signal != SIGUSR1 && signal != SIGUSR2;
  if (ends) r.stopping = true;
  bool const second = signal == SIGINT && std::exchange(r.interrupted, true);
  if (r.child) r.child->signal_group(second ? SIGKILL : signal);
  else if (second) ::_exit(exit_code::by_signal + SIGINT);
  else if (ends) stand_no_more(r);
}

}  // namespace

asio::awaitable<int> run(session& with) {
  adopt_orphans();
  runner r(with, "Ctrl-C ends the command and resigns.");
  auto const hear = [&r](int signal) { hear_signal(r, signal); };
  signal_listener signals(with.executor(), {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGCONT}, hear);
  task_group tasks(with.executor());
  tasks.add(keep_running(r));
  tasks.add_side(follow(r.c));
  tasks.add_side(beat(r.c));
  co_await tasks.first_end();
  bool const held = r.c.last_token != 0 && !r.told_loss;
  co_await leave(r.c, held ? r.c.last_token : 0);
  co_await tasks.end();
  r.c.tale.end();
  if (r.lost_once) co_return exit_code::lost;
  co_return r.result.value_or(exit_code::done);
}

}  // namespace coelect::cli
