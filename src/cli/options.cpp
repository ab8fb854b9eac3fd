// Reads the command line; the only file that knows CLI11.
#include "cli/options.hpp"
#include "cli/completion.hpp"
#include "cli/help.hpp"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>

namespace coelect::cli {
namespace {

using std::chrono::milliseconds;

// Longer than any lease or pause that makes sense, short enough for every sum of two.
constexpr double most_seconds = 86'400.0;

// On a store that others use, too, the demo must not stand in their elections.
constexpr char const* demo_election = "coelect-demo";
constexpr char const* simulated_election = "coelect-simulation";

char const* least_words(double least) { return least >= 0.1 ? "0.1" : least > 0 ? "0.001" : "0"; }

/// Seconds with decimals, as "2", "0.5"; not below `least`.
std::function<void(std::string const&)> seconds_into(milliseconds& target, char const* name, double least) {
  return [&target, name, least](std::string const& text) {
    double seconds = -1;
    auto const* const end = text.data() + text.size();
    auto const [rest, trouble] = std::from_chars(text.data(), end, seconds);
    bool const number = trouble == std::errc() && rest == end;
    if (!number || !(seconds >= least && seconds <= most_seconds))
      throw CLI::ValidationError(name, "'" + text + "' is not a number of seconds from " + least_words(least) +
                                           " to 86400, such as 10 or 2.5");
    target = milliseconds(std::llround(seconds * 1000));
  };
}

/// Newer versions of CLI11 fold the lines of long texts anew and lose their indentation.
struct plain_formatter : CLI::Formatter {
  std::string make_description(CLI::App const* app) const override { return app->get_description() + "\n\n"; }
  std::string make_usage(CLI::App const* app, std::string name) const override {
    auto text = CLI::Formatter::make_usage(app, std::move(name));
    if (app->get_name() == "run") text.insert(text.find_last_not_of('\n') + 1, " -- COMMAND [ARGUMENTS]");
    return text;
  }
  std::string make_footer(CLI::App const* app) const override { return app->get_footer() + "\n"; }
};

void add_etcd(CLI::App& app, etcd_access& how) {
  auto const add = [&app](named_text& into, char const* type, char const* what) {
    app.add_option(into.name, into.text, what)->type_name(type)->group("etcd");
  };
  add(how.user, "NAME", "Who logs in [$ETCDCTL_USER]");
  add(how.password_file, "FILE", "Its first line is the password [$COELECT_PASSWORD, $ETCDCTL_PASSWORD]");
  add(how.ca_file, "FILE", "etcds, azblob+https: who signed the certificate [$ETCDCTL_CACERT]");
  add(how.cert_file, "FILE", "etcds: our certificate [$ETCDCTL_CERT]");
  add(how.key_file, "FILE", "etcds: its key [$ETCDCTL_KEY]");
  app.add_flag("--plain-values", how.plain_values, "The key holds the value alone, as etcdctl elect writes it")
      ->group("etcd");
}

void add_azure(CLI::App& app, azure_access& how) {
  auto const add = [&app](named_text& into, char const* type, char const* what) {
    app.add_option(into.name, into.text, what)->type_name(type)->group("Azure Blob");
  };
  add(how.account, "NAME", "Storage account, where there is no --store [$AZURE_STORAGE_ACCOUNT]");
  add(how.container, "NAME", "Its container, where there is no --store [leases]");
  add(how.blob, "NAME", "Another name for --election: the blob that is leased [leader]");
  add(how.key_file, "FILE", "Its first line is the account's key [$AZURE_STORAGE_KEY]");
  add(how.sas_file, "FILE", "Its first line is a shared access signature [$AZURE_STORAGE_SAS_TOKEN]");
  app.add_flag("--create-container", how.create_container, "Make the container when it is missing")
      ->group("Azure Blob");
  auto const set = seconds_into(how.poll, "--poll", 0.1);
  app.add_option_function<std::string>("--poll", set, "Seconds between two tries of who does not lead, at most [5]")
      ->type_name("S")
      ->group("Azure Blob");
}

void add_place(CLI::App& app, settings& how, char const* election = "leader") {
  app.add_option("--store", how.store, "Where elections are held: a URL [$COELECT_STORE, or per user]")
      ->type_name("URL");
  app.add_option("--election", how.election, std::string("Name of the election [") + election + "]")->type_name("NAME");
  app.add_flag("--allow-tmpfs", how.allow_tmpfs, "File store: accept tmpfs, where token counters are lost at a reboot");
  app.add_flag("--allow-remote", how.allow_remote, "File store: accept NFS, CIFS, FUSE and the like");
  add_etcd(app, how.etcd);
  add_azure(app, how.azure);
  app.add_flag("--verbose", how.verbose, "What the library logs, to standard error");
}

void add_ttl(CLI::App& app, settings& how) {
  auto const set = seconds_into(how.ttl, "--ttl", 0.001);
  app.add_option_function<std::string>("--ttl,--lease-duration", set,
                                       "Lease length in whole seconds [etcd: 15; azblob: 30, of 15 to 60]")
      ->type_name("S");
}

void add_json(CLI::App& app, settings& how) { app.add_flag("--json", how.json, "One JSON object per line"); }

void add_candidate(CLI::App& app, settings& how) {
  app.add_option("--value", how.value, "Published while leading, such as an address");
  add_ttl(app, how);
  auto const set = seconds_into(how.heartbeat, "--heartbeat", 0);
  app.add_option_function<std::string>("--heartbeat", set, "Seconds between heartbeat lines; 0: none [10]")
      ->type_name("S");
}

CLI::App* add_campaign(CLI::App& app, settings& how) {
  auto* const sub = app.add_subcommand("campaign", help::campaign);
  sub->footer(help::campaign_more);
  sub->add_option("ID,--id,--node-id", how.id, "Name of this candidate [host.pid.random]")->type_name("ID");
  add_candidate(*sub, how);
  add_place(*sub, how);
  add_json(*sub, how);
  return sub;
}

CLI::App* add_run(CLI::App& app, settings& how) {
  auto* const sub = app.add_subcommand("run", help::run);
  sub->footer(help::run_more);
  sub->add_option("--id,--node-id", how.id, "Name of this candidate [host.pid.random]")->type_name("ID");
  auto const set = seconds_into(how.grace, "--grace", 0);
  sub->add_option_function<std::string>("--grace", set, "Seconds between SIGTERM and SIGKILL [5]")->type_name("S");
  sub->add_flag("--once", how.once, "Do not stand again after a lost term; exit code 4 then");
  add_candidate(*sub, how);
  add_place(*sub, how);
  add_json(*sub, how);
  return sub;
}

CLI::App* add_leader(CLI::App& app, settings& how) {
  auto* const sub = app.add_subcommand("leader", help::leader);
  sub->footer(help::leader_more);
  add_place(*sub, how);
  add_json(*sub, how);
  return sub;
}

CLI::App* add_watch(CLI::App& app, settings& how) {
  auto* const sub = app.add_subcommand("watch", help::watch);
  sub->footer(help::watch_more);
  add_place(*sub, how);
  add_json(*sub, how);
  return sub;
}

CLI::App* add_depose(CLI::App& app, settings& how) {
  auto* const sub = app.add_subcommand("depose", help::depose);
  sub->footer(help::depose_more);
  auto const set = seconds_into(how.wait, "--wait", 0);
  sub->add_option_function<std::string>("--wait", set, "How many seconds it may take to go [10]")->type_name("S");
  sub->add_flag("--force", how.force, "Take the hold away; for a moment two may act, see below");
  add_place(*sub, how);
  add_json(*sub, how);
  return sub;
}

CLI::App* add_demo(CLI::App& app, settings& how) {
  auto* const sub = app.add_subcommand("demo", help::demo);
  sub->footer(help::demo_more);
  sub->add_option("--svg", how.svg, "Where the timeline goes [coelect-timeline.svg]")->type_name("FILE");
  add_ttl(*sub, how);
  add_place(*sub, how, demo_election);
  return sub;
}

CLI::App* add_simulate(CLI::App& app, settings& how) {
  auto* const sub = app.add_subcommand("simulate", help::simulate);
  sub->footer(help::simulate_more);
  sub->add_option("--nodes", how.nodes, "How many candidates, 1 to 100 [3]")->type_name("N");
  auto const set = seconds_into(how.duration, "--duration", 0.1);
  sub->add_option_function<std::string>("--duration", set, "How many seconds it lasts [30]")->type_name("S");
  sub->add_option("--id,--node-id", how.id, "One candidate of this name that only runs and reports")->type_name("NAME");
  sub->add_option("--seed", how.seed, "The same crashes and resignations as that time [random]")->type_name("N");
  sub->add_option("--svg", how.svg, "Where the timeline goes [coelect-timeline.svg]")->type_name("FILE");
  add_ttl(*sub, how);
  add_place(*sub, how, simulated_election);
  return sub;
}

CLI::App* add_check(CLI::App& app, settings& how) {
  auto* const sub = app.add_subcommand("check", help::check);
  sub->footer(help::check_more);
  sub->add_option("FILE", how.files, "What candidates wrote with --json; - or none: standard input");
  return sub;
}

/// The child's command line is not ours to look at: it is cut off at the first "--" of `run`.
std::vector<std::string> cut_child(std::vector<std::string>& words) {
  auto const mark = std::find(words.begin(), words.end(), "--");
  bool const runs = std::find(words.begin(), mark, "run") != mark;
  if (!runs || mark == words.end()) return {};
  std::vector<std::string> child(mark + 1, words.end());
  words.erase(mark, words.end());
  return child;
}

int refuse(std::string const& sentence) {
  std::fprintf(stderr, "coelect: %s\nTry 'coelect --help'.\n", sentence.c_str());
  return exit_code::usage;
}

// CLI11 says only that a command is missing.
std::string unknown_command(std::vector<std::string> const& words) {
  bool const named = !words.empty() && !words.front().starts_with("-");
  return named ? "there is no command '" + words.front() + "'" : std::string();
}

command which(CLI::App const* chosen) {
  auto const name = chosen->get_name();
  if (name == "campaign") return command::campaign;
  if (name == "run") return command::run;
  if (name == "leader") return command::leader;
  if (name == "watch") return command::watch;
  if (name == "depose") return command::depose;
  if (name == "simulate") return command::simulate;
  if (name == "check") return command::check;
  return command::demo;
}

}  // namespace

parsed parse_command_line(std::vector<std::string> words) {
  parsed result;
  auto& how = result.how;
  how.election = "leader";
  how.child = cut_child(words);
  CLI::App app(help::program, "coelect");
  app.footer(help::program_more);
  app.formatter(std::make_shared<plain_formatter>());
  app.set_version_flag("--version", "coelect " COELECT_VERSION);
  app.require_subcommand(1);
  add_campaign(app, how);
  add_run(app, how);
  add_leader(app, how);
  add_watch(app, how);
  add_depose(app, how);
  add_demo(app, how);
  add_simulate(app, how);
  add_check(app, how);
  auto const unknown = unknown_command(words);
  auto const long_name = [](std::string const& word) { return word.starts_with("--lease-duration"); };
  if (std::any_of(words.begin(), words.end(), long_name)) how.ttl_flag = "--lease-duration";
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app.parse(std::move(words));
  } catch (CLI::ParseError const& e) {
    bool const asked = e.get_exit_code() == 0;  // --help, --version
    bool const runs = app.got_subcommand("run") && how.child.empty();
    auto const hint = runs ? "; the command goes after --, as in: coelect run -- sleep 60" : "";
    bool const none = app.get_subcommands().empty() && !unknown.empty();
    result.exit = asked ? app.exit(e) : refuse(none ? unknown : e.what() + std::string(hint));
    return result;
  }
  auto const* const chosen = app.get_subcommands().front();
  how.what = which(chosen);
  if (how.what == command::check) return result;
  bool const named = chosen->count("--election") != 0;
  if (how.what == command::demo && !named) how.election = demo_election;
  if (how.what == command::simulate && !named) how.election = simulated_election;
  auto const wrong = complete(how, named);
  if (!wrong.empty()) result.exit = refuse(wrong);
  return result;
}

}  // namespace coelect::cli
