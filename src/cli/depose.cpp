// `coelect depose`: asks the leader to step down, or takes its hold away, and waits until it has gone.
#include "cli/commands.hpp"
#include "cli/signals.hpp"
#include "cli/story.hpp"
#include "cli/task_group.hpp"
#include "cli/text.hpp"

namespace coelect::cli {
namespace {

namespace asio = boost::asio;

// Ends when somebody else, or nobody, leads.
asio::awaitable<void> wait_until_gone(elector& who, sighting& seen) {
  auto const token = seen.fencing_token();
  while (seen.fencing_token() == token) {
    error_code ec;
    sighting now = co_await who.watch(seen, asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted) co_return;
    if (ec) fail(who, ec);
    seen = std::move(now);
  }
}

asio::awaitable<void> pause(std::chrono::milliseconds length) {
  asio::steady_timer timer(co_await asio::this_coro::executor, length);
  co_await timer.async_wait(asio::use_awaitable);
}

std::string token_words(sighting const& seen) { return "token " + std::to_string(seen.fencing_token()); }

void announce(session& with, sighting const& target) {
  auto const& how = with.how();
  if (how.json) return;
  auto const name = printable(target->candidate());
  auto const doing = how.force ? "The hold of " + name + " was taken away, " + token_words(target) +
                                     ". Until it notices, it and the next leader may both act;"
                                     " only tokens tell them apart."
                               : name + " was asked to step down, " + token_words(target) + ".";
  with.out().write(doing + "\n");
}

int report(session& with, sighting const& target, sighting const& now) {
  auto const& how = with.how();
  auto const name = printable(target->candidate());
  bool const gone = now.fencing_token() != target.fencing_token();
  if (how.json) tell_leader(with.out(), how, now, false);
  if (!gone) {
    auto const hint = how.force ? "" : "; --force takes its hold away";
    with.err().write("coelect: " + name + " still leads after " + span(how.wait) + ", " + token_words(target) + hint +
                     "\n");
    return exit_code::unexpected;
  }
  if (!how.json) with.out().write(name + " no longer leads. Now: " + words_for(now) + ".\n");
  return exit_code::done;
}

}  // namespace

asio::awaitable<int> depose(session& with) {
  auto const& how = with.how();
  elector who = with.make_elector();
  error_code ec;
  sighting const target = co_await who.leader(asio::redirect_error(asio::use_awaitable, ec));
  if (ec) fail(who, ec);
  if (!target) {
    tell_leader(with.out(), how, target, false);
    co_return exit_code::empty_seat;
  }
  auto const means = how.force ? depose_how::force : depose_how::ask;
  auto const token = target.fencing_token();
  co_await who.depose(token, means, asio::redirect_error(asio::use_awaitable, ec));
  if (ec && ec != errc::not_leader) fail(who, ec);  // not_leader: it went by itself
  announce(with, target);
  sighting now = target;
  stop_requests stop(with.executor(), stop_keys::none);
  task_group tasks(with.executor());
  tasks.add(wait_until_gone(who, now));
  tasks.add(pause(how.wait));
  tasks.add(stop.first());
  co_await tasks.first_end();
  co_await tasks.end();
  co_return report(with, target, now);
}

}  // namespace coelect::cli
