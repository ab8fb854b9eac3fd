// `coelect watch`: follows who leads, one line per change, until stopped.
#include "cli/commands.hpp"
#include "cli/signals.hpp"
#include "cli/story.hpp"
#include "cli/task_group.hpp"

namespace coelect::cli {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> tell_changes(session& with, elector& who) {
  sighting seen;
  for (;;) {
    error_code ec;
    sighting now = co_await who.watch(seen, asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted) co_return;
    if (ec) fail(who, ec);
    seen = std::move(now);
    tell_leader(with.out(), with.how(), seen, true);
  }
}

}  // namespace

asio::awaitable<int> watch(session& with) {
  elector who = with.make_elector();
  stop_requests stop(with.executor(), stop_keys::none);
  task_group tasks(with.executor());
  tasks.add(tell_changes(with, who));
  tasks.add(stop.first());
  co_await tasks.first_end();
  co_await tasks.end();
  co_return exit_code::done;
}

}  // namespace coelect::cli
