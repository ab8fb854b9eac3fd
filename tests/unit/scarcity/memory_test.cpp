// Out of memory: one allocation fails, each in turn. What needs no memory, what gets over it, and what nobody may do then.
#include "scarce.hpp"
#include "support/one_host.hpp"
#include "support/scratch_directory.hpp"
#include "unit/http/http_bench.hpp"
#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

constexpr int well = 0, wrong = 1, not_reached = 2;

/// Runs `life` in a process of its own. Asio ends a process that has no memory for an executor; that harms nobody.
int in_a_child(std::function<int()> const& life) {
  auto const child = ::fork();
  if (child == 0) {
    int const silence = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(silence, 2);                                                      // what terminate() says
    for (int const fatal : {SIGABRT, SIGSEGV}) std::signal(fatal, SIG_DFL);  // and what the test program says
    ::alarm(20);
    ::_exit(life());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return WTERMSIG(status) == SIGABRT ? well : wrong;
}

/// Every `step`th allocation of `life` fails once, with COELECT_ROUNDS all of them. Those that end badly.
std::vector<std::size_t> each_allocation_fails(std::function<int(std::size_t)> const& life, std::size_t step = 1) {
  if (std::getenv("COELECT_ROUNDS")) step = 1;
  std::vector<std::size_t> bad;
  for (std::size_t n = 0; n < 2'000; n += step) {
    auto const end = in_a_child([&] { return life(n); });
    if (end == not_reached) return bad;
    if (end != well) bad.push_back(n);
  }
  bad.push_back(2'000);  // no end in sight
  return bad;
}

/// Runs the loop as a server does that survives what its handlers throw; anything but bad_alloc is passed on.
bool goes_on(asio::io_context& io, std::function<bool()> const& done, std::chrono::milliseconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    try {
      auto const left = end - std::chrono::steady_clock::now();
      return run_until(io, done, std::chrono::duration_cast<std::chrono::milliseconds>(left));
    } catch (std::bad_alloc const&) {
    }
  }
}

elector_options named(std::string candidate) {
  elector_options o;
  o.election = "leader";
  o.candidate = std::move(candidate);
  return o;
}

using opened = std::function<std::shared_ptr<store>(asio::io_context&)>;

/// A campaigns, leads and resigns, and the n-th allocation fails on the way. Afterwards A goes and B must be able to lead.
int one_life(std::size_t n, opened const& open, std::chrono::milliseconds reign) {
  asio::io_context io;
  auto const elsewhere = open(io);
  elector b(io.get_executor(), elsewhere, named("B"));
  catcher<leadership> won, second;
  {
    elector a(io.get_executor(), open(io), named("A"));
    one_allocation_fails const scarce(n);
    try {
      a.campaign(won.handler());
      goes_on(
          io, [&] { return won.done(); }, 100ms);
      goes_on(
          io, [] { return false; }, reign);
      catcher<void> resigned;
      won.result.resign(resigned.handler());
      goes_on(
          io, [&] { return resigned.done(); }, 100ms);
    } catch (std::bad_alloc const&) {  // from the call itself
    }
    if (!scarce.failed()) return not_reached;
    won.result = leadership();
  }
  b.campaign(second.handler());
  bool const leads = goes_on(
                         io, [&] { return second.done(); }, 3s) &&
                     second.result.valid();
  return leads && !won.result.valid() ? well : wrong;
}

}  // namespace

TEST_CASE("memory: asking who leads needs none", "[P6][etcd][azure][file]") {
  one_host h;
  auto e = h.make_elector("A");
  auto const term = h.win(e);
  auto const signal = e.signal();
  bool said = false, failed = true;
  {
    one_allocation_fails const scarce(0);
    said = term.valid() && term.valid_for(1s) && signal.is_leader() && term.fencing_token() == signal.fencing_token() &&
           term.remaining() > 0ns && term.valid_until() > coelect::clock::time_point{};
    failed = scarce.failed();
  }
  CHECK(said);
  CHECK_FALSE(failed);
}

TEST_CASE("memory: an exchange that fails for want of it leaves the next one well", "[P6][etcd][azure]") {
  scripted_server server(always(sized("ok")));
  auto const life = [&](std::size_t n) {
    http_bench b;
    auto const net = b.reach(server);
    {
      one_allocation_fails const scarce(n);
      try {
        one_exchange one(*net, post(), b.in(30ms));
        goes_on(
            b.io, [&] { return one.calls > 0; }, 60ms);
        if (one.calls > 1) return wrong;
      } catch (std::bad_alloc const&) {
      }
      if (!scarce.failed()) return not_reached;
    }
    one_exchange next(*net, post(), b.in(2s));
    return goes_on(
               b.io, [&] { return next.calls > 0; }, 3s) &&
                   next.result->how.ok()
               ? well
               : wrong;
  };
  CHECK(each_allocation_fails(life) == std::vector<std::size_t>());
}

TEST_CASE("memory: whoever fails for want of it harms nobody, and another one leads", "[P6][etcd][azure]") {
  auto const life = [](std::size_t n) {
    std::shared_ptr<memory_hub> hub;
    auto const open = [&hub](asio::io_context& io) {
      if (!hub) hub = make_memory_hub(io.get_executor());
      memory_store_options how;
      how.hub = hub;
      how.timing.ttl = 100ms;
      return make_memory_store(io.get_executor(), how);
    };
    return one_life(n, open, 100ms);
  };
  CHECK(each_allocation_fails(life, 3) == std::vector<std::size_t>());
}

TEST_CASE("memory: on files, too, another one leads", "[P6][file]") {
  scratch_directory scratch;
  auto const life = [&](std::size_t n) {
    return one_life(
        n, [&](asio::io_context& io) { return open_store(io.get_executor(), "file:" + scratch.path().string()); },
        10ms);
  };
  CHECK(each_allocation_fails(life, 3) == std::vector<std::size_t>());
}
