// Fills in what the command line leaves to the environment, and finds what contradicts itself.
#include "cli/completion.hpp"
#include <coelect/error.hpp>

namespace coelect::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_nodes = 100;

/// They kill and stop leaders: not on somebody's cluster or account unless it is named.
bool only_where_named(settings const& how) { return how.what == command::demo || how.what == command::simulate; }

/// Says where elections are held. True: --account-name and --container have been used for that, or could have been.
bool find_store(settings& how) {
  if (!how.store.empty()) return false;
  how.store = azure_in_flags(how.azure);
  if (!how.store.empty()) return true;
  how.store = variable("COELECT_STORE");
  if (!how.store.empty() || only_where_named(how)) return false;
  how.store = azure_in_environment(how.azure);
  if (!how.store.empty()) return true;
  how.store = etcd_in_environment(how.etcd);
  return false;
}

std::string what_contradicts(settings const& how, bool composed, bool election_named) {
  bool const on_files = how.store.empty() || how.store.starts_with("file:");
  if (on_files && how.ttl != milliseconds(0))
    return how.ttl_flag +
           ": a file store has no leases and takes no ttl; leave it out, or name another kind of --store";
  if (how.what == command::run && how.child.empty())
    return "command: there is none; write it after --, as in: coelect run -- sleep 60";
  if (only_where_named(how) && how.store.starts_with("memory:"))
    return "--store: memory: is one process's own, and several are started here";
  if (how.what == command::simulate && how.nodes > most_nodes) return "--nodes: takes 1 to 100";
  if (how.what == command::simulate && !how.id.empty() && how.nodes > 1)
    return "--id: names one candidate, and --nodes wants " + std::to_string(how.nodes);
  auto const wrong = refusal_of(how.etcd, how.store);
  if (!wrong.empty()) return wrong;
  bool const twice = is_azure(how.store) && !how.azure.blob.text.empty() && election_named;
  if (twice) return how.azure.blob.name + ", --election: they say the same; give one";
  return refusal_of(how.azure, how.store, composed);
}

}  // namespace

std::string complete(settings& how, bool election_named) {
  try {
    bool const composed = find_store(how);
    how.store = with_account(how.store);
    use_etcdctl_environment(how.etcd, how.store);
    if (is_azure(how.store)) how.azure.ca_file = how.etcd.ca_file.text;
    auto wrong = what_contradicts(how, composed, election_named);
    if (wrong.empty() && !how.azure.blob.text.empty()) how.election = how.azure.blob.text;
    return wrong;
  } catch (election_error const& e) {
    return e.details().message();
  }
}

}  // namespace coelect::cli
