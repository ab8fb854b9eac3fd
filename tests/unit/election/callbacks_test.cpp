// What users' callbacks may do: throw, destroy what called them, call back in. The rest goes on.
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include "support/scratch_directory.hpp"
#include <boost/asio/detached.hpp>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct of_the_test : std::runtime_error {
  of_the_test() : std::runtime_error("thrown by a callback") {}
};

/// Runs the loop again after every exception, as servers do, and counts them.
struct tough_loop {
  asio::io_context io;
  int thrown = 0;

  bool until(std::function<bool()> const& done, std::chrono::milliseconds limit = 10s) {
    for (;;) {
      try {
        return run_until(io, done, limit);
      } catch (of_the_test const&) {
        ++thrown;
      }
    }
  }
};

elector_options named(std::string candidate) {
  elector_options o;
  o.election = "leader";
  o.candidate = std::move(candidate);
  return o;
}

/// On real time: a memory store with a short ttl, or a file store.
struct stage {
  explicit stage(bool on_files) {
    if (on_files) {
      where = open_store(loop.io.get_executor(), "file:" + scratch.path().string());
      return;
    }
    memory_store_options how;
    how.timing.ttl = 300ms;
    where = make_memory_store(loop.io.get_executor(), how);
  }
  elector make(std::string name) { return {loop.io.get_executor(), where, named(std::move(name))}; }

  scratch_directory scratch;
  tough_loop loop;
  std::shared_ptr<store> where;
};

}  // namespace

TEST_CASE("a completion handler that throws costs nobody else anything", "[L3][etcd][azure][file]") {
  stage s(GENERATE(false, true));
  auto a = s.make("A");
  auto b = s.make("B");
  leadership term;
  catcher<leadership> next;
  bool told = false;
  a.campaign([&](error_code, leadership won) {
    term = std::move(won);
    throw of_the_test();
  });
  REQUIRE(s.loop.until([&] { return static_cast<bool>(term); }));
  CHECK(s.loop.until([&] { return s.loop.thrown == 1; }));
  b.campaign(next.handler());
  term.lost([](error_code, term_end const&) { throw of_the_test(); });
  term.lost([&](error_code, term_end const&) { told = true; });
  // Longer than a ttl: it is renewed all the same.
  CHECK_FALSE(s.loop.until([&] { return !term.valid() || next.done(); }, 700ms));
  term.resign([](error_code) { throw of_the_test(); });
  CHECK(s.loop.until([&] { return told && next.done(); }));
  CHECK(next.result.valid());
  CHECK(s.loop.until([&] { return s.loop.thrown == 3; }));
}

TEST_CASE("what a callback destroys is gone, and the seat is free", "[L3][etcd][azure][file]") {
  bool const on_files = GENERATE(false, true);
  auto const when = GENERATE(as<std::string>(), "won", "lost", "resigned", "seen", "watched", "stopped");
  INFO((on_files ? "files, " : "memory, ") << when);
  stage s(on_files);
  auto a = std::make_unique<elector>(s.make("A"));
  auto b = s.make("B");
  auto term = std::make_unique<leadership>();
  bool called = false;
  auto const destroy = [&] {
    called = true;
    term.reset();
    a.reset();
  };
  if (when == "won") {
    a->campaign([&](error_code, leadership) { destroy(); });
  } else {
    catcher<leadership> won;
    a->campaign(won.handler());
    REQUIRE(s.loop.until([&] { return won.done(); }));
    *term = std::move(won.result);
    if (when == "lost") {
      term->lost([&](error_code, term_end const&) { destroy(); });
      term->resign(asio::detached);
    }
    if (when == "resigned") term->resign([&](error_code) { destroy(); });
    if (when == "seen") a->leader([&](error_code, sighting const&) { destroy(); });
    if (when == "watched") a->watch({}, [&](error_code, sighting const&) { destroy(); });
    if (when == "stopped") a->stop([&](error_code) { destroy(); });
  }
  REQUIRE(s.loop.until([&] { return called; }));
  catcher<leadership> next;
  b.campaign(next.handler());
  CHECK(s.loop.until([&] { return next.done(); }));
  CHECK(next.result.valid());
}

TEST_CASE("a callback may resign, ask and stand again", "[L3][etcd][azure][file]") {
  stage s(GENERATE(false, true));
  auto a = s.make("A");
  leadership term;
  std::vector<std::uint64_t> tokens;
  std::vector<error_code> resigned;
  std::function<void()> stand = [&] {
    a.campaign([&](error_code ec, leadership won) {
      REQUIRE_FALSE(ec);
      term = std::move(won);
      tokens.push_back(term.fencing_token());
      if (tokens.size() == 4) return;
      // Twice: from within the win, and from within the end that this brings.
      term.lost([&](error_code, term_end const& end) {
        CHECK(end.how() == end_of_term::resigned);
        CHECK_FALSE(term.valid());
        term.resign([&](error_code again) { resigned.push_back(again); });
      });
      term.resign([&](error_code first) {
        resigned.push_back(first);
        stand();
      });
      CHECK_FALSE(term.valid());
    });
  };
  stand();
  REQUIRE(s.loop.until([&] { return tokens.size() == 4 && resigned.size() == 6; }));
  CHECK(term.valid());
  CHECK(std::is_sorted(tokens.begin(), tokens.end(), std::less_equal<>()));
  CHECK(std::count(resigned.begin(), resigned.end(), error_code()) == 3);
  CHECK(std::count(resigned.begin(), resigned.end(), make_error_code(errc::not_leader)) == 3);
}

TEST_CASE("a log function may destroy the term that it hears of", "[L3][etcd][azure][file]") {
  one_host h;
  auto other = h.make_elector("O", "other");
  auto kept = h.win(other);
  elector_options how = named("A");
  leadership term;
  int lines = 0;
  how.log = [&](severity, std::string_view line) {
    ++lines;
    if (line.rfind("renew", 0) == 0) term = leadership();
  };
  elector a(h.host->io.get_executor(), h.where, how);
  term = h.win(a);
  REQUIRE(term.valid());
  h.world.run_for(10s);
  CHECK_FALSE(term);
  CHECK_FALSE(a.signal().is_leader());
  CHECK(lines >= 4);
  CHECK(kept.valid());
  auto b = h.make_elector("B");
  CHECK(h.win(b).valid());
}
