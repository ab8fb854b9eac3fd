// How soon a leader that is gone is replaced, and what becomes of one that was only paused.
#include "fault_place.hpp"
#include "support/child.hpp"
#include <csignal>

using namespace coelect;
using namespace coelect::test;

namespace {

constexpr auto longest_poll = 1s;

// poll_max is what the promise is about.
azure_blob_store_options polling() {
  auto how = azure_process::options();
  how.poll_min = 500ms;
  how.poll_max = longest_poll;
  return how;
}

std::uint64_t number_in(std::string const& line) { return std::stoull(line.substr(line.find(' ') + 1)); }

struct heir {
  heir(azure_process& p, std::shared_ptr<store> where, std::string const& blob)
      : e(p.make_elector(std::move(where), "heir", blob)) {
    e.campaign([this](error_code, leadership won) {
      at = std::chrono::steady_clock::now();
      term = std::move(won);
    });
  }
  elector e;
  leadership term;
  std::chrono::steady_clock::time_point at{};
};

std::string written(raw_blobs& raw, std::string const& blob) { return raw.content(blob).body; }

}  // namespace

TEST_CASE(
    "azure takeover: after 15 s and a poll from one that was killed, stopped or cut off; at once from one that "
    "resigns",
    "[N3][P1][P2][azure]") {
  azurite server;
  fault_proxy proxy(server.port());
  raw_blobs raw(server.port());
  azure_process p;
  auto const candidate = [&](char const* blob) {
    return std::make_unique<child>(std::vector<std::string>{AZURE_CANDIDATE, "old", blob, server.connection_string()});
  };
  auto const killed = candidate("killed");
  auto const stopped = candidate("stopped");
  auto const killed_token = number_in(killed->line_with("won "));
  auto const stopped_token = number_in(stopped->line_with("won "));
  killed->line_with("wrote");
  stopped->line_with("wrote");
  auto cut_off = p.make_elector(p.make_store(through(proxy.port()), polling()), "old", "cut-off");
  auto cut_term = p.win(cut_off);
  auto const where = p.make_store(server.connection_string(), polling());
  heir of_killed(p, where, "killed"), of_stopped(p, where, "stopped"), of_cut(p, where, "cut-off");
  // Before the first renewals: these leases are as old as the terms, at most a second or so.
  auto const begin = std::chrono::steady_clock::now();
  killed->signal(SIGKILL);
  stopped->signal(SIGSTOP);
  proxy.blackhole();
  auto const others = [&] { return of_killed.term.valid() && of_stopped.term.valid() && of_cut.term.valid(); };
  std::size_t both = 0;
  REQUIRE(p.until(
      [&] {
        both += cut_term.valid() && of_cut.term.valid() ? 1 : 0;
        return others();
      },
      20s));
  CHECK(both == 0);
  for (auto const* h : {&of_killed, &of_stopped, &of_cut}) {
    auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(h->at - begin);
    std::cout << "takeover after " << took.count() << " ms\n";
    CHECK(took < 15s + longest_poll + 1s);
  }
  CHECK(of_killed.term.fencing_token() == killed_token + 1);
  CHECK(of_stopped.term.fencing_token() == stopped_token + 1);
  CHECK(of_cut.term.fencing_token() == cut_term.fencing_token() + 1);
  CHECK(cut_term.ended().how() == end_of_term::expired);

  // The one that was stopped wakes up with its writes under way; its successor has written.
  catcher<void> wrote;
  of_stopped.term.guarded_put("stopped-state", "heir", wrote.handler());
  REQUIRE(p.until([&] { return wrote.done(); }));
  CHECK(*wrote.ec == error_code());
  stopped->signal(SIGCONT);
  auto const hears = [&](std::string const& word) {  // in whichever order
    return stopped->output().find(word) != std::string::npos || !stopped->line_with(word).empty();
  };
  CHECK_NOTHROW(hears("ended "));
  CHECK_NOTHROW(hears("refused"));
  CHECK(written(raw, "stopped-state") == "heir");
  CHECK(written(raw, "killed-state") == "old");

  heir next(p, where, "killed");
  p.until([] { return false; }, 300ms);
  CHECK_FALSE(next.term.valid());
  auto const resigned = std::chrono::steady_clock::now();
  CHECK(p.resign(of_killed.term) == error_code());
  REQUIRE(p.until([&] { return next.term.valid(); }, 5s));
  std::cout << "after resign: " << since(resigned).count() << " ms\n";
  CHECK(since(resigned) < longest_poll + 200ms);
}

TEST_CASE("azure takeover: a write that was held up until the successor has written is refused", "[N8][azure]") {
  azurite server;
  fault_proxy proxy(server.port());
  raw_blobs raw(server.port());
  azure_process p;
  auto how = p.options();
  how.timing.renew_every = 5s;
  auto a = p.make_elector(p.make_store(through(proxy.port()), how), "A");
  auto const where = p.make_store(server.connection_string(), how);
  auto b = p.make_elector(where, "B");
  auto const put = [&](leadership& term, std::string content, catcher<void>& done) {
    term.guarded_put("state", std::move(content), done.handler());
  };
  auto first = p.win(a);
  catcher<void> fine;
  put(first, "1", fine);
  REQUIRE(p.until([&] { return fine.done(); }));
  CHECK(*fine.ec == error_code());
  // Its look passes, its write is held.
  auto const looks = std::make_shared<int>(0);
  proxy.hold_request([looks](proxy_request const& r) { return r.path.find("/state?") != r.path.npos && ++*looks > 1; });
  catcher<void> late;
  put(first, "late", late);
  REQUIRE(p.until([&] { return proxy.counters().held == 1; }));
  catcher<void> deposed;
  b.depose(first.fencing_token(), depose_how::force, deposed.handler());
  REQUIRE(p.until([&] { return deposed.done(); }));
  CHECK(*deposed.ec == error_code());
  auto second = p.win(b);
  CHECK(second.fencing_token() == first.fencing_token() + 1);
  catcher<void> wrote;
  put(second, "2", wrote);
  REQUIRE(p.until([&] { return wrote.done(); }));
  CHECK(*wrote.ec == error_code());
  proxy.release();
  REQUIRE(p.until([&] { return late.done(); }));
  CHECK(*late.ec == errc::not_leader);
  CHECK(written(raw, "state") == "2");
}

TEST_CASE("azure takeover: a held-up write does not come through after the successor has erased the blob",
          "[N8][azure]") {
  azurite server;
  fault_proxy proxy(server.port());
  raw_blobs raw(server.port());
  azure_process p;
  auto how = p.options();
  how.timing.renew_every = 5s;
  auto a = p.make_elector(p.make_store(through(proxy.port()), how), "A");
  auto b = p.make_elector(p.make_store(server.connection_string(), how), "B");
  auto first = p.win(a);
  catcher<void> fine, late, deposed, gone;
  first.guarded_put("state", "1", fine.handler());
  REQUIRE(p.until([&] { return fine.done(); }));
  auto const looks = std::make_shared<int>(0);
  proxy.hold_request([looks](proxy_request const& r) { return r.path.find("/state?") != r.path.npos && ++*looks > 1; });
  first.guarded_put("state", "late", late.handler());
  REQUIRE(p.until([&] { return proxy.counters().held == 1; }));
  b.depose(first.fencing_token(), depose_how::force, deposed.handler());
  REQUIRE(p.until([&] { return deposed.done(); }));
  auto second = p.win(b);
  guarded_writes erase;
  erase.erase("state");
  second.guarded_txn(erase, gone.handler());
  REQUIRE(p.until([&] { return gone.done(); }));
  CHECK(*gone.ec == error_code());
  proxy.release();
  REQUIRE(p.until([&] { return late.done(); }));
  CHECK(*late.ec == errc::not_leader);
  CHECK(raw.content("state").body != "late");
}
