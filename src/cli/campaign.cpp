// `coelect campaign`: stands, leads, tells the story, stands again after a loss, until stopped.
#include "cli/candidacy.hpp"
#include "cli/commands.hpp"
#include "cli/signals.hpp"
#include "cli/task_group.hpp"

namespace coelect::cli {
namespace {

namespace asio = boost::asio;

// How soon after a warning it is looked whether a renewal came through after all.
constexpr std::chrono::milliseconds calm_check{200};

struct campaigning {
  candidacy c;
  task_group tasks;
};

bool same_term(campaigning const& all, std::uint64_t token) {
  return all.c.leading != nullptr && all.c.leading->fencing_token() == token && all.c.leading->valid();
}

// Until the deadline of a term at risk has moved, or the term is over.
asio::awaitable<void> wait_for_renewal(campaigning& all, std::uint64_t token) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  auto const before = all.c.leading->valid_until();
  while (same_term(all, token) && all.c.leading->valid_until() <= before) {
    timer.expires_after(calm_check);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

// Tells each time that the current term comes to be at risk.
asio::awaitable<void> warn(campaigning& all) {
  auto const token = all.c.leading->fencing_token();
  while (same_term(all, token)) {
    risk const why = co_await all.c.leading->at_risk(asio::use_awaitable);
    if (why != risk::overdue || !same_term(all, token)) co_return;
    all.c.tale.at_risk(*all.c.leading, why);
    co_await wait_for_renewal(all, token);
  }
}

asio::awaitable<void> stand(campaigning& all) {
  auto& c = all.c;
  c.tale.stands(c.who.where()->describe());
  for (;;) {
    error_code ec;
    leadership term = co_await c.who.campaign(asio::redirect_error(asio::use_awaitable, ec));
    if (ec == errc::stopped) co_return;
    if (ec) fail(c.who, ec);
    c.begin(term);
    all.tasks.add_side(warn(all));
    term_end const end = co_await term.lost(asio::use_awaitable);
    bool const stopped = end.how() == end_of_term::stopped;
    c.over();
    if (stopped) co_return;
    c.tale.lost(term.fencing_token(), reason_of(end));
    c.tale.stands_again();
  }
}

}  // namespace

asio::awaitable<int> campaign(session& with) {
  stop_requests stop(with.executor(), stop_keys::enter);
  std::string const how_to_stop = stop.by_enter() ? "ENTER or Ctrl-C resigns." : "Ctrl-C resigns.";
  campaigning all{candidacy(with, how_to_stop), task_group(with.executor())};
  all.tasks.add(stand(all));
  all.tasks.add(stop.first());
  all.tasks.add_side(follow(all.c));
  all.tasks.add_side(beat(all.c));
  co_await all.tasks.first_end();
  auto const token = all.c.leading != nullptr ? all.c.last_token : 0;
  co_await leave(all.c, token);
  co_await all.tasks.end();
  all.c.tale.end();
  co_return exit_code::done;
}

}  // namespace coelect::cli
