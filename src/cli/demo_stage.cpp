// The demonstration as it runs: what can be done to the candidates, and what came of it.
#include "cli/demo_stage.hpp"
#include "cli/text.hpp"
#include <algorithm>
#include <cctype>

namespace coelect::cli {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using kind = candidate_news::kind;
using cause = timeline::cause;

constexpr char const* keys_hint = "k kill   s stop/continue   r resign   q end";
constexpr milliseconds picture_every{200};
constexpr milliseconds missing_for{400};                   // so that people see that somebody is missing
constexpr std::chrono::seconds patience_with_locks{4};     // a lock is handed over within milliseconds
constexpr std::chrono::seconds patience_after_leases{10};  // a dead leader's lease has to run out first
constexpr std::chrono::seconds patience_with_ends{3};

}  // namespace

demo_stage::demo_stage(task_group& tasks, session& with, std::vector<std::string> flags, timeline::time ttl)
    : ttl_(ttl),
      view_(with.out()),
      news_(with.executor()),
      names_{"A", "B", "C"},
      cast_(tasks, with.executor(), std::move(flags), [this](candidate_news const& n) { hear(n); }) {
  for (auto const& name : names_) cast_.add(name);
  if (view_.interactive()) keyboard_.emplace(with.executor(), [this](std::string_view typed) { press(typed); });
}

std::string demo_stage::named(std::size_t who) const {
  auto const& one = cast_.all()[who];
  return one.process ? one.name + " (" + std::to_string(one.process->pid()) + ")" : one.name;
}

// What is done to the candidates.

void demo_stage::start_all() {
  for (std::size_t who = 0; who < names_.size(); ++who) cast_.start(who);
}

void demo_stage::restart_missing() {
  if (closing_) return;
  for (std::size_t who = 0; who < names_.size(); ++who) {
    bool const due = !cast_.all()[who].process && now() - gone_at_[who] >= missing_for;
    if (due) cast_.start(who);
  }
}

bool demo_stage::seat_is_open() const {
  auto const& all = record_.take_overs();
  return all.empty() || !all.back().end;
}

void demo_stage::take_away(cause how) {
  auto const who = cast_.leader();
  if (!who) return;
  bool const killed = how == cause::kill;
  if (!killed && cast_.all()[*who].is_stopped) go_on();  // it could not hear us
  record_.forget_stop();
  if (seat_is_open()) return;
  auto const at = now();
  cast_.signal(*who, killed ? SIGKILL : SIGINT);
  record_.vacated(how, *who, at);
  auto const text = std::string(killed ? " is killed (SIGKILL)" : " resigns (SIGINT)");
  record_.remark(*who, names_[*who] + text, at);
  view_.line(at, named(*who) + text, killed ? demo_view::tone::bad : demo_view::tone::plain);
}

void demo_stage::stop_leader() {
  auto const who = cast_.leader();
  if (!who) return;
  auto const at = now();
  stopped_token_ = cast_.all()[*who].token;
  cast_.signal(*who, SIGSTOP);
  record_.stopped(*who, at, holds_run_out());
  record_.remark(*who, names_[*who] + " is stopped (SIGSTOP)", at);
  view_.line(at, named(*who) + " is stopped (SIGSTOP)", demo_view::tone::bad);
}

void demo_stage::go_on() {
  auto const who = cast_.stopped();
  if (!who) return;
  auto const at = now();
  cast_.signal(*who, SIGCONT);
  record_.went_on(*who, at);
  bool const kept = cast_.leader() == who && cast_.all()[*who].token == stopped_token_;
  std::string const result = !kept             ? "; another one has taken over"
                             : holds_run_out() ? "; nobody has taken over yet"
                                               : "; it still leads, rightly: the lock of a stopped process is kept";
  went_on_at_ = at;
  record_.remark(*who, names_[*who] + " goes on (SIGCONT)" + result, at);
  view_.line(at, named(*who) + " goes on (SIGCONT)" + result);
}

// What came of it.

void demo_stage::hear(candidate_news const& news) {
  news_.ring();
  if (closing_) return;  // what they do on their way home is not part of the story
  auto const at = now();
  auto const who = news.who;
  switch (news.what) {
    case kind::stands:
      record_.joined(who, at);
      view_.line(at, named(who) + " stands");
      break;
    case kind::sees: return;  // everybody sees them all
    case kind::elected: hear_elected(who, news.token); break;
    case kind::lost: hear_lost(who, news.token); break;
    case kind::resigned: record_.lost(who, at); break;
    case kind::gone:
      record_.ended(who, at);
      gone_at_[who] = at;
      break;
  }
  draw_picture();
}

void demo_stage::hear_lost(std::size_t who, std::uint64_t token) {
  auto const at = now();
  record_.lost(who, at);
  auto const text = " knows that it has lost token " + std::to_string(token);
  bool const was_stopped = token == stopped_token_ && went_on_at_;
  auto const after = was_stopped ? ", " + span(at - *went_on_at_) + " after it went on" : std::string();
  if (was_stopped) record_.remark(who, names_[who] + text + after, at);
  view_.line(at, named(who) + text + after, demo_view::tone::bad);
}

void demo_stage::hear_elected(std::size_t who, std::uint64_t token) {
  auto const at = now();
  term_began_ = at;
  record_.elected(who, token, at);
  auto const& change = record_.take_overs().back();
  auto const token_words = ", token " + std::to_string(token);
  auto const after = change.why == cause::kill          ? ", " + span(change.length()) + " after the kill"
                     : change.why == cause::stop        ? ", " + span(change.length()) + " after the stop"
                     : change.why == cause::resignation ? ", " + span(change.length()) + " after that was asked"
                                                        : std::string();
  record_.remark(who, names_[who] + " leads" + token_words + after, at);
  view_.line(at, named(who) + " leads" + token_words + after, demo_view::tone::good);
}

void demo_stage::press(std::string_view typed) {
  for (char const c : typed) {
    auto const key = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::string_view("ksrq").find(key) != std::string_view::npos) keys_.push_back(key);
  }
  news_.ring();
}

std::optional<char> demo_stage::next_key() {
  if (keys_.empty()) return std::nullopt;
  char const key = keys_.front();
  keys_.pop_front();
  return key;
}

// Waiting.

asio::awaitable<bool> demo_stage::someone_leads() {
  auto const lease = 3 * std::chrono::ceil<milliseconds>(ttl_) + patience_after_leases;
  auto const end = clock::now() + (holds_run_out() ? lease : patience_with_locks);
  while ((seat_is_open() || !cast_.leader()) && !key_waits()) {
    if (cast_.nobody_left() || clock::now() >= end) {
      say(cast_.nobody_left() ? "Nobody stands any more: giving up." : "Nobody leads yet: giving up.");
      co_return false;
    }
    if (holds_run_out()) restart_missing();  // long before the lease of the dead one has run out
    auto const next = std::min<clock::time_point>(end, clock::now() + picture_every);
    co_await news_.wait(next);
  }
  co_return true;
}

asio::awaitable<bool> demo_stage::nobody_leads_by_mistake() {
  auto const end = clock::now() + patience_with_ends;
  auto const count = [this] { return std::ranges::count_if(cast_.all(), &candidate_process::leads); };
  while (count() > 1 && !key_waits()) {
    if (clock::now() >= end) {
      say("One that was replaced has not noticed: giving up.");
      co_return false;
    }
    co_await news_.wait(end);
  }
  co_return true;
}

asio::awaitable<void> demo_stage::pause(milliseconds length) {
  auto const end = clock::now() + length;
  while (clock::now() < end && !key_waits()) {
    restart_missing();
    auto const next = std::min<clock::time_point>(end, clock::now() + picture_every);
    co_await news_.wait(next);
  }
}

asio::awaitable<void> demo_stage::something_happens() {
  restart_missing();
  if (!key_waits()) {
    co_await news_.wait(clock::now() + picture_every);
  }
}

asio::awaitable<void> demo_stage::send_home() {
  closing_ = true;
  auto const at = now();
  record_.finish(at);
  view_.line(at, "All resign.");
  for (std::size_t who = 0; who < names_.size(); ++who) {
    cast_.signal(who, SIGCONT);
    cast_.signal(who, SIGTERM);
  }
  auto const end = clock::now() + patience_with_ends;
  while (!cast_.nobody_left() && clock::now() < end) {
    co_await news_.wait(end);
  }
}

// Showing.

asio::awaitable<void> demo_stage::show() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    draw_picture();
    timer.expires_after(picture_every);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

void demo_stage::draw_picture() {
  if (!closing_) view_.picture(cast_, now() - term_began_, view_.interactive() ? keys_hint : "");
}

void demo_stage::close() {
  if (!std::exchange(closing_, true)) record_.finish(now());
  view_.remove_picture();
  cast_.end_all();
}

void demo_stage::sum_up() {
  auto const kills = record_.lengths(cause::kill);
  auto const stops = record_.lengths(cause::stop);
  auto const resignations = record_.lengths(cause::resignation);
  auto const& terms = record_.terms();
  if (!kills.empty()) view_.heading("Take-over after a kill: " + kills + ".");
  if (!stops.empty()) view_.heading("Take-over after a stop: " + stops + ".");
  if (!resignations.empty()) view_.heading("Take-over after a resignation: " + resignations + ".");
  if (terms.empty()) return;
  auto const tokens = std::to_string(terms.front().token) + " to " + std::to_string(terms.back().token);
  auto const grew = record_.tokens_grew() ? "each larger than the one before" : "NOT GROWING";
  view_.heading(std::to_string(terms.size()) + " terms, tokens " + tokens + ", " + grew + ".");
}

std::string demo_stage::drawing(std::string const& kind_of_store) const {
  timeline_labels labels;
  labels.title = "coelect: who led when";
  auto const kills = record_.lengths(cause::kill);
  auto const stops = record_.lengths(cause::stop);
  auto const resignations = record_.lengths(cause::resignation);
  labels.subtitle = "Three processes, " + kind_of_store;
  if (!kills.empty()) labels.subtitle += ". Take-over after a kill: " + kills;
  if (!stops.empty()) labels.subtitle += "; after a stop: " + stops;
  if (!resignations.empty()) labels.subtitle += "; after a resignation: " + resignations;
  labels.candidates = names_;
  return draw(record_, labels);
}

}  // namespace coelect::cli
