// Somebody's test of his own server: a simulated host, a fault and the judge, from the package. Both consumer projects build it.
#include <coelect/coelect.hpp>
#include <coelect/testing/checker.hpp>
#include <coelect/testing/faults.hpp>
#include <coelect/testing/world.hpp>
#include <iostream>

namespace testing = coelect::testing;

int main() {
  testing::world world(1);
  testing::fault_schedule faults(world);
  testing::checker judge;
  auto const on = world.add_host();
  coelect::memory_store_options how;
  how.env = on;
  how.faults = faults.fates(*on);
  coelect::elector candidate(on->executor(), coelect::make_memory_store(on->executor(), how), {.election = "leader"});
  std::uint64_t terms = 0;
  coelect::leadership term;
  candidate.campaign([&](coelect::error_code, coelect::leadership won) {
    term = std::move(won);
    ++terms;
  });
  faults.add({testing::trouble::mute, on->number(), std::chrono::minutes(1), std::chrono::minutes(1)}).start();
  auto const look = [&] { return judge.sample(world.now(), {candidate.signal().fencing_token()}), false; };
  world.run_until(look, std::chrono::minutes(5));
  bool const as_it_must = terms == 1 && !term.valid() && judge.fine() && judge.counts().samples > 0;
  std::cout << judge.summary() << (as_it_must ? "\nled until it was cut off\n" : "\nfailed\n");
  return as_it_must ? 0 : 1;
}
