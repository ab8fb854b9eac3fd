// Signals at every moment, and peers that have gone: nothing fails of them, and nobody dies of SIGPIPE.
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/one_host.hpp"
#include "support/scratch_directory.hpp"
#include "unit/http/http_bench.hpp"
#include <atomic>
#include <csignal>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// Atomic, and not sig_atomic_t: the process's timer rings in any of its threads, the store's disk thread too.
std::atomic<int> rung = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch no other");

/// SIGALRM every 200 us; system calls that can be interrupted are, for SA_RESTART is not set.
class ringing {
public:
  ringing() {
    rung = 0;
    struct sigaction how {};
    how.sa_handler = [](int) { ++rung; };
    ::sigaction(SIGALRM, &how, &before_);
    itimerval const often{{0, 200}, {0, 200}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  ringing(ringing const&) = delete;
  ringing& operator=(ringing const&) = delete;
  ~ringing() {
    itimerval const never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }

private:
  struct sigaction before_ {};
};

/// The server's threads inherit this: they are no part of what is tested.
class no_alarms_here {
public:
  no_alarms_here() {
    sigset_t alarms;
    ::sigemptyset(&alarms);
    ::sigaddset(&alarms, SIGALRM);
    ::pthread_sigmask(SIG_BLOCK, &alarms, &before_);
  }
  no_alarms_here(no_alarms_here const&) = delete;
  no_alarms_here& operator=(no_alarms_here const&) = delete;
  ~no_alarms_here() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_{};
};

/// Twenty requests to a server that reads nothing and resets: what is written after that raises SIGPIPE where it is not
/// kept off.
bool requests_fail(std::shared_ptr<asio::ssl::context> const& how, test_certificates const& pem) {
  scripted_server server([](scripted_peer& p) { p.reset(); }, how);
  http_bench b;
  tls_options trust;
  trust.ca_file = pem.ca.string();
  auto const net = how ? b.reach_tls("127.0.0.1", server.port(), trust) : b.reach(server);
  for (int i = 0; i < 20; ++i) {
    one_exchange one(*net, post(std::string(4'000'000, 'x')), b.in(5s));
    bool const answered = run_until(b.io, [&] { return one.calls == 1; });
    if (!answered || one.result->how.ok()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a thousand interrupted exchanges", "[P8][etcd][azure]") {
  std::optional<scripted_server> server;
  {
    no_alarms_here const undisturbed;
    server.emplace(always(sized(std::string(20'000, 'x'))));
  }
  http_bench b;
  auto const net = b.reach(*server);
  ringing const all_the_time;
  for (int i = 0; i < 1'000; ++i) REQUIRE(ask(b, *net, post(std::string(20'000, 'y'))).how.ok());
  CHECK(rung > 10);
}

TEST_CASE("interrupted terms on files, and leases that are renewed meanwhile", "[P8][etcd][azure][file]") {
  bool const on_files = GENERATE(false, true);
  scratch_directory scratch;
  asio::io_context io;
  memory_store_options leases;
  leases.timing.ttl = 2s;  // renewed after 660 ms
  auto const where = on_files ? open_store(io.get_executor(), "file:" + scratch.path().string())
                              : make_memory_store(io.get_executor(), leases);
  elector_options who;
  who.election = "leader";
  elector e(io.get_executor(), where, who);
  ringing const all_the_time;
  std::uint64_t last = 0;
  for (int i = 0; i < (on_files ? 50 : 2); ++i) {
    catcher<leadership> won;
    e.campaign(won.handler());
    REQUIRE(run_until(io, [&] { return won.done(); }));
    REQUIRE(won.result.valid());
    CHECK(won.result.fencing_token() == (last ? last + 1 : won.result.fencing_token()));
    last = won.result.fencing_token();
    CHECK_FALSE(run_until(
        io, [&] { return !won.result.valid(); }, on_files ? 1ms : 900ms));
    catcher<void> resigned;
    won.result.resign(resigned.handler());
    REQUIRE(run_until(io, [&] { return resigned.done(); }));
    CHECK_FALSE(*resigned.ec);
  }
  CHECK(rung > 10);
}

TEST_CASE("a request to a server that has gone kills nobody", "[P8][etcd][azure]") {
  bool const tls = GENERATE(false, true);
  test_certificates const pem;
  std::shared_ptr<asio::ssl::context> how;
  if (tls) {
    how = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    how->use_certificate_chain_file(pem.server.file.string());
    how->use_private_key_file(pem.server.key.string(), asio::ssl::context::pem);
  }
  auto const child = ::fork();
  if (child == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    // Its thread begins in the child: one that held the allocator's lock at the fork would hold it there for ever.
    bool const all_failed = requests_fail(how, pem);
    ::_exit(all_failed ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  if (WIFEXITED(status)) CHECK(WEXITSTATUS(status) == 0);
}
