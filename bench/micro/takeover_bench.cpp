// Measures how long the file store takes from SIGKILL of the leader to the next leader's first valid().
#include "support/scratch_directory.hpp"
#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <coelect/coelect.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

namespace asio = boost::asio;
using coelect::test::scratch_directory;

constexpr int patience_ms = 20'000;

double now_us() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

/// What a candidate process reports when it leads; small enough to be written to a pipe in one piece.
struct report {
  pid_t pid;
  std::uint64_t token;
  double at_us;
};

asio::awaitable<void> stand(coelect::elector& e, int to) {
  coelect::leadership term = co_await e.campaign();
  report const r{::getpid(), term.fencing_token(), term.valid() ? now_us() : 0.0};
  static_cast<void>(!::write(to, &r, sizeof r));
  coelect::term_end end = co_await term.lost();
  static_cast<void>(end);
}

[[noreturn]] void be_candidate(std::string const& url, int to) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  asio::io_context io;
  coelect::elector_options options;
  options.election = "takeover";
  coelect::elector e(io.get_executor(), coelect::open_store(io.get_executor(), url), options);
  asio::co_spawn(io, stand(e, to), asio::detached);
  io.run();
  ::_exit(0);
}

/// The candidate processes; all that still live are ended with this object, by pid.
class field {
public:
  field(std::string url, char const* self) : url_(std::move(url)), self_(self) {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) std::perror("pipe2");
  }
  ~field() {
    for (pid_t const pid : alive_) end(pid);
  }
  field(field const&) = delete;
  field& operator=(field const&) = delete;

  void add() {
    auto const number = std::to_string(::fcntl(ends_[1], F_DUPFD, 3));
    auto const to = std::atoi(number.c_str());
    pid_t const pid = ::fork();
    if (pid == 0) {
      ::execl("/proc/self/exe", self_, "--candidate", url_.c_str(), number.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(to);
    alive_.push_back(pid);
  }
  bool next(report& r) const {
    pollfd p{ends_[0], POLLIN, 0};
    return ::poll(&p, 1, patience_ms) == 1 && ::read(ends_[0], &r, sizeof r) == sizeof r;
  }
  double kill(pid_t pid) {
    auto const at = now_us();
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    std::erase(alive_, pid);
    return at;
  }

private:
  static void end(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  std::string url_;
  char const* self_;
  std::array<int, 2> ends_{-1, -1};
  std::vector<pid_t> alive_;
};

int measure(int rounds, int candidates, bool lines, char const* self) {
  scratch_directory scratch;
  field all("file:" + scratch.path().string(), self);
  for (int i = 0; i < candidates; ++i) all.add();
  report leader{};
  if (!all.next(leader)) return std::puts("nobody became leader"), 1;
  std::vector<double> took_us;
  for (int i = 0; i < rounds; ++i) {
    auto const killed_at = all.kill(leader.pid);
    auto const last = leader.token;
    if (!all.next(leader)) return std::puts("nobody took over"), 1;
    if (leader.token <= last || leader.at_us == 0.0) return std::puts("a token went back, or was not valid"), 1;
    took_us.push_back(leader.at_us - killed_at);
    all.add();  // after the measurement: a process that starts takes a core
  }
  std::sort(took_us.begin(), took_us.end());
  auto const part = [&](double p) {
    return took_us[static_cast<std::size_t>(p * static_cast<double>(rounds - 1))] / 1e3;
  };
  if (lines) {
    std::printf("{\"row\":\"file store, SIGKILL to the next leader\",\"ms_p50\":%.3f,\"ms_p99\":%.3f}\n{\"end\":1}\n",
                part(0.5), part(0.99));
    return 0;
  }
  std::printf("file store, %d SIGKILLs of the leader, %d candidates, %s (synced to disk):\n", rounds, candidates,
              scratch.path().parent_path().c_str());
  std::printf(
      "  next leader valid after p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms; tokens strictly increasing\n",
      part(0.5), part(0.9), part(0.99), part(1.0));
  return 0;
}

int number_after(int argc, char** argv, char const* flag, int otherwise) {
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], flag) == 0) return std::max(1, std::atoi(argv[i + 1]));
  return otherwise;
}

}  // namespace

// takeover-bench [--rounds N] [--candidates N] [--lines]; COELECT_TEST_DIR chooses the disk.
int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--candidate") == 0) be_candidate(argv[2], std::atoi(argv[3]));
  bool const lines = argc > 1 && std::strcmp(argv[1], "--lines") == 0;
  return measure(number_after(argc, argv, "--rounds", 200), number_after(argc, argv, "--candidates", 3), lines,
                 argv[0]);
}
