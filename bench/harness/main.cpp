// The benchmark harness: lets everybody play the workloads in turn, and tells what came of it.
#include "harness/process_facts.hpp"
#include "harness/report.hpp"
#include "harness/stage.hpp"
#include <cstdio>
#include <ctime>

namespace {

using namespace bench;

constexpr struct {
  char const* id;
  void (*play)(stage&);
  bool azure, etcd;
} plays[] = {
    {"w1", play_campaigns, false, true},  {"w2", play_hand_over, false, true}, {"w3", play_crash, false, true},
    {"w4", play_throughput, false, true}, {"w5", play_many, false, true},      {"w6", play_contention, false, true},
    {"w7", play_azure, true, false},      {"w8", play_start, false, true},     {"micro", play_micro, false, false},
};

std::string today() {
  char text[32];
  auto const t = std::time(nullptr);
  std::tm broken{};
  ::gmtime_r(&t, &broken);
  std::strftime(text, sizeof text, "%Y-%m-%d", &broken);
  return text;
}

std::string command_line(int argc, char** argv) {
  std::string text = "./dev bench";
  for (int i = 1; i < argc; ++i) text += std::string(" ") + argv[i];
  return text;
}

std::string etcd_version(servers const& where) {
  if (!where.etcd_allowed()) return "none";
  return where.etcd(etcd_place::on::tmpfs)->version();
}

/// After each workload, so that a long run that breaks off has not been for nothing.
void report(std::string const& id, settings const& how, results const& measured, field const& who,
            circumstances const& around) {
  print_workload(id, measured, who, !how.smoke);
  write_json(how.out, measured, who, around);
  write_pictures(how.out, measured, who);
  if (!how.results.empty()) write_markdown(how.results, measured, who, around);
}

int run(settings const& how, std::string const& command) {
  std::filesystem::create_directories(how.out);
  auto const who = look_who_is_there(how);
  servers const where(how);
  circumstances const around{today(), machine_text(), etcd_version(where), command};
  std::printf("%s, %s, etcd %s\n", around.date.c_str(), around.machine.c_str(), around.etcd.c_str());
  results measured;
  stage all(how, who, where, measured);
  for (auto const& p : plays) {
    bool const possible = (!p.azure || where.azure_allowed()) && (!p.etcd || where.etcd_allowed());
    if (!how.plays(p.id) || !possible) continue;
    std::fprintf(stderr, "%s ", p.id);
    auto const begin = now();
    try {
      p.play(all);
    } catch (std::exception const& e) {  // its server does not start: the others go on
      measured.add(failure{p.id, "all of it", "ours", e.what()});
    }
    std::fprintf(stderr, " %.0f s\n", now() - begin);
    report(p.id, how, measured, who, around);
  }
  print_missing(measured, who);
  std::printf("written: %s/*.json and *.svg\n", how.out.c_str());
  // A peer that fails is a result; we and the floor must not.
  for (auto const& f : measured.failures())
    if (f.participant == "ours" || f.participant == "floor") return 1;
  return measured.samples().empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto const how = read_settings(argc, argv);
    if (how.help) {
      std::fputs(help_text(), stdout);
      return 0;
    }
    return run(how, command_line(argc, argv));
  } catch (std::exception const& e) {
    std::fprintf(stderr, "bench: %s\n", e.what());
    return 2;
  }
}
