// What people read about a run: the figures as text.
#include "report.hpp"
#include <algorithm>
#include <array>
#include <cstdarg>
#include <fstream>
#include <functional>
#include <thread>

namespace coelect::test {

namespace {

std::string text(char const* format, ...) {
  char line[1024];
  va_list values;
  va_start(values, format);
  std::vsnprintf(line, sizeof line, format, values);
  va_end(values);
  return line;
}

struct aim {
  char const *stage, *what;
  int in_15_minutes;
  std::function<bool(std::string const& kind)> counts;
};

auto begins(std::vector<std::string> with) {
  return [with = std::move(with)](std::string const& kind) {
    return std::any_of(with.begin(), with.end(), [&](auto const& w) { return kind.starts_with(w); });
  };
}

std::vector<aim> const& aims() {
  static std::vector<aim> const all{
      {"etcd", "faults", 300, begins({""})},
      {"etcd", "kill -9", 100, begins({"kill"})},
      {"etcd", "SIGSTOP", 50, begins({"stop"})},
      {"etcd", "raft leader killed or paused", 40, begins({"raft leader"})},
      {"etcd", "minority partitions", 30, begins({"minority"})},
      {"etcd", "blackholes for more than the ttl", 30, begins({"blackhole for"})},
      {"etcd", "leases revoked, keys deleted", 30, begins({"lease revoked", "leader's key"})},
      {"etcd", "member restarts", 20, begins({"member restarted", "follower restarted"})},
      {"azure", "faults", 40, begins({""})},
      {"file", "kill -9", 1'000, begins({"kill"})},
  };
  return all;
}

std::string faults_text(verdict const& v, setting const& s) {
  std::string out = "Faults injected\n";
  for (auto const& [stage, kinds] : v.faults) {
    int sum = 0;
    for (auto const& [kind, count] : kinds) sum += count;
    out += text("  %s: %d\n", stage.c_str(), sum);
    for (auto const& [kind, count] : kinds) out += text("    %5d  %s\n", count, kind.c_str());
  }
  out += text("Aims for %.1f minutes\n", s.minutes);
  for (auto const& a : aims()) {
    if (!s.stages.contains(a.stage)) continue;
    int count = 0;
    if (auto const found = v.faults.find(a.stage); found != v.faults.end())
      for (auto const& [kind, n] : found->second) count += a.counts(kind) ? n : 0;
    auto const wanted = static_cast<int>(a.in_15_minutes * s.minutes / 15);
    out += text("  %-5s %-34s %5d of %d%s\n", a.stage, a.what, count, wanted, count < wanted ? "  SHORT" : "");
  }
  return out;
}

double ms_of(overlap const& o) { return static_cast<double>((o.end - o.begin).count()) / 1e6; }

/// Without the lease's number.
std::string kind_of(overlap const& o) {
  if (o.excuse.empty()) return "NO EXCUSE";
  return o.excuse.starts_with("the store let") ? "a lease that etcd let go too early" : o.excuse;
}

std::string safety_text(verdict const& v) {
  auto const& c = v.sum;
  std::string out = "Safety\n";
  for (auto const& [stage, terms] : v.terms)
    out += text("  %-5s terms won %d; somebody led for %.0f %% of the time\n", stage.c_str(), terms,
                100 * v.led.at(stage));
  auto const excused = std::count_if(v.overlaps.begin(), v.overlaps.end(), [](auto& o) { return !o.excuse.empty(); });
  for (auto const& line : v.liveness) out += "  " + line + "\n";
  out += text("  overlaps %zu, excused overlaps %td, token regressions %llu, stale writes done %llu\n",
              v.overlaps.size() - static_cast<std::size_t>(excused), excused,
              static_cast<unsigned long long>(c.regressions), static_cast<unsigned long long>(c.stale_writes));
  out += text("  valid() after the store had dropped the hold %llu, wrong signals %llu\n",
              static_cast<unsigned long long>(c.outlived), static_cast<unsigned long long>(c.signals));
  std::map<std::string, std::vector<double>> by_excuse;
  for (auto const& o : v.overlaps)
    by_excuse[o.election.substr(0, o.election.find('-')) + ", " + kind_of(o)].push_back(ms_of(o));
  for (auto& [excuse, all] : by_excuse) {
    std::sort(all.begin(), all.end());
    out += text("    %zu overlaps, %s: median %.1f ms, longest %.1f ms\n", all.size(), excuse.c_str(),
                all[all.size() / 2], all.back());
  }
  for (auto const& [stage, time] : v.excused_time)
    out += text("  %s: %.0f s of election time stand under an excuse\n", stage.c_str(),
                static_cast<double>(time.count()) / 1e9);
  out += text("  renewed leases that etcd let go too early: %d\n", v.early_revocations);
  for (auto const& [how, count] : v.taken_by)
    out += text("  hold taken by operator or store, %d times: %s\n", count, how.c_str());
  if (!v.heard_ms.empty()) {
    auto sorted = v.heard_ms;
    std::sort(sorted.begin(), sorted.end());
    out +=
        text("    lost() after the store had told the campaign: median %.1f ms, p99 %.1f ms, most %.1f ms\n",
             sorted[sorted.size() / 2], sorted[std::min(sorted.size() - 1, sorted.size() * 99 / 100)], sorted.back());
  }
  out += text("  terms of candidates that were stopped for longer than a lease is trusted: %d\n", v.resumed);
  out += text("  writes to fenced resources: accepted %llu, refused %llu\n",
              static_cast<unsigned long long>(c.accepted), static_cast<unsigned long long>(c.refused));
  out += text("  guarded writes in etcd: acknowledged %llu, present %llu, not leader %llu, unknown %llu\n",
              static_cast<unsigned long long>(v.acknowledged), static_cast<unsigned long long>(v.present),
              static_cast<unsigned long long>(v.not_leader), static_cast<unsigned long long>(v.unknown));
  return out;
}

constexpr std::array<double, 13> edges{5, 10, 20, 50, 100, 200, 500, 1'000, 2'000, 3'000, 5'000, 10'000, 20'000};

std::string histogram(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  auto out = text("n %zu, median %.0f ms, p99 %.0f ms, most %.0f ms\n", all.size(), all[all.size() / 2],
                  all[std::min(all.size() - 1, all.size() * 99 / 100)], all.back());
  auto from = all.begin();
  for (std::size_t i = 0; i <= edges.size(); ++i) {
    auto const to = i < edges.size() ? std::lower_bound(from, all.end(), edges[i]) : all.end();
    auto const n = static_cast<std::size_t>(to - from);
    if (n > 0)
      out += text("      %s %6.0f ms %5zu %s\n",
                  i < edges.size() ? " <" : ">=", i < edges.size() ? edges[i] : edges.back(), n,
                  std::string(std::max<std::size_t>(1, n * 40 / all.size()), '#').c_str());
    from = to;
  }
  return out;
}

std::string takeover_text(verdict const& v) {
  std::map<std::string, std::vector<double>> groups;
  for (auto const& t : v.takeovers) groups[t.stage + ", " + t.cause].push_back(t.ms);
  std::string out = "Take-over: from what ended a term to the next one\n";
  for (auto const& [name, all] : groups) out += "  " + name + ": " + histogram(all);
  return out;
}

std::string complaints_text(verdict const& v) {
  if (v.complaints.empty()) return "fine: no complaints\n";
  auto out = text("FAILED: %zu complaints, the first ones:\n", v.complaints.size());
  for (std::size_t i = 0; i < std::min<std::size_t>(v.complaints.size(), 20); ++i) out += "  " + v.complaints[i] + "\n";
  return out;
}

std::string load() {
  std::ifstream in("/proc/loadavg");
  std::string one, five;
  in >> one >> five;
  return one + ", " + five;
}

}  // namespace

std::string report_text(verdict const& v, setting const& s) {
  auto out = text("Fault campaign: %.1f minutes, seed %llu, %u cores, load %s (1 and 5 minutes)\n\n", s.minutes,
                  static_cast<unsigned long long>(s.seed), std::thread::hardware_concurrency(), load().c_str());
  auto const found = complaints_text(v);
  if (!v.complaints.empty()) out += found + "\n";  // here as well: of a long output often only the beginning is kept
  out += faults_text(v, s) + "\n" + safety_text(v) + "\n" + takeover_text(v) + "\n";
  out += "Journals (coelect check judges them again)\n";
  for (auto const& j : v.journals) out += "  " + j.string() + "\n";
  return out + "\n" + found;
}

}  // namespace coelect::test
