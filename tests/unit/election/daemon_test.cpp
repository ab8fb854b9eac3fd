// A leader that becomes a daemon, or starts a program: who is left with the term, and with the lock?
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include "support/scratch_directory.hpp"
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

elector_options named(std::string candidate) {
  elector_options o;
  o.election = "leader";
  o.candidate = std::move(candidate);
  return o;
}

struct pipe_pair {
  pipe_pair() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~pipe_pair() {
    ::close(ends[0]);
    if (ends[1] >= 0) ::close(ends[1]);
  }
  void done_writing() { ::close(std::exchange(ends[1], -1)); }
  /// Whatever comes until all writers have gone.
  std::string read_all() {
    std::string all;
    char bytes[256];
    for (ssize_t n = 0; (n = ::read(ends[0], bytes, sizeof bytes)) > 0;) all.append(bytes, static_cast<std::size_t>(n));
    return all;
  }
  int ends[2];
};

// TSan lets no child of a process that has had threads start one of its own, as the file store does.
#if defined(__SANITIZE_THREAD__)
constexpr bool children_may_start_threads = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool children_may_start_threads = false;
#else
constexpr bool children_may_start_threads = true;
#endif
#else
constexpr bool children_may_start_threads = true;
#endif

void say(int to, char what) { static_cast<void>(!::write(to, &what, 1)); }

}  // namespace

TEST_CASE("a leader that forks twice and ends leaves neither term nor lock to the daemon", "[P5][file]") {
  if (!children_may_start_threads) return;
  scratch_directory scratch;
  auto const url = "file:" + scratch.path().string();
  pipe_pair said, end;
  auto const leader = ::fork();
  if (leader == 0) {
    end.done_writing();
    asio::io_context io;
    elector e(io.get_executor(), open_store(io.get_executor(), url), named("A"));
    catcher<leadership> won;
    e.campaign(won.handler());
    run_until(io, [&] { return won.done(); });
    say(said.ends[1], won.result.valid() ? 'l' : '?');
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::prctl(PR_SET_PDEATHSIG, 0);
    say(said.ends[1], won.result.valid() || e.signal().is_leader() ? 'v' : 'n');  // the daemon
    ::alarm(20);
    char byte = 0;
    static_cast<void>(!::read(end.ends[0], &byte, 1));  // lives until the test closes its end
    say(said.ends[1], won.result.valid() ? 'v' : 'n');
    ::_exit(0);
  }
  said.done_writing();
  ::waitpid(leader, nullptr, 0);
  asio::io_context io;
  elector b(io.get_executor(), open_store(io.get_executor(), url), named("B"));
  catcher<leadership> next;
  b.campaign(next.handler());
  CHECK(run_until(
      io, [&] { return next.done(); }, 5s));  // while the daemon lives
  CHECK(next.result.valid());
  end.done_writing();
  CHECK(said.read_all() == "lnn");
}

TEST_CASE("a program that a leader starts gets no lock", "[P5][file]") {
  scratch_directory scratch;
  asio::io_context io;
  auto const where = open_store(io.get_executor(), "file:" + scratch.path().string());
  elector a(io.get_executor(), where, named("A"));
  elector b(io.get_executor(), where, named("B"));
  catcher<leadership> won, next;
  a.campaign(won.handler());
  REQUIRE(run_until(io, [&] { return won.done(); }));
  pipe_pair started;
  auto const child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execl("/bin/sleep", "sleep", "30", nullptr);
    ::_exit(127);
  }
  started.done_writing();
  CHECK(started.read_all().empty());  // exec has closed the other end
  won.result = leadership();
  b.campaign(next.handler());
  CHECK(run_until(
      io, [&] { return next.done(); }, 5s));
  CHECK(::waitpid(child, nullptr, WNOHANG) == 0);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}
