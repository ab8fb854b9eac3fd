// `coelect demo`: three candidate processes, a script that takes leaders away, and what that cost.
#include "cli/commands.hpp"
#include "cli/demo_place.hpp"
#include "cli/demo_stage.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace coelect::cli {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using cause = timeline::cause;

constexpr milliseconds to_be_seen{1'100};   // long enough for people to see who leads
constexpr milliseconds stop_length{1'500};  // where the hold is kept
constexpr std::chrono::minutes longest_by_hand{10};

void check_svg(std::string const& path) {
  int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) {
    auto const why = std::generic_category().message(errno);
    throw election_error(errc::bad_options,
                         "svg: cannot write " + path + ": " + why + "; name another file with --svg");
  }
  ::close(file);
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

std::vector<std::string> candidate_flags(settings const& how, demo_place const& place) {
  std::vector<std::string> flags{"--store", place.url, "--election", how.election};
  if (place.ttl != milliseconds(0)) {
    flags.insert(flags.end(), {"--ttl", std::to_string(static_cast<double>(place.ttl.count()) / 1000)});
  }
  auto const access = flags_for(how.etcd);
  flags.insert(flags.end(), access.begin(), access.end());
  if (how.allow_tmpfs || place.in_memory) flags.emplace_back("--allow-tmpfs");
  if (how.allow_remote) flags.emplace_back("--allow-remote");
  if (how.verbose) flags.emplace_back("--verbose");
  return flags;
}

void write_svg(demo_stage const& s, demo_place const& place, std::string const& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << s.drawing(place.kind);
  file.flush();
  if (!file) throw std::runtime_error("svg: cannot write " + path);
}

}  // namespace

asio::awaitable<int> demo(session& with) {
  auto const& how = with.how();
  auto const svg = how.svg.empty() ? std::string("coelect-timeline.svg") : how.svg;
  check_svg(svg);
  demo_place const place(how.store, how.ttl);
  stop_requests stop(with.executor(), stop_keys::none);
  task_group tasks(with.executor());
  demo_stage stage(tasks, with, candidate_flags(how, place), place.ttl);
  std::string const aside = place.temporary                ? " (removed at the end)"
                            : place.ttl != milliseconds(0) ? ", " + place.leases
                                                           : "";
  stage.heading("Three candidates of one election at " + printable(place.url) + aside);
  demo_end end;
  tasks.add(play(stage, end));
  tasks.add(stop.first());
  tasks.add_side(stage.show());
  co_await tasks.first_end();
  stage.close();
  co_await tasks.end();
  stage.sum_up();
  write_svg(stage, place, svg);
  with.out().write("Timeline: " + svg + "\n");
  co_return end.fine ? exit_code::done : exit_code::unexpected;
}

}  // namespace coelect::cli
