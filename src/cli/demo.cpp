// `coelect demo`: three candidate processes, a script that takes leaders away, and what that cost.
#include "cli/commands.hpp"
#include "cli/demo_place.hpp"
#include "cli/demo_stage.hpp"
#include "cli/signals.hpp"
#include "cli/svg_file.hpp"
#include "cli/text.hpp"

namespace coelect::cli {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using cause = timeline::cause;

constexpr milliseconds to_be_seen{1'100};   // long enough for people to see who leads
constexpr milliseconds stop_length{1'500};  // where the hold is kept
constexpr std::chrono::minutes longest_by_hand{10};

// Three times a lease must run out: people should know why nothing happens.
constexpr std::chrono::seconds long_lease{8};
std::string how_long(milliseconds ttl) {
  auto const lease = std::chrono::ceil<std::chrono::seconds>(ttl).count();
  return "Who is killed or stopped is replaced when its lease has run out, after " + std::to_string(lease) +
         " s: all of it takes up to " + std::to_string(3 * lease + 20) + " s.";
}

asio::awaitable<bool> replace_leader(demo_stage& s, cause why) {
  s.take_away(why);
  bool const fine = co_await s.someone_leads();
  co_return fine;
}

// A lease runs out meanwhile: the stopped one has been replaced when it goes on, and must notice.
asio::awaitable<bool> stop_until_replaced(demo_stage& s) {
  s.stop_leader();
  bool fine = co_await s.someone_leads();
  co_await s.pause(to_be_seen);
  s.go_on();
  if (fine) {
    fine = co_await s.nobody_leads_by_mistake();
  }
  co_return fine;
}

asio::awaitable<bool> stop_for_a_while(demo_stage& s) {
  s.stop_leader();
  co_await s.pause(stop_length);
  s.go_on();
  bool const fine = co_await s.someone_leads();
  co_return fine;
}

// Ends early when a key is pressed. False: something did not happen in time.
asio::awaitable<bool> script(demo_stage& s) {
  s.start_all();
  bool fine = co_await s.someone_leads();
  co_await s.pause(to_be_seen);
  for (auto const why : {cause::kill, cause::stop, cause::resignation, cause::kill}) {
    if (!fine || s.key_waits()) break;
    if (why == cause::stop && s.holds_run_out()) {
      fine = co_await stop_until_replaced(s);
    } else if (why == cause::stop) {
      fine = co_await stop_for_a_while(s);
    } else {
      fine = co_await replace_leader(s, why);
    }
    co_await s.pause(to_be_seen);
  }
  co_return fine;
}

void obey(demo_stage& s, char key) {
  if (key == 'k') s.take_away(cause::kill);
  if (key == 'r') s.take_away(cause::resignation);
  if (key == 's' && s.someone_is_stopped()) s.go_on();
  else if (key == 's') s.stop_leader();
}

// Until q or for ten minutes.
asio::awaitable<void> by_hand(demo_stage& s) {
  s.say("By hand now.");
  auto const end = demo_stage::clock::now() + longest_by_hand;
  while (demo_stage::clock::now() < end) {
    auto const key = s.next_key();
    if (key == 'q') co_return;
    if (key) obey(s, *key);
    else co_await s.something_happens();
  }
}

struct demo_end {
  bool fine = true;
};

asio::awaitable<void> play(demo_stage& s, demo_end& end) {
  end.fine = co_await script(s);
  if (end.fine && s.key_waits()) {
    co_await by_hand(s);
  }
  co_await s.send_home();
}

}  // namespace

asio::awaitable<int> demo(session& with) {
  auto const& how = with.how();
  svg_file const svg(how.svg);
  demo_place const place(how.store, how.ttl);
  stop_requests stop(with.executor(), stop_keys::none);
  task_group tasks(with.executor());
  demo_stage stage(tasks, with, candidate_flags(how, place), place.ttl);
  std::string const aside = place.temporary                ? " (removed at the end)"
                            : place.ttl != milliseconds(0) ? ", " + place.leases
                                                           : "";
  stage.heading("Three candidates of one election at " + printable(place.url) + aside);
  if (place.ttl >= long_lease) stage.heading(how_long(place.ttl));
  demo_end end;
  tasks.add(play(stage, end));
  tasks.add(stop.first());
  tasks.add_side(stage.show());
  co_await tasks.first_end();
  stage.close();
  co_await tasks.end();
  stage.sum_up();
  svg.write(stage.drawing(place.kind));
  with.out().write("Timeline: " + svg.path() + "\n");
  co_return end.fine ? exit_code::done : exit_code::unexpected;
}

}  // namespace coelect::cli
