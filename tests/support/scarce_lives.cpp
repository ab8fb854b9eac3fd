// Candidates' lives in which an allocation fails, and what must be possible afterwards.
#include "support/scarce_lives.hpp"
#include "support/real_loop.hpp"
#include <csignal>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <new>
#include <sys/wait.h>
#include <unistd.h>

namespace coelect::test {
namespace {

using namespace std::chrono_literals;
using boost::asio::io_context;

constexpr std::size_t no_end_in_sight = 5'000;

pid_t in_a_child(std::function<life_end()> const& life) {
  auto const child = ::fork();
  if (child != 0) return child;
  int const silence = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(silence, 2);                                                      // what terminate() says
  for (int const fatal : {SIGABRT, SIGSEGV}) std::signal(fatal, SIG_DFL);  // and what the test program says
  ::alarm(60);
  ::_exit(static_cast<int>(life()));
}

life_end end_of(int status) {
  if (WIFEXITED(status)) return static_cast<life_end>(WEXITSTATUS(status));
  return WTERMSIG(status) == SIGABRT ? life_end::well : life_end::wrong;
}

elector_options named(std::string candidate) {
  elector_options o;
  o.election = "leader";
  o.candidate = std::move(candidate);
  return o;
}

bool leads(io_context& io, elector& who, std::chrono::milliseconds limit) {
  catcher<leadership> won;
  auto const answered = [&] { return won.done(); };
  who.campaign(won.handler());
  return goes_on(io, answered, limit) && won.result.valid();
}

void resigns(io_context& io, leadership& term, std::chrono::milliseconds limit) {
  catcher<void> resigned;
  auto const answered = [&] { return resigned.done(); };
  term.resign(resigned.handler());
  goes_on(io, answered, limit);
}

}  // namespace

std::vector<std::size_t> each_allocation_fails(std::function<life_end(std::size_t)> const& life, std::size_t step,
                                               std::size_t first, std::size_t at_a_time) {
  if (std::getenv("COELECT_ROUNDS")) step = 1, first = 0;
  std::vector<std::size_t> bad;
  std::deque<std::pair<pid_t, std::size_t>> running;  // oldest first
  bool all_begun = false;
  for (std::size_t n = first; !all_begun || !running.empty();) {
    if (!all_begun && running.size() < at_a_time) {
      running.emplace_back(in_a_child([&] { return life(n); }), n);
      n += step;
      all_begun = n >= no_end_in_sight;
      if (all_begun) bad.push_back(n);
      continue;
    }
    int status = 0;
    auto const [child, which] = running.front();
    running.pop_front();
    ::waitpid(child, &status, 0);
    auto const end = end_of(status);
    if (end == life_end::not_reached) all_begun = true;
    else if (end != life_end::well) bad.push_back(which);
  }
  return bad;
}

bool goes_on(io_context& io, std::function<bool()> const& done, std::chrono::milliseconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    try {
      auto const left = end - std::chrono::steady_clock::now();
      return run_until(io, done, std::chrono::duration_cast<std::chrono::milliseconds>(left));
    } catch (std::bad_alloc const&) {
    }
  }
}

life_end one_reign(std::size_t n, opened const& open, reign const& how) {
  io_context io;
  auto const elsewhere = open(io);
  elector b(io.get_executor(), elsewhere, named("B"));
  catcher<leadership> won;
  auto const answered = [&] { return won.done(); };
  auto const never = [] { return false; };
  {
    elector a(io.get_executor(), open(io), named("A"));
    one_allocation_fails const scarce(n);
    try {
      a.campaign(won.handler());
      goes_on(io, answered, how.patience);
      goes_on(io, never, how.lasts);
      resigns(io, won.result, how.patience);
    } catch (std::bad_alloc const&) {  // from the call itself
    }
    if (!scarce.failed()) return life_end::not_reached;
    won.result = leadership();
  }
  return leads(io, b, how.afterwards) && !won.result.valid() ? life_end::well : life_end::wrong;
}

life_end one_succession(std::size_t n, opened const& open, reign const& how) {
  io_context io;
  auto const elsewhere = open(io);
  elector c(io.get_executor(), elsewhere, named("C"));
  catcher<leadership> before, won;
  auto const first = [&] { return before.done(); };
  auto const answered = [&] { return won.done(); };
  auto const never = [] { return false; };
  {
    auto const at_b = open(io);
    auto const at_a = open(io);
    elector b(io.get_executor(), at_b, named("B"));
    elector a(io.get_executor(), at_a, named("A"));
    b.campaign(before.handler());
    if (!goes_on(io, first, how.afterwards)) return life_end::wrong;
    one_allocation_fails const scarce(n);
    try {
      a.campaign(won.handler());
      goes_on(io, never, how.lasts);
      resigns(io, before.result, how.patience);
      before.result = leadership();
      // Who heard nothing of a failure must not wait for ever.
      if (!goes_on(io, answered, how.afterwards) && scarce.failed()) return life_end::wrong;
    } catch (std::bad_alloc const&) {  // from the call itself
    }
    if (!scarce.failed()) return life_end::not_reached;
    won.result = leadership();
  }
  return leads(io, c, how.afterwards) ? life_end::well : life_end::wrong;
}

life_end one_return(std::size_t n, opened const& open, reign const& how) {
  io_context io;
  auto const elsewhere = open(io);
  elector b(io.get_executor(), elsewhere, named("B"));
  catcher<leadership> before, won;
  auto const first = [&] { return before.done(); };
  auto const answered = [&] { return won.done(); };
  {
    elector a(io.get_executor(), open(io), named("A"));
    a.campaign(before.handler());
    if (!goes_on(io, first, how.afterwards) || !before.result.valid()) return life_end::wrong;
    resigns(io, before.result, how.afterwards);
    one_allocation_fails const scarce(n);
    try {
      a.campaign(won.handler());
      if (!goes_on(io, answered, how.afterwards) && scarce.failed()) return life_end::wrong;
    } catch (std::bad_alloc const&) {  // from the call itself
    }
    if (!scarce.failed()) return life_end::not_reached;
    won.result = leadership();
  }
  return leads(io, b, how.afterwards) ? life_end::well : life_end::wrong;
}

}  // namespace coelect::test
