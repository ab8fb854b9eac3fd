// `coelect simulate`: candidate processes that crash and resign at random, or a single one, and who led when.
#include "cli/commands.hpp"
#include "cli/demo_place.hpp"
#include "cli/signals.hpp"
#include "cli/simulation.hpp"
#include "cli/svg_file.hpp"
#include "cli/text.hpp"
#include <algorithm>
#include <coelect/environment.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

namespace coelect::cli {
namespace {

constexpr std::size_t usual_nodes = 3;
constexpr std::size_t letters = 26;
constexpr std::uint64_t seeds = 1'000'000;  // short enough to be typed again

std::vector<std::string> names_for(settings const& how) {
  if (!how.id.empty()) return {how.id};
  auto const count = how.nodes == 0 ? usual_nodes : how.nodes;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i)
    names.push_back(count <= letters ? std::string(1, static_cast<char>('A' + i)) : "N" + std::to_string(i + 1));
  return names;
}

std::size_t terminal_columns() {
  winsize size{};
  bool const known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? std::clamp<std::size_t>(size.ws_col - 1U, 40, 160) : 79;
}

simulation_plan plan_for(settings const& how, demo_place const& place) {
  simulation_plan plan;
  plan.names = names_for(how);
  plan.disturbed = how.id.empty();
  plan.seed = how.seed ? *how.seed : environment::real()->random() % seeds;
  plan.ttl = place.ttl;
  plan.duration = how.duration;
  return plan;
}

std::string opening(simulation_plan const& plan, demo_place const& place) {
  auto const& names = plan.names;
  auto const who = !plan.disturbed     ? printable(names.front()) + " stands"
                   : names.size() == 1 ? "One candidate"
                                       : "Candidates " + names.front() + " to " + names.back();
  auto const aside = place.temporary ? " (removed at the end)" : place.leases.empty() ? "" : ", " + place.leases;
  auto const seed = plan.disturbed ? " Seed " + std::to_string(plan.seed) + "." : std::string();
  return who + " for " + span(plan.duration) + " at " + printable(place.url) + aside + "." + seed;
}

}  // namespace

boost::asio::awaitable<int> simulate(session& with) {
  auto const& how = with.how();
  svg_file const svg(how.svg);
  bool const alone = !how.id.empty();
  demo_place const place(how.store.empty() && alone ? default_store() : how.store, how.ttl);
  auto plan = plan_for(how, place);
  stop_requests stop(with.executor(), stop_keys::none);
  task_group tasks(with.executor());
  auto const first_line = opening(plan, place);
  simulation all(tasks, with, candidate_flags(how, place), std::move(plan));
  all.heading(first_line);
  tasks.add(all.play());
  tasks.add(stop.first());
  tasks.add_side(all.show());
  co_await tasks.first_end();
  co_await all.send_home();
  all.close();
  co_await tasks.end();
  all.sum_up(terminal_columns());
  svg.write(all.drawing(place.kind));
  with.out().write("Timeline: " + svg.path() + "\n");
  co_return all.fine() ? exit_code::done : exit_code::unexpected;
}

}  // namespace coelect::cli
