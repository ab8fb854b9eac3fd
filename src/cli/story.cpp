// Tells what happens to one candidate, in lines for people or in JSON.
#include "cli/story.hpp"
#include "base/json.hpp"
#include "cli/text.hpp"
#include <unistd.h>

namespace coelect::cli {
namespace {

using std::chrono::system_clock;

constexpr auto unlimited = std::chrono::nanoseconds::max();

// ", 11.8 s left", or nothing when the hold does not run out.
std::string time_left(leadership const& term) {
  auto const left = term.remaining();
  return left == unlimited ? std::string() : ", " + span(left) + " left";
}

std::string token_words(std::uint64_t token) { return "token " + std::to_string(token); }

std::string value_words(leader_info const& leader) {
  return leader.value().empty() ? std::string() : ", value \"" + printable(leader.value()) + "\"";
}

std::string stamped(std::string const& sentence) {
  return "[" + clock_time(system_clock::now()) + "] " + sentence + "\n";
}

// Other programs' candidates do not write down when they won.
bool time_is_known(leader_info const& leader) { return leader.since() != system_clock::time_point(); }

void add_leader(base::json_writer& object, sighting const& seen, bool in_full) {
  if (!seen) return;
  object.add("token", seen.fencing_token());
  object.add("leader", seen->candidate());
  if (!in_full) return;
  if (time_is_known(*seen)) object.add("since", rfc3339(seen->since()));
  if (!seen->value().empty()) object.add("value", seen->value());
}

base::json_writer begin_event(char const* event, std::string const& election) {
  base::json_writer object;
  object.add("event", event);
  object.add("time", rfc3339(system_clock::now()));
  object.add("boot_ns", static_cast<std::int64_t>(clock::now().time_since_epoch().count()));
  object.add("election", election);
  return object;
}

}  // namespace

/// One JSON line about this candidate.
class story::event {
public:
  event(story const& tale, char const* name) : object_(begin_event(name, tale.election_)) {
    object_.add("candidate", tale.candidate_);
  }
  event& token(std::uint64_t number) {
    if (number != 0) object_.add("token", number);
    return *this;
  }
  event& valid_for(leadership const& term) {
    auto const left = term.remaining();
    if (left == unlimited) return *this;
    auto const ms = std::chrono::floor<std::chrono::milliseconds>(left).count();
    object_.add("valid_for_ms", static_cast<std::uint64_t>(ms));
    return *this;
  }
  event& leader(sighting const& seen, bool in_full) {
    add_leader(object_, seen, in_full);
    return *this;
  }
  event& leads(bool so) {
    object_.add("leads", so);
    return *this;
  }
  event& leader(std::string const& name) {
    object_.add("leader", name);
    return *this;
  }
  event& reason(std::string const& why) {
    object_.add("reason", why);
    return *this;
  }
  void to(line_writer& out) const { out.write(object_.line() + "\n"); }

private:
  base::json_writer object_;
};

story::story(line_writer& out, settings const& how, std::string candidate, std::string how_to_stop)
    : out_(out),
      json_(how.json),
      election_(how.election),
      candidate_(std::move(candidate)),
      who_(printable(candidate_) + " (" + std::to_string(::getpid()) + ")"),
      how_to_stop_(std::move(how_to_stop)) {}

void story::say(std::string const& sentence) { out_.write(stamped(sentence)); }

void story::stands(std::string const& where) {
  if (json_) event(*this, "candidate").to(out_);
  else say(who_ + " stands for " + election_ + " at " + printable(where) + ". " + how_to_stop_);
}

void story::stands_again() {
  if (json_) event(*this, "candidate").to(out_);
  else say(who_ + " stands again.");
}

// Why the one before is gone is not known here, so it is not said.
void story::elected(leadership const& term, sighting const& before) {
  auto const token = term.fencing_token();
  if (json_) {
    event(*this, "elected").token(token).valid_for(term).to(out_);
    return;
  }
  bool const known = before && before.fencing_token() < token;
  auto const after = known ? ", after " + printable(before->candidate()) : std::string();
  say(who_ + " leads, " + token_words(token) + after + time_left(term) + ". " + how_to_stop_);
}

void story::waits(sighting const& now) {
  if (json_) event(*this, "leader").leader(now, true).to(out_);
  else if (now) say(who_ + " waits: " + words_for(now) + ".");
}

void story::at_risk(leadership const& term, risk why) {
  if (json_) {
    event(*this, "at_risk").token(term.fencing_token()).valid_for(term).reason(to_string(why)).to(out_);
    return;
  }
  auto const sentence = why == risk::overdue   ? "no renewal was confirmed for too long"
                        : why == risk::deposed ? "it was asked to step down"
                                               : "it is being stopped";
  say(who_ + " is at risk, " + token_words(term.fencing_token()) + time_left(term) + ": " + sentence + ".");
}

void story::lost(std::uint64_t token, std::string const& reason) {
  if (json_) event(*this, "lost").token(token).reason(reason).to(out_);
  else say(who_ + " no longer leads, " + token_words(token) + ": " + printable(reason) + ".");
}

void story::resigned(std::uint64_t token, bool confirmed) {
  if (json_) {
    event line(*this, "resigned");
    line.token(token);
    if (!confirmed) line.reason("the store did not confirm it");
    line.to(out_);
    return;
  }
  auto const doubt = confirmed ? "" : "; the store did not confirm it, so the hold runs out by itself";
  if (token == 0) say(who_ + " no longer stands" + doubt + ".");
  else say(who_ + " resigned, " + token_words(token) + doubt + ".");
}

void story::still_leads(leadership const& term) {
  auto const token = term.fencing_token();
  if (json_) event(*this, "heartbeat").token(token).valid_for(term).leads(term.valid()).leader(candidate_).to(out_);
  else say(who_ + " still leads, " + token_words(token) + time_left(term) + ".");
}

void story::still_waits(sighting const& seen, std::string const& trouble) {
  auto const reason = seen.seen() ? std::string() : trouble;
  if (json_) {
    event line(*this, "heartbeat");
    line.leads(false).leader(seen, false);
    if (!reason.empty()) line.reason(reason);
    line.to(out_);
    return;
  }
  auto const why = seen.seen() ? words_for(seen) : "the store has not answered yet";
  say(who_ + " still waits: " + why + (reason.empty() ? "" : ", " + printable(reason)) + ".");
}

void story::remark(std::string const& sentence) {
  if (!json_) say(sentence);
}

void story::end() {
  if (!json_) out_.write("End\n");
}

std::string words_for(sighting const& seen) {
  if (!seen) return "nobody leads";
  auto const since = time_is_known(*seen) ? " since " + clock_time(seen->since()) : std::string();
  return printable(seen->candidate()) + " leads" + since + ", " + token_words(seen.fencing_token()) +
         value_words(*seen);
}

void tell_leader(line_writer& out, settings const& how, sighting const& seen, bool with_time) {
  if (how.json) {
    auto object = begin_event("leader", how.election);
    add_leader(object, seen, true);
    out.write(object.line() + "\n");
    return;
  }
  auto const sentence = seen ? words_for(seen) + "." : "Nobody leads.";
  out.write(with_time ? stamped(sentence) : sentence + "\n");
}

std::string reason_of(term_end const& end) {
  std::string text = to_string(end.how());
  if (!end.detail().empty()) return text + ": " + end.detail();
  if (end.code()) return text + ": " + end.code().message();
  return text;
}

}  // namespace coelect::cli
