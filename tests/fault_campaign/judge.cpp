// Judges a run by its journals: as `coelect check` does, and what only the campaign knows about its faults.
#include "judge.hpp"
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace coelect::test {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::event;
using testing::happening;

struct injected {
  std::string stage, kind, victim;
  nanoseconds at{}, until{};
};

struct term {
  std::string candidate, how;
  nanoseconds elected{-1}, first{-1}, last{-1}, resigned{-1}, lost{-1}, dropped{-1};
};

struct window {
  nanoseconds from, until;
  std::string why;
};

struct records {
  std::vector<event> events;
  std::vector<injected> faults;
  std::map<std::string, std::map<std::uint64_t, term>> terms;  // by election and token
  std::map<std::string, std::vector<window>> excuses;          // by election
  std::map<std::string, std::set<std::string>> written;        // what etcd carried out, by election
  std::vector<std::pair<std::string, std::string>> acknowledged;
};

std::string stage_of(std::string const& election) { return election.substr(0, election.find('-')); }
nanoseconds time_in(json const& line, char const* name) { return nanoseconds(line[name].get<std::int64_t>()); }
double ms(nanoseconds d) { return static_cast<double>(d.count()) / 1e6; }

void remember(event const& e, records& into) {
  static std::string const guarded = " (guarded key)";
  if (e.what == happening::excuse) into.excuses[e.election].push_back({e.at, e.until, e.detail});
  if (e.what == happening::accepted && e.election.ends_with(guarded))
    into.written[e.election.substr(0, e.election.size() - guarded.size())].insert(e.detail);
  if (e.token == 0 || e.what == happening::accepted || e.what == happening::refused) return;
  auto& t = into.terms[e.election][e.token];
  if (t.candidate.empty()) t.candidate = e.candidate;
  if (e.what == happening::elected) t.elected = e.at;
  if (e.what == happening::resigned) t.resigned = e.at;
  if (e.what == happening::dropped) t.dropped = e.at;
  if (e.what == happening::lost) {
    t.lost = e.at;
    t.how = e.detail;
  }
  if (e.what != happening::valid) return;
  t.first = t.first.count() < 0 ? e.at : std::min(t.first, e.at);
  t.last = std::max(t.last, e.until);
}

/// What `coelect check` does not look at.
void remember(json const& line, records& into, verdict& v) {
  auto const name = line.value("event", "");
  if (name == "fault") {
    into.faults.push_back(
        {line["stage"], line["kind"], line["victim"], time_in(line, "boot_ns"), time_in(line, "until_ns")});
    ++v.faults[line["stage"]][line["kind"]];
  } else if (name == "campaign") {
    v.minutes = line["minutes"];
    v.seed = line["seed"];
  } else if (name == "complaint") {
    v.complaints.push_back(line["what"]);
  } else if (name == "remark") {
    auto const what = line["what"].get<std::string>();
    if (what.starts_with("the store let lease ")) ++v.early_revocations;
    if (what.starts_with("all elections have a leader"))
      v.liveness.push_back(line["stage"].get<std::string>() + ": " + what);
  } else if (name == "campaign_failed") {
    v.complaints.push_back(line["candidate"].get<std::string>() + ": campaign() in " +
                           line["election"].get<std::string>() + " ended: " + line["why"].get<std::string>());
  } else if (name == "guarded_write" && line["election"].get<std::string>().starts_with("etcd-")) {
    auto const went = line["went"].get<std::string>();
    if (went == "ok") into.acknowledged.emplace_back(line["election"], line["content"]);
    if (went == "unknown") ++v.unknown;
    if (went == "refused") ++v.not_leader;
  }
}

records read(verdict& v) {
  records all;
  for (auto const& file : v.journals) {
    std::ifstream in(file);
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (in.eof() && !line.ends_with('}')) break;  // of a process that was killed
      try {
        auto e = testing::event_from_json(line);
        if (e.what == happening{}) remember(json::parse(line), all, v);
        else all.events.push_back(std::move(e));
      } catch (std::exception const& e) {
        throw std::runtime_error(file.string() + ":" + std::to_string(number) + ": " + e.what());
      }
    }
  }
  std::stable_sort(all.events.begin(), all.events.end(), [](event const& a, event const& b) { return a.at < b.at; });
  for (auto const& e : all.events) remember(e, all);
  return all;
}

void check(records const& all, verdict& v) {
  std::map<std::string, testing::checker> elections;
  for (auto const& e : all.events) elections[e.election].see(e);
  for (auto const& [name, judge] : elections) {
    v.summaries[name] = judge.summary();
    auto const& c = judge.counts();
    v.sum.terms += c.terms;
    v.sum.samples += c.samples;
    v.sum.accepted += c.accepted;
    v.sum.refused += c.refused;
    v.sum.overlaps += c.overlaps;
    v.sum.regressions += c.regressions;
    v.sum.stale_writes += c.stale_writes;
    v.sum.outlived += c.outlived;
    v.sum.signals += c.signals;
    v.sum.excused += c.excused;
    // It complains of one overlap again and again.
    auto const& all = judge.complaints();
    for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 3); ++i) v.complaints.push_back(name + ": " + all[i]);
    if (all.size() > 3) v.complaints.push_back(name + ": and more; coelect check shows them");
  }
}

/// The checker forgives an overlap that begins within an excuse; here it must end there, too.
void find_overlaps(records const& all, verdict& v) {
  for (auto const& [election, terms] : all.terms) {
    auto const excuses = all.excuses.find(election);
    for (auto a = terms.begin(); a != terms.end(); ++a)
      for (auto b = std::next(a); b != terms.end(); ++b) {
        auto const begin = std::max(a->second.first, b->second.first), end = std::min(a->second.last, b->second.last);
        if (a->second.last.count() < 0 || b->second.last.count() < 0 || begin >= end) continue;
        overlap o{election, a->first, b->first, begin, end, {}, a->second.how};
        if (excuses != all.excuses.end())
          for (auto const& w : excuses->second)
            if (w.from <= begin && end <= w.until) o.excuse = w.why;
        if (o.excuse.empty())
          v.complaints.push_back(election + ": tokens " + std::to_string(o.older) + " and " + std::to_string(o.newer) +
                                 " were both valid for " + std::to_string(ms(end - begin)) +
                                 " ms, and no excuse covers that; the older one ended: " + o.older_ended);
        v.overlaps.push_back(std::move(o));
      }
  }
}

/// Holds that an operator or the store has taken: who told the holder, and how soon.
void find_taken(records const& all, verdict& v) {
  for (auto const& [election, windows] : all.excuses) {
    auto const terms = all.terms.find(election);
    if (terms == all.terms.end()) continue;
    for (auto const& [token, t] : terms->second) {
      bool const taken = std::any_of(windows.begin(), windows.end(), [&, &t = t](window const& w) {
        return t.dropped >= w.from && t.dropped <= w.until;
      });
      if (!taken || t.elected.count() < 0 || t.lost.count() < 0 || t.how.starts_with("resigned")) continue;
      ++v.taken_by[t.how];
      if (t.how.starts_with("lost")) v.heard_ms.push_back(std::max(0.0, ms(t.lost - t.dropped)));
    }
    for (auto const& w : windows) v.excused_time[stage_of(election)] += w.until - w.from;
  }
}

/// Who was stopped for longer than a lease is trusted hears no from valid() at once when it goes on.
void find_risen(records const& all, verdict& v) {
  for (auto const& f : all.faults) {
    if (!f.kind.starts_with("stop") || f.stage == "file") continue;
    nanoseconds const trusted = f.stage == "azure" ? milliseconds(12'500) : milliseconds(2'200);
    nanoseconds const asked = f.kind == "stop between check and write" ? seconds(1) : seconds(0);  // before it stopped
    if (f.until - f.at < trusted + asked) continue;
    for (auto const& [election, terms] : all.terms)
      for (auto const& [token, t] : terms) {
        if (t.candidate != f.victim || t.elected.count() < 0 || t.elected > f.at) continue;
        if (t.lost.count() >= 0 && t.lost < f.at) continue;
        ++v.resumed;
        if (t.last > f.until)
          v.complaints.push_back(election + ": token " + std::to_string(token) + " was valid " +
                                 std::to_string(ms(t.last - f.until)) + " ms after a stop of " +
                                 std::to_string(ms(f.until - f.at)) + " ms");
      }
  }
}

/// Somebody must have been stopped between his check and his write, and the resource must have refused that write.
void look_for_refusals(verdict& v) {
  bool paused = false;
  for (auto const& [stage, kinds] : v.faults) paused = paused || kinds.contains("stop between check and write");
  if (paused && v.sum.refused == 0)
    v.complaints.push_back("no late write was refused, so the pauses have shown nothing");
}

bool of_a_member(injected const& f) { return f.stage == "etcd" && f.victim.starts_with('m'); }

std::pair<std::string, nanoseconds> cause_of(std::string const& election, term const& ended, nanoseconds next,
                                             records const& all) {
  if (ended.resigned.count() >= 0) return {"resigned", ended.resigned};
  if (auto const windows = all.excuses.find(election); windows != all.excuses.end())
    for (auto const& w : windows->second)
      if (w.why.starts_with("the store") && ended.dropped >= w.from && ended.dropped <= w.until)
        return {"let go too early by etcd", ended.dropped};
  injected const* found = nullptr;
  for (bool const members : {false, true}) {
    for (auto const& f : all.faults) {
      if (f.stage != stage_of(election) || f.at < ended.elected || f.at > next) continue;
      if (ended.lost.count() >= 0 && f.at > ended.lost) continue;
      if (members ? of_a_member(f) : f.victim == ended.candidate || f.victim == election) found = &f;
    }
    if (found) return {found->kind, found->at};
  }
  return {"other", ended.lost.count() >= 0 ? ended.lost : ended.last};
}

void find_takeovers(records& all, verdict& v) {
  std::stable_sort(all.faults.begin(), all.faults.end(), [](auto const& a, auto const& b) { return a.at < b.at; });
  std::map<std::string, std::pair<double, double>> times;
  for (auto const& [election, terms] : all.terms) {
    term const* before = nullptr;
    nanoseconds led{}, begin{-1}, end{};
    for (auto const& [token, t] : terms) {
      if (t.last.count() >= 0) {
        led += t.last - t.first;
        begin = begin.count() < 0 ? t.first : std::min(begin, t.first);
        end = std::max(end, t.last);
      }
      if (t.elected.count() < 0) continue;  // granted to a candidate that was killed before it heard of it
      ++v.terms[stage_of(election)];
      if (before) {
        auto const [cause, at] = cause_of(election, *before, t.elected, all);
        v.takeovers.push_back({stage_of(election), cause, std::max(0.0, ms(t.elected - at))});
      }
      before = &t;
    }
    auto& [led_in_all, time_in_all] = times[stage_of(election)];
    led_in_all += ms(led);
    time_in_all += ms(end - begin);
  }
  for (auto const& [stage, t] : times) v.led[stage] = t.second > 0 ? t.first / t.second : 0;
}

void compare_writes(records const& all, verdict& v) {
  v.acknowledged = all.acknowledged.size();
  for (auto const& [election, content] : all.acknowledged) {
    auto const found = all.written.find(election);
    if (found != all.written.end() && found->second.contains(content)) ++v.present;
    else v.complaints.push_back(election + ": the acknowledged write '" + content + "' is not in etcd's history");
  }
}

}  // namespace

verdict judge(std::filesystem::path const& report) {
  verdict v;
  for (auto const& entry : std::filesystem::directory_iterator(report))
    if (entry.path().extension() == ".jsonl") v.journals.push_back(entry.path());
  std::sort(v.journals.begin(), v.journals.end());
  auto all = read(v);
  find_overlaps(all, v);
  find_risen(all, v);
  compare_writes(all, v);
  check(all, v);
  find_taken(all, v);
  find_takeovers(all, v);
  look_for_refusals(v);
  return v;
}

}  // namespace coelect::test
