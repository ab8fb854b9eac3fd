// Holds an account to scripts: sends their requests, lets their time pass, says which answers were wrong.
#include "azure_exchanges.hpp"
#include <algorithm>
#include <optional>
#include <utility>

namespace coelect::test {
namespace {

namespace az = wire::azure;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

char const* name(az::trouble what) {
  switch (what) {
    case az::trouble::held: return "held";
    case az::trouble::not_mine: return "not_mine";
    case az::trouble::breaking: return "breaking";
    case az::trouble::changed: return "changed";
    case az::trouble::no_blob: return "no_blob";
    case az::trouble::no_container: return "no_container";
    case az::trouble::refused: return "refused";
    case az::trouble::passing: return "passing";
    case az::trouble::wrong_request: return "wrong_request";
  }
  return "?";
}

class script_run {
public:
  script_run(exchange_script const& script, az::blob_path own, az::blob_path other, nanoseconds begin)
      : due(begin), script_(script), memory_{std::move(own), std::move(other), {}} {}

  nanoseconds due;
  bool over() const { return next_ == script_.steps.size(); }

  /// Goes on until time has to pass. What is wrong, if anything is: then it is over.
  std::string go_on(exchange_place& place, exchange_report& report) {
    while (!over()) {
      auto const& e = script_.steps[next_];
      std::string wrong;
      bool const waits = e.lasts > nanoseconds(0) ? see_it_end(e, place, report, wrong) : e.pause > nanoseconds(0);
      if (e.ask) wrong = hold(e, place, report);
      if (e.pause > nanoseconds(0)) waits_for(place.now() + e.pause);
      if (!wrong.empty()) return end_with(e, wrong);
      if (waits) return {};
      ++next_;
    }
    return {};
  }

private:
  void waits_for(nanoseconds when) {
    due = when;
    ++next_;
  }
  std::string end_with(exchange const& e, std::string const& wrong) {
    next_ = script_.steps.size();
    return script_.name + ": " + e.what + ": " + wrong;
  }

  std::string hold(exchange const& e, exchange_place& place, exchange_report& report) {
    auto const sent = place.now();
    auto const got = place.ask(e.ask(memory_));
    ++report.requests;
    if (said(got) != e.says) return "must be " + e.says + ", was " + said(got);
    bool const malformed = got.status == 400 && az::error_code_of(got).empty();  // Azurite says nothing more then
    if (got.get("x-ms-request-id").empty() && !malformed) return "no x-ms-request-id";
    if (got.get("Date").empty()) return "no Date";
    auto wrong = e.also ? e.also(got) : std::string();
    if (got.status >= 400 || !wrong.empty()) return wrong;
    if (e.starts_clock) began_ = sent;
    for (auto const& f : e.has)
      if (got.get(f.name) != f.value) return f.name + " must be " + f.value + ", was " + std::string(got.get(f.name));
    for (auto const& f : e.lacks)
      if (!got.get(f).empty()) return f + " must not be there, was " + std::string(got.get(f));
    if (e.left_most >= 0) wrong = look_at_time(e, got);
    return wrong.empty() ? look_at_tag(e, got) : wrong;
  }

  static std::string look_at_time(exchange const& e, http::response const& got) {
    std::string const left(got.get("x-ms-lease-time"));
    bool const number = !left.empty() && left.find_first_not_of("0123456789") == left.npos;
    if (number && std::stoi(left) >= e.left_least && std::stoi(left) <= e.left_most) return {};
    return "x-ms-lease-time must be " + std::to_string(e.left_least) + " to " + std::to_string(e.left_most) + ", was " +
           left;
  }

  std::string look_at_tag(exchange const& e, http::response const& got) {
    if (e.tag == exchange::etag::any) return {};
    std::string const tag(got.get("ETag"));
    if (tag.empty() || (got.status < 300 && got.get("Last-Modified").empty())) return "no ETag or no Last-Modified";
    auto& known = memory_.tags;
    bool const same = !known.empty() && known.back() == tag;
    bool const before = std::find(known.begin(), known.end(), tag) != known.end();
    if (e.tag == exchange::etag::kept) return same ? "" : "ETag must be as before, " + tag + " is not";
    if (before) return "ETag must be a new one, " + tag + " is not";
    known.push_back(tag);
    return {};
  }

  /// True: later again.
  bool see_it_end(exchange const& e, exchange_place& place, exchange_report& report, std::string& wrong) {
    auto const end = began_ + e.lasts;
    auto const clock = place.clock();
    if (!seen_before_end_) {
      due = end - clock.last_look;
      if (place.now() < due) return true;
    }
    auto const got = place.ask(az::properties(memory_.own));
    ++report.requests;
    auto const seen = az::read_properties(got);
    auto const now = place.now();
    bool const held = seen.leased || seen.breaking;
    if (now < end - clock.blur && !held) wrong = "it ended before its time, " + said(got);
    if (now >= end + clock.late && held) wrong = "it goes on after its time";
    seen_before_end_ = held && wrong.empty();
    if (!seen_before_end_) return false;
    due = now < end ? end : now + milliseconds(50);
    return true;
  }

  exchange_script const& script_;
  script_memory memory_;
  std::size_t next_ = 0;
  nanoseconds began_{};
  bool seen_before_end_ = false;
};

}  // namespace

std::string said(http::response const& got) {
  auto text = std::to_string(got.status);
  if (got.status < 300) return text;
  auto const code = az::error_code_of(got);
  return text + (code.empty() ? "" : " " + code) + " " + name(az::judge(got).what);
}

exchange_report hold_exchanges(exchange_place& place, std::vector<exchange_script> const& scripts,
                               std::string const& container) {
  exchange_report report;
  auto const made = place.ask(az::create_container({container, "x"}));
  if (made.status != 201) report.wrong.push_back("the container: " + said(made));
  std::vector<script_run> runs;
  for (auto const& s : scripts) {
    auto const number = std::to_string(++report.scripts);
    auto const blob = s.blob.empty() ? "s" + number : s.blob;
    runs.emplace_back(s, az::blob_path{container, blob}, az::blob_path{container + "-" + number, blob}, place.now());
  }
  auto const sooner = [](script_run const& a, script_run const& b) {
    return std::pair(a.over(), a.due) < std::pair(b.over(), b.due);
  };
  for (;;) {
    auto const next = std::min_element(runs.begin(), runs.end(), sooner);
    if (next == runs.end() || next->over()) return report;
    if (place.now() < next->due) place.wait_until(next->due);
    auto wrong = next->go_on(place, report);
    if (!wrong.empty()) report.wrong.push_back(std::move(wrong));
  }
}

// --- What an exchange must come to ------------------------------------------------------------------------------------

exchange exchange::answers(std::string text) const {
  auto e = *this;
  e.says = std::move(text);
  return e;
}
exchange exchange::gives(std::string const& lease) const {
  auto e = *this;
  std::erase_if(e.has, [](http::field const& f) { return f.name == "x-ms-lease-id"; });
  e.has.push_back({"x-ms-lease-id", lease});
  return e;
}
exchange exchange::with(std::string name, std::string value) const {
  auto e = *this;
  e.has.push_back({std::move(name), std::move(value)});
  return e;
}
exchange exchange::without(std::string name) const {
  auto e = *this;
  e.lacks.push_back(std::move(name));
  return e;
}
exchange exchange::left(int least, int most) const {
  auto e = *this;
  e.left_least = least;
  e.left_most = most;
  return e;
}
exchange exchange::keeps_clock() const {
  auto e = *this;
  e.starts_clock = false;
  return e;
}
exchange exchange::checked(std::function<std::string(http::response const&)> how) const {
  auto e = *this;
  e.also = std::move(how);
  return e;
}
exchange exchange::is(std::string const& state) const {
  if (state == "gone") return answers("404 BlobNotFound no_blob");
  bool const leased = state == "leased" || state == "endless";
  auto e = with("x-ms-lease-state", leased ? "leased" : state);
  e = e.with("x-ms-lease-status", leased || state == "breaking" ? "locked" : "unlocked");
  if (!leased) return e.without("x-ms-lease-duration");
  return e.with("x-ms-lease-duration", state == "endless" ? "infinite" : "fixed");
}

}  // namespace coelect::test
