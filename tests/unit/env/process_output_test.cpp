// Programs that are run for their output: what comes of it, and that nothing of them is left.
#include "env/process_output.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <optional>
#include <support/catch.hpp>
#include <support/real_loop.hpp>
#include <support/scratch_directory.hpp>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace coelect::test {
namespace {

using namespace std::chrono_literals;

// Its own children are collected by init, sooner or later; it is ours to collect.
bool is_gone(pid_t pid) {
  if (::kill(pid, 0) != 0) return errno == ESRCH;
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string word, state;
  pid_t parent = 0;
  in >> word >> word >> state >> parent;
  return state == "Z" && parent != ::getpid();
}

struct bench {
  std::optional<boost::asio::io_context> io{std::in_place};
  std::shared_ptr<store_context> context = store_context::make(io->get_executor(), nullptr, nullptr);
  scratch_directory scratch;
  std::optional<env::process_end> end;
  std::shared_ptr<void> handle;

  void start(std::string const& script, bool by_pidfd = true, std::chrono::nanoseconds limit = 20s) {
    // $PIDS: where the script writes its number and those of its children.
    std::vector<std::string> command{"sh", "-c", "PIDS=" + pids() + "; echo $$ >>$PIDS; " + script};
    handle = env::run_program(
        context, std::move(command), context->now() + limit, [this](env::process_end e) { end = std::move(e); },
        by_pidfd);
    REQUIRE(!end);
  }
  env::process_end const& run(std::string const& script, bool by_pidfd = true, std::chrono::nanoseconds limit = 20s) {
    start(script, by_pidfd, limit);
    REQUIRE(run_until(*io, [&] { return end.has_value(); }));
    return *end;
  }
  std::string pids() const { return (scratch.path() / "pids").string(); }
  std::vector<pid_t> read_pids() const {
    std::ifstream in(pids());
    std::vector<pid_t> all;
    for (pid_t one = 0; in >> one;) all.push_back(one);
    return all;
  }
  void wait_for_pids(std::size_t count) {
    REQUIRE(run_until(*io, [&] { return read_pids().size() == count; }));
  }
  void all_gone() {
    auto const all = read_pids();
    CHECK(run_until(*io, [&] { return std::all_of(all.begin(), all.end(), is_gone); }));
  }
};

}  // namespace

TEST_CASE("A program's output, errors and exit code come back", "[env][process]") {
  bool const by_pidfd = GENERATE(true, false);
  bench b;
  auto const& e = b.run("echo out; echo err >&2; ls -l /proc/self/fd/0 >&2; exit 7", by_pidfd);
  CHECK(e.trouble == 0);
  CHECK(e.status == 7);
  CHECK(e.output == "out\n");
  CHECK_THAT(e.errors, StartsWith("err\n") && ContainsSubstring("/dev/null"));
  CHECK_FALSE(e.late);
  b.all_gone();
}

TEST_CASE("A program gets none of our descriptors, nothing to read and no blocked signal",
          "[P5][env][process][azure]") {
  bench b;
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  int const before = ::dup(STDIN_FILENO);
  ::dup2(pipe[0], STDIN_FILENO);
  auto const& e = b.run("ls -x /proc/self/fd; read x; echo $?; grep SigBlk /proc/self/status");
  ::dup2(before, STDIN_FILENO);
  for (int const fd : {before, pipe[0], pipe[1]}) ::close(fd);
  CHECK(e.output == "0  1  2  3\n1\nSigBlk:\t0000000000000000\n");  // 3: the directory that ls reads
}

TEST_CASE("A program that cannot be started is told of by its errno", "[env][process]") {
  bench b;
  b.handle = env::run_program(b.context, {"coelect-no-such-program"}, b.context->now() + 5s,
                              [&](env::process_end e) { b.end = std::move(e); });
  CHECK(!b.end);
  REQUIRE(run_until(*b.io, [&] { return b.end.has_value(); }));
  CHECK(b.end->trouble == ENOENT);
}

TEST_CASE("A program and its children are killed at the deadline", "[env][process]") {
  bool const by_pidfd = GENERATE(true, false);
  bench b;
  auto const& e = b.run("sleep 1000 & echo $! >>$PIDS; echo part; trap '' TERM INT; wait", by_pidfd, 200ms);
  CHECK(e.late);
  b.all_gone();
}

TEST_CASE("A program that ends is not waited for because of a child that holds its output", "[env][process]") {
  bool const by_pidfd = GENERATE(true, false);
  bench b;
  auto const& e = b.run("sleep 1000 & echo $! >>$PIDS; echo all", by_pidfd);
  CHECK(e.status == 0);
  CHECK(e.output == "all\n");
  b.all_gone();
}

TEST_CASE("Too much output ends a program, too many errors are cut", "[env][process]") {
  bool const by_pidfd = GENERATE(true, false);
  bench b;
  SECTION("Output") {
    auto const& e = b.run("exec yes", by_pidfd);
    CHECK(e.too_long);
    CHECK(e.output.size() == 64 * 1024);
  }
  SECTION("Just not too much") {
    auto const& e = b.run("head -c 65536 /dev/zero", by_pidfd);
    CHECK_FALSE(e.too_long);
    CHECK(e.output.size() == 64 * 1024);
  }
  SECTION("Errors") {
    auto const& e = b.run("head -c 1000000 /dev/zero >&2; echo done", by_pidfd);
    CHECK_FALSE(e.too_long);
    CHECK(e.errors.size() == 64 * 1024);
    CHECK(e.output == "done\n");
  }
  b.all_gone();
}

TEST_CASE("A dropped handle kills the program and is not heard of again", "[env][process]") {
  bool const by_pidfd = GENERATE(true, false);
  bench b;
  b.start("echo here; exec sleep 1000", by_pidfd);
  b.wait_for_pids(1);
  b.handle.reset();
  b.all_gone();
  CHECK(!b.end);
  b.io->poll();
  CHECK(b.io->stopped());  // nothing is pending
}

TEST_CASE("The end of the execution context leaves no process either", "[env][process]") {
  bool const by_pidfd = GENERATE(true, false);
  bool const dropped_first = GENERATE(true, false);
  bench b;
  b.start("exec sleep 1000", by_pidfd);
  b.wait_for_pids(1);
  auto const pid = b.read_pids().front();
  if (dropped_first) b.handle.reset();
  b.io.reset();
  CHECK(is_gone(pid));
  b.handle.reset();
  CHECK(!b.end);
}

TEST_CASE("Where somebody else collects children, the output still counts", "[env][process]") {
  bool const by_pidfd = GENERATE(true, false);
  auto* const before = ::signal(SIGCHLD, SIG_IGN);
  {
    bench b;
    auto const& e = b.run("echo fine", by_pidfd);
    CHECK(e.output == "fine\n");
    CHECK(e.status == env::process_end::unknown);
  }
  ::signal(SIGCHLD, before);
}

TEST_CASE("A forked child leaves its parent's program alone", "[P5][env][process][azure]") {
  bench b;
  auto const go = (b.scratch.path() / "go").string();
  b.start("while [ ! -e " + go + " ]; do sleep 0.01; done; head -c 1000000 /dev/zero >&2; echo done");
  b.wait_for_pids(1);
  auto const child = ::fork();
  if (child == 0) {
    b.handle.reset();
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  std::ofstream(go).close();
  REQUIRE(run_until(*b.io, [&] { return b.end.has_value(); }));
  CHECK(b.end->output == "done\n");
  b.all_gone();
}

}  // namespace coelect::test
