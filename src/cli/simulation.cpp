// A simulation as it runs: candidates that crash and resign at random moments, and what came of it.
#include "cli/simulation.hpp"
#include "cli/text.hpp"
#include <algorithm>

namespace coelect::cli {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using kind = candidate_news::kind;
using cause = timeline::cause;
using tone = demo_view::tone;

constexpr milliseconds pace_with_locks{1'000};  // between disturbances; with leases it is the lease
constexpr milliseconds longest_absence{3'000};
constexpr milliseconds picture_every{200};
constexpr std::size_t longest_picture = 12;  // more rows may not fit on a terminal
constexpr std::size_t most_remarks = 60;     // the SVG file has a line for each
constexpr std::chrono::seconds patience_with_ends{5};

}  // namespace

simulation::simulation(task_group& tasks, session& with, std::vector<std::string> flags, simulation_plan plan)
    : plan_(std::move(plan)),
      pace_(plan_.ttl == timeline::time(0) ? pace_with_locks : plan_.ttl),
      chance_(plan_.seed),
      view_(with.out(), demo_view::keys::unwanted),
      news_(with.executor()),
      wishes_(plan_.names.size(), wish::none),
      back_at_(plan_.names.size()),
      cast_(tasks, with.executor(), std::move(flags), [this](candidate_news const& n) { hear(n); }),
      remarks_left_(most_remarks) {
  for (auto const& name : plan_.names) cast_.add(name);
}

std::string simulation::named(std::size_t who) const {
  auto const& one = cast_.all()[who];
  auto const name = printable(one.name);
  return one.process ? name + " (" + std::to_string(one.process->pid()) + ")" : name;
}

void simulation::tell(std::size_t who, std::string const& text, tone how) {
  auto const at = now();
  view_.line(at, named(who) + text, how);
  if (remarks_left_ == 0) return;
  --remarks_left_;
  record_.remark(who, plan_.names[who] + text, at);
}

// Chance: splitmix64, so that a seed means the same everywhere.

std::uint64_t simulation::draw_number(std::uint64_t below) {
  chance_ += 0x9e3779b97f4a7c15U;
  auto z = chance_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return (z ^ (z >> 31U)) % below;
}

/// So many times the pace.
timeline::time simulation::between(double least, double most) {
  auto const share = static_cast<double>(draw_number(1'000)) / 1'000;
  auto const ns = static_cast<double>(pace_.count()) * (least + (most - least) * share);
  return timeline::time(static_cast<timeline::time::rep>(ns));
}

// What is done to the candidates.

void simulation::crash(std::size_t who) {
  bool const leads = cast_.leader() == who;
  wishes_[who] = wish::crash;
  auto const at = now();
  cast_.signal(who, SIGKILL);
  if (leads) record_.vacated(cause::kill, who, at);
  else ++crashes_of_others_;
  tell(who, " crashes (SIGKILL)", tone::bad);
}

void simulation::resign(std::size_t who) {
  wishes_[who] = wish::resignation;
  auto const at = now();
  cast_.signal(who, SIGINT);
  record_.vacated(cause::resignation, who, at);
  tell(who, " resigns (SIGINT)");
}

std::optional<std::size_t> simulation::another_than(std::size_t leader) {
  std::vector<std::size_t> waiting;
  for (std::size_t who = 0; who < wishes_.size(); ++who)
    if (who != leader && cast_.all()[who].process && wishes_[who] == wish::none) waiting.push_back(who);
  if (waiting.empty()) return std::nullopt;
  return waiting[draw_number(waiting.size())];
}

bool simulation::disturb() {
  auto const leader = cast_.leader();
  if (!leader || wishes_[*leader] != wish::none) return false;
  if (now() - term_began_ < pace_ / 4) return false;  // people should see that it leads
  auto const choice = draw_number(100);
  auto const other = another_than(*leader);
  if (choice < 40) crash(*leader);
  else if (choice < 70 || !other) resign(*leader);
  else crash(*other);
  return true;
}

void simulation::restart_due() {
  for (std::size_t who = 0; who < wishes_.size(); ++who) {
    bool const due = !cast_.all()[who].process && now() >= back_at_[who];
    if (due) cast_.start(who);
  }
}

// What came of it.

void simulation::hear(candidate_news const& news) {
  news_.ring();
  if (closing_) return;  // what they do on their way home is not part of the story
  auto const who = news.who;
  switch (news.what) {
    case kind::stands:
      record_.joined(who, now());
      view_.line(now(), named(who) + " stands");
      break;
    case kind::sees: {
      auto const seen =
          news.leader.empty() ? "nobody leads" : printable(news.leader) + " leads, token " + std::to_string(news.token);
      if (!plan_.disturbed) view_.line(now(), named(who) + " waits: " + seen);
      break;
    }
    case kind::elected: hear_elected(who, news.token); break;
    case kind::lost:
      record_.lost(who, now());
      tell(who, " has lost token " + std::to_string(news.token), tone::bad);
      break;
    case kind::resigned: record_.lost(who, now()); break;
    case kind::gone: hear_gone(who); break;
  }
  draw_picture();
}

void simulation::hear_elected(std::size_t who, std::uint64_t token) {
  auto const at = now();
  term_began_ = at;
  record_.elected(who, token, at);
  auto const& change = record_.take_overs().back();
  auto const after = change.why == cause::kill          ? ", " + span(change.length()) + " after the crash"
                     : change.why == cause::resignation ? ", " + span(change.length()) + " after that was asked"
                                                        : std::string();
  tell(who, " leads, token " + std::to_string(token) + after, tone::good);
}

void simulation::hear_gone(std::size_t who) {
  record_.ended(who, now());
  bool const asked = std::exchange(wishes_[who], wish::none) != wish::none;
  back_at_[who] = now() + std::min<timeline::time>(between(0.3, 1.0), longest_absence);
  if (asked) return;
  tell(who, " ended by itself: giving up", tone::bad);
  failed_ = true;
}

asio::awaitable<void> simulation::play() {
  auto next = now() + between(0.5, 1.5);
  while (now() < plan_.duration && !failed_ && !closing_) {
    restart_due();
    if (plan_.disturbed && now() >= next) {
      bool const done = disturb();
      next = now() + (done ? between(0.5, 1.5) : between(0.1, 0.5));
    }
    auto const until = std::min({plan_.duration, std::max(next, now()), now() + picture_every});
    co_await news_.wait(start_ + until);
  }
}

asio::awaitable<void> simulation::send_home() {
  closing_ = true;
  auto const at = now();
  record_.finish(at);
  view_.line(at, "All resign.");
  for (std::size_t who = 0; who < wishes_.size(); ++who) cast_.signal(who, SIGTERM);
  auto const end = clock::now() + patience_with_ends;
  while (!cast_.nobody_left() && clock::now() < end) {
    co_await news_.wait(end);
  }
}

void simulation::close() {
  if (!std::exchange(closing_, true)) record_.finish(now());
  view_.remove_picture();
  cast_.end_all();
}

// Showing.

asio::awaitable<void> simulation::show() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    draw_picture();
    timer.expires_after(picture_every);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

void simulation::draw_picture() {
  bool const fits = wishes_.size() <= longest_picture;
  if (!closing_ && fits) view_.picture(cast_, now() - term_began_, "Ctrl-C ends it");
}

timeline_labels simulation::labels(std::string subtitle) const {
  return {"coelect: who led when", std::move(subtitle), plan_.names};
}

std::string simulation::take_overs(cause why) const {
  std::size_t count = 0;
  timeline::time longest{0};
  for (auto const& t : record_.take_overs()) {
    if (t.why != why) continue;
    ++count;
    if (t.end) longest = std::max(longest, t.length());
  }
  auto const number = std::to_string(count);
  return longest == timeline::time(0) ? number : number + " (next leader after " + span(longest) + " at most)";
}

void simulation::sum_up(std::size_t columns) {
  view_.heading("");
  view_.heading(draw_text(record_, labels({}), columns));
  auto const& terms = record_.terms();
  if (terms.empty()) {
    view_.heading("Nobody led.");
    return;
  }
  auto const grew = record_.tokens_grew() ? ", each larger than the one before." : ", NOT GROWING.";
  auto const first = std::to_string(terms.front().token);
  auto const tokens = first + " to " + std::to_string(terms.back().token) + grew;
  view_.heading(terms.size() == 1 ? "1 term, token " + first + "."
                                  : std::to_string(terms.size()) + " terms, tokens " + tokens);
  timeline::time without{0}, longest{0};
  auto const gaps = record_.gaps();
  for (auto const& g : gaps) {
    without += g.end - g.begin;
    longest = std::max(longest, g.end - g.begin);
  }
  auto const all = record_.length() - terms.front().begin;
  auto const node = printable(plan_.names.front());
  if (gaps.empty()) {
    view_.heading((plan_.disturbed ? "Somebody" : node) + " led all the time since the first election, " + span(all) +
                  ".");
    return;
  }
  auto const who = plan_.disturbed ? std::string("Nobody led") : node + " did not lead";
  view_.heading(who + " for " + span(without) + " of " + span(all) + " since the first election, in " +
                std::to_string(gaps.size()) + (gaps.size() == 1 ? " gap" : " gaps") + ", the longest " + span(longest) +
                ".");
  if (!plan_.disturbed) return;
  view_.heading("Crashes of leaders: " + take_overs(cause::kill) + ". Of others: " +
                std::to_string(crashes_of_others_) + ". Resignations: " + take_overs(cause::resignation) + ".");
}

std::string simulation::drawing(std::string const& kind_of_store) const {
  auto subtitle = std::to_string(plan_.names.size()) + (plan_.names.size() == 1 ? " process, " : " processes, ") +
                  kind_of_store + ", " + std::to_string(record_.terms().size()) + " terms";
  if (plan_.disturbed) subtitle += ", seed " + std::to_string(plan_.seed);
  if (remarks_left_ == 0) subtitle += ". Only the first events are numbered";
  return draw(record_, labels(std::move(subtitle)));
}

}  // namespace coelect::cli
