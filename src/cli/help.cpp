// The texts of --help that are more than one line about a flag.
#include "cli/help.hpp"

namespace coelect::cli::help {

char const* const program =
    "coelect: stand in elections, lead, and find out who leads.\n"
    "A leader leads until it resigns, dies or loses its hold; then the next candidate does. Every term\n"
    "has a larger fencing token than all before it: pass it along with what the leader writes.";

char const* const program_more =
    R"(Try it in two terminals:
  coelect campaign A
  coelect campaign B         then end A with Ctrl-C, or with kill -9

Where elections are held: --store or the environment variable COELECT_STORE.
  file:/var/lib/app          candidates of one host, no server; a directory on a local disk
  etcd://h1:2379,h2:2379/app candidates of many hosts, in an etcd cluster; keys begin with app/
  etcds://h1:2379/app        the same with TLS
  azblob://ACCOUNT/CONTAINER candidates of many hosts, leases of blobs in an Azure storage account; also
                             https://ACCOUNT.blob.core.windows.net/CONTAINER, azblob+http(s)://HOST:PORT/
                             ACCOUNT/CONTAINER (Azurite), azblob:///CONTAINER (with a connection string)
  memory:                    this process only, to try things out
Without either: the storage account of --account-name, or of AZURE_STORAGE_CONNECTION_STRING or
AZURE_STORAGE_ACCOUNT; the cluster at ETCDCTL_ENDPOINTS, or at ETCD_HOST and ETCD_PORT (2379), without
a prefix; without those, too: file: on coelect/ in $XDG_STATE_HOME, or in ~/.local/state.

For etcd stores, where no flag says otherwise, ETCDCTL_USER (NAME or NAME:PASSWORD), ETCDCTL_CACERT,
ETCDCTL_CERT and ETCDCTL_KEY (etcds:) hold. The password is in --password-file, COELECT_PASSWORD or
ETCDCTL_PASSWORD, never on the command line. Candidates meet those of etcdctl elect.

An Azure account is entered with its key (--account-key-file, AZURE_STORAGE_KEY) or a shared access
signature (--sas-file, AZURE_STORAGE_SAS_TOKEN), never on the command line. Without either, by the
identity that is set up here: client secret, workload identity, managed identity or az login.

Exit codes: 0 resigned or done, 1 unexpected, 2 usage or configuration, 3 empty seat,
4 lost (run --once). run passes its child's code on. 'coelect COMMAND --help' has more.)";

char const* const campaign = "Stand as a candidate, lead when elected, tell the story, until stopped.";

char const* const campaign_more =
    R"(ENTER on a terminal, Ctrl-C and SIGTERM resign: the release is waited for, then the next
candidate leads. A second Ctrl-C leaves at once; the hold then ends with the process (file), or when
its lease runs out. A term that was lost is told with its reason, and the candidate stands again.

On stores with leases --ttl is how long a dead leader keeps others waiting, in whole seconds; on etcd 15
if it is not given, on Azure 30 (15 to 60). The hold itself counts for a little less, and it is renewed
all the while. On Azure who waits asks again and again, each time after a fifth of --poll to all of it.

With --json each line is one object, with those of these members that apply:
  event         candidate, leader, elected, at_risk, lost, resigned or heartbeat
  time          RFC 3339, UTC, milliseconds
  boot_ns       the same moment in nanoseconds of CLOCK_BOOTTIME, the same clock for all of one host
  election, candidate
  leader        who leads, in leader and heartbeat; absent: nobody
  token         the fencing token of the term that the line is about
  valid_for_ms  how long the own term is good for if no renewal comes; absent: it does not run out
  leads         in heartbeat: whether this candidate may act
  since, value  of the leader, in leader events, if known
  reason        why, in at_risk and lost; in heartbeat: why the store has not been heard yet

Examples:
  coelect campaign A
  coelect campaign --store file:/var/lib/app --election scheduler --value "$(hostname):8080" --json
  coelect campaign --store etcds://e1,e2,e3/app --user app --password-file /run/secrets/etcd --ttl 10
  coelect campaign --account-name myaccount --blob scheduler --lease-duration 15 --node-id A

Exit codes: 0 resigned, 1 unexpected, 2 usage or configuration.)";

char const* const run = "Run a command while leading, and only then.";

char const* const run_more =
    R"(The command starts after the election is won and finds in its environment
  COELECT_TOKEN (the fencing token: pass it along with every write), COELECT_ELECTION, COELECT_CANDIDATE.
It runs in a process group of its own. SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 go on to that
group; after SIGINT, SIGTERM or SIGHUP coelect resigns once the command has ended. A second SIGINT
kills it. When the command ends by itself, coelect resigns and passes its exit code on. What the
command leaves behind in its group is killed before the election is given up.

When the term is about to end the group gets SIGTERM --grace seconds before the deadline, or when the
term is reported at risk if that is later, and SIGKILL before the deadline. Somebody asking for the
election (coelect depose) means SIGTERM now, SIGKILL after --grace. On a file store the command holds
the lock together with coelect, so after a loss it has --grace too; elsewhere a term that is lost
without warning means SIGKILL at once. Only when the command has ended is the election released;
coelect then stands again, or with --once leaves with exit code 4.

If coelect is killed, the kernel kills the command. What the command itself started is not killed by
that, but on a file store it keeps the lock, so no other candidate leads beside it. That holds for
daemons that leave the process group, too.
If coelect is stopped (SIGSTOP), the command goes on. File store: the hold is kept, which is correct.
Stores with leases: the lease runs out while the command still works; its token is what tells.
On a terminal the command gets the foreground: Ctrl-C goes to it. Ctrl-Z stops both.

The story goes to standard error, also with --json (see coelect campaign --help): standard output is
the command's.

Examples:
  coelect run -- ./scheduler --every 5m
  coelect run --store file:/var/lib/app --election backup --once -- sh -c 'echo "token $COELECT_TOKEN"'

Exit codes: the command's own, 128 + N when signal N killed it, 127 when it was not found, 126 when it
could not be executed; 0 stopped before it ran, 1 unexpected, 2 usage or configuration, 4 lost.)";

char const* const leader = "Say who leads now.";

char const* const leader_more =
    R"(The answer may be out of date on arrival; it is for people, for routing and for scripts that can bear it.

Examples:
  coelect leader --election scheduler
  coelect leader --json

Exit codes: 0 somebody leads, 1 unexpected, 2 usage or configuration, 3 nobody leads.)";

char const* const watch = "Follow who leads: one line per change, until stopped.";

char const* const watch_more =
    R"(Begins with what is there. Changes that follow each other at once may be told as one.
With --json each change is a 'leader' event (see coelect campaign --help).

Example:
  coelect watch --election scheduler

Exit codes: 0 stopped, 1 unexpected, 2 usage or configuration.)";

char const* const depose = "Ask the leader to step down, and wait until it has.";

char const* const depose_more =
    R"(The leader that is there now is asked; it resigns when it hears of it, and a coelect candidate
then stands back for some seconds so that another one can win. Under coelect run the command is ended first.

--force takes the hold away instead. Between that and the old leader's noticing lies an overlap
window in which both the old and the next leader may act, and only the fencing token tells them
apart. Use it on a leader that does not answer, and not every store can.

Examples:
  coelect depose --election scheduler --wait 30
  coelect depose --force

Exit codes: 0 it has gone, 1 it still leads or unexpected, 2 usage or configuration, 3 nobody leads.)";

char const* const demo = "Watch three candidate processes elect a leader and survive its death.";

char const* const demo_more =
    R"(Starts three 'coelect campaign' processes, kills the leader with SIGKILL, stops the next one with
SIGSTOP and lets it go on, makes one resign, and measures how long each take-over takes. On a terminal
these keys do it by hand, instead of the script or after it:
  k kill the leader   s stop it, or let the stopped one go on   r make it resign   q end
Without --store or COELECT_STORE a temporary directory on disk is used and removed at the end. On
stores with leases a leader that was killed or stopped is replaced when its lease has run out; leases
last 4 s there (on Azure 15 s) unless --ttl says otherwise. The timeline of who led when is written as
an SVG file.

Examples:
  coelect demo
  coelect demo --store file:/var/tmp/elections --svg /tmp/timeline.svg
  coelect demo --store etcd://127.0.0.1:2379/demo

Exit codes: 0 done, 1 something did not happen in time, 2 usage or configuration.)";

char const* const simulate = "Let candidates crash and resign at random, and see who led when.";

char const* const simulate_more =
    R"(Starts --nodes 'coelect campaign' processes. At random moments the leader or another one is killed
with SIGKILL, or the leader resigns; each is started again after a while. At the end, or at Ctrl-C,
all resign, and the timeline is drawn here and as an SVG file, with what the fencing tokens did and for
how long nobody led. On stores with leases a killed leader is missed until its lease has run out; leases
last 4 s (on Azure 15 s) unless --ttl says otherwise.

With --id one candidate of that name only runs and reports what happens to it: start several, in several
terminals or on several machines, and end them as you like.

Without --store, COELECT_STORE or --account-name a temporary directory on disk is used, with --id the
directory of 'coelect campaign'.

Examples:
  coelect simulate --nodes 5 --duration 20
  coelect simulate --store etcd://127.0.0.1:2379/try --nodes 3 --duration 60 --seed 7
  coelect simulate --id node1 --duration 120

Exit codes: 0 done, 1 a candidate ended by itself or tokens did not grow, 2 usage or configuration.)";

char const* const check = "Judge what candidates of one host wrote with --json: could any two act at the same moment?";

char const* const check_more =
    R"(Reads the lines of coelect campaign --json, of any number of candidates and elections, in any order,
and tells for each election how many terms there were, whether two could act at the same moment, and
whether fencing tokens grew. A term counts as able to act from its first heartbeat that says so to its last:
give --heartbeat 0.5 to candidates whose terms are short.

Lines of your own may say more, with the members event, boot_ns, election, candidate and token:
  valid              it could act from boot_ns to until_ns
  accepted, refused  a resource did what a leader asked for, or saw that the token is old
  granted, dropped   what the store itself has done
  excuse             until until_ns two may act: reason says what an operator did

Examples:
  coelect campaign A --json >a.log &  coelect campaign B --json >b.log &  ...
  coelect check a.log b.log

Exit codes: 0 nothing is wrong, 1 something is, 2 a file or a line cannot be read.)";

}  // namespace coelect::cli::help
