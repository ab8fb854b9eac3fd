// The fault campaign: real servers and candidate processes, faults for some minutes, and a judgement of what all noted.
//
// fault-campaign [--minutes N] [--seed N] [--report DIR] [--only etcd|azure|file]...
// fault-campaign --judge DIR    judges the journals of an earlier run again
#include "azure_stage.hpp"
#include "etcd_stage.hpp"
#include "file_stage.hpp"
#include "report.hpp"
#include "resource_server.hpp"
#include "users_stage.hpp"
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <list>
#include <optional>

namespace coelect::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::atomic<bool> interrupted{false};

struct options {
  setting what{.minutes = 3, .seed = std::random_device{}(), .stages = {}};
  fs::path report;
  bool judge_only = false;
};

constexpr auto usage_text =
    "usage: fault-campaign [--minutes N] [--seed N] [--report DIR] [--only etcd|azure|file]...\n"
    "       fault-campaign --judge DIR    judges the journals of an earlier run again\n"
    "Starts etcd members, Azurite and candidate processes, makes faults for N minutes (3), and judges what all noted.\n"
    "Exit codes: 0 nothing to complain of, 1 complaints, 2 it could not be run.\n";

[[noreturn]] void usage(std::string const& why) {
  std::fprintf(stderr, "fault-campaign: %s\n%s", why.c_str(), usage_text);
  std::exit(2);
}

double positive(std::string const& name, std::string const& text) try {
  std::size_t used = 0;
  auto const value = std::stod(text, &used);
  if (used != text.size() || !(value > 0)) throw std::invalid_argument(text);
  return value;
} catch (std::exception const&) {
  usage(name + ": '" + text + "' is no number above 0");
}

options parse(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    std::string const name = argv[i];
    if (name == "--help" || name == "-h") {
      std::fputs(usage_text, stdout);
      std::exit(0);
    }
    if (i + 1 == argc) usage(name + " lacks its value, or is not known");
    std::string const value = argv[++i];
    if (name == "--judge") o.judge_only = true;
    if (name == "--minutes") o.what.minutes = positive(name, value);
    else if (name == "--seed") o.what.seed = static_cast<std::uint64_t>(positive(name, value));
    else if (name == "--report" || name == "--judge") o.report = value;
    else if (name == "--only" && (value == "etcd" || value == "azure" || value == "file")) o.what.stages.insert(value);
    else usage(name + " " + value + " is not known");
  }
  if (o.what.stages.empty()) o.what.stages = {"azure", "etcd", "file"};
  if (o.report.empty()) {
    char name[64];
    auto const now = std::time(nullptr);
    std::strftime(name, sizeof name, "fault-report-%Y%m%d-%H%M%S", std::localtime(&now));
    o.report = name;
  }
  return o;
}

std::string progress(run& in, resource_server const& resource, nanoseconds since) {
  std::string out =
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(boot_now() - since).count()) + " s:";
  for (auto const& [stage, kinds] : in.log.counts()) {
    int sum = 0;
    for (auto const& [kind, count] : kinds) sum += count;
    out += " " + stage + " " + std::to_string(sum) + " faults,";
  }
  return out + " fenced writes " + std::to_string(resource.accepted()) + ", refused " +
         std::to_string(resource.refused());
}

/// Whether somebody has led every election of a stage since a moment.
class led_again {
public:
  led_again(stage const& of, nanoseconds since) : of_(of), since_(since), seen_(of.notes()) {}
  /// Those that nobody leads yet. Looks again.
  std::vector<std::string> missing() {
    seen_.read();
    std::vector<std::string> none;
    for (auto const& election : of_.elections())
      if (auto const* const t = seen_.newest(election); !t || t->valid_until <= since_) none.push_back(election);
    return none;
  }
  stage const& which() const noexcept { return of_; }

private:
  stage const& of_;
  nanoseconds since_;
  tail seen_;
};

using all_stages = std::vector<std::unique_ptr<stage>>;

/// Until somebody leads every election; complains of a stage when that takes longer than `limit` says.
void wait_for_leaders(all_stages const& stages, run& in, std::function<milliseconds(stage const&)> const& limit,
                      char const* when) {
  auto const since = boot_now();
  std::list<led_again> waiting;
  for (auto const& s : stages) waiting.emplace_back(*s, since);
  for (; !waiting.empty() && !interrupted; std::this_thread::sleep_for(5ms))
    waiting.remove_if([&](led_again& one) {
      auto const none = one.missing();
      auto const waited = std::chrono::duration_cast<milliseconds>(boot_now() - since);
      auto const first = one.which().elections().front();
      auto const name = first.substr(0, first.find('-'));
      if (none.empty())
        in.log.remark(name, "all elections have a leader " + std::to_string(waited.count()) + " ms after " + when);
      else if (waited > limit(one.which()))
        in.log.complain("nobody leads " + joined(none) + " " + std::to_string(waited.count()) + " ms after " + when);
      else return false;
      return true;
    });
}

all_stages start(run& in, std::set<std::string> const& which) {
  all_stages stages;
  if (which.contains("etcd")) stages.push_back(std::make_unique<etcd_stage>(in));
  if (which.contains("etcd")) stages.push_back(std::make_unique<users_stage>(in));
  if (which.contains("azure")) stages.push_back(std::make_unique<azure_stage>(in));
  if (which.contains("file")) stages.push_back(std::make_unique<file_stage>(in));
  return stages;
}

void make_faults(run& in, setting const& what, resource_server const& resource) {
  auto const stages = start(in, what.stages);
  wait_for_leaders(
      stages, in, [](stage const&) { return milliseconds(60s); }, "the start");
  int lanes = 0;
  for (auto const& s : stages) lanes += s->make_trouble();
  auto const began = boot_now();
  auto const end = began + std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(what.minutes * 60));
  for (auto next = began + 15s; boot_now() < end && !interrupted; std::this_thread::sleep_for(100ms)) {
    if (boot_now() < next) continue;
    std::cout << progress(in, resource, began) << std::endl;
    next += 15s;
  }
  in.faults.end();
  while (in.faults.resting() < lanes) std::this_thread::sleep_for(5ms);
  std::cout << progress(in, resource, began) << "; all faults are healed" << std::endl;
  wait_for_leaders(
      stages, in, [](stage const& s) { return s.leader_within(); }, "the last fault");
  for (auto const& s : stages) s->end();
}

int tell(verdict const& v, options const& how) {
  auto const text = report_text(v, how.what);
  std::ofstream(how.report / "report.txt") << text;
  std::ofstream(how.report / "takeover.svg") << takeover_svg(v, how.what);
  std::cout << "\n" << text;
  return v.complaints.empty() ? 0 : 1;
}

/// For how long faults were made, and where, can be seen in the journals.
int judge_again(options how) {
  auto const v = judge(how.report);
  how.what.stages.clear();
  for (auto const& [stage, kinds] : v.faults) how.what.stages.insert(stage);
  how.what.minutes = v.minutes;
  how.what.seed = v.seed;
  return tell(v, how);
}

int campaign(options const& how) {
  std::cout << "fault campaign: " << how.what.minutes << " minutes, seed " << how.what.seed << ", report in "
            << how.report.string() << std::endl;
  fs::create_directories(how.report);
  for (auto const& entry : fs::directory_iterator(how.report))
    if (entry.path().extension() == ".jsonl") usage(how.report.string() + " holds the journals of another run");
  scratch_directory const where;
  resource_server resource(where.path() / "resource", how.report / "resource.jsonl");
  {
    run in(fs::absolute(how.report), how.what.seed);
    in.resource = resource.path();
    in.candidate_program = FAULT_CANDIDATE;
    in.log.begins(how.what.minutes, how.what.seed);
    make_faults(in, how.what, resource);
  }
  auto v = judge(how.report);
  for (auto const& s : how.what.stages)
    if (!v.faults.contains(s)) v.complaints.push_back(s + ": no fault was injected");
  return tell(v, how);
}

}  // namespace
}  // namespace coelect::test

int main(int argc, char** argv) {
  using namespace coelect::test;
  std::signal(SIGPIPE, SIG_IGN);
  for (int const s : {SIGINT, SIGTERM}) std::signal(s, [](int) { interrupted = true; });
  try {
    auto const how = parse(argc, argv);
    return how.judge_only ? judge_again(how) : campaign(how);
  } catch (std::exception const& e) {
    std::fprintf(stderr, "fault-campaign: %s\n", e.what());
    return 2;
  }
}
