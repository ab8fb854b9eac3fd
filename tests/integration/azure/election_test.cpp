// Elections on a real Azurite: standing, polling, winning, resigning, publishing, guarded writes, observers, deposing.
#include "azure_place.hpp"

using namespace coelect;
using namespace coelect::test;

TEST_CASE("azure: one candidate wins; terms grow; the blob and its container are made when they are missing") {
  azurite server;
  azure_process p;
  auto e = p.make_elector(p.make_store(server.connection_string()), "A", "leader", "http://a");
  auto term = p.win(e);
  REQUIRE(term.valid());
  CHECK(term.remaining() > 11s);
  CHECK(term.remaining() <= 12500ms);
  // The first term of a new blob is the service's time in microseconds.
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  auto const us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  CHECK(term.fencing_token() > us - 60'000'000);
  CHECK(term.fencing_token() < us + 60'000'000);
  auto const seen = p.look(e);
  REQUIRE(seen);
  CHECK(seen->candidate() == "A");
  CHECK(seen->value() == "http://a");
  CHECK(seen->fencing_token() == term.fencing_token());
  CHECK(p.resign(term) == error_code());
  CHECK_FALSE(p.look(e));
  auto again = p.win(e);
  CHECK(again.fencing_token() == term.fencing_token() + 1);
}

TEST_CASE("azure: a loser polls and wins within a poll after the resignation") {
  azurite server;
  azure_process p;
  auto a = p.make_elector(p.make_store(server.connection_string()), "A");
  auto b = p.make_elector(p.make_store(server.connection_string()), "B");
  auto term = p.win(a);
  catcher<leadership> won;
  b.campaign(won.handler());
  CHECK_FALSE(p.until([&] { return won.done(); }, 1s));
  CHECK(term.valid());
  CHECK(p.resign(term) == error_code());
  REQUIRE(p.until([&] { return won.done(); }, 1s));
  CHECK(won.result.fencing_token() > term.fencing_token());
  catcher<leadership> tried;
  a.try_campaign(tried.handler());
  REQUIRE(p.until([&] { return tried.done(); }));
  CHECK(*tried.ec == error_code());
  CHECK_FALSE(tried.result);
}

TEST_CASE("azure: proclaim changes the value and nothing else") {
  azurite server;
  azure_process p;
  auto a = p.make_elector(p.make_store(server.connection_string()), "A");
  auto term = p.win(a);
  for (std::string const value : {"one", "\xc3\xa4 \n two", ""}) {
    catcher<void> done;
    term.proclaim(value, done.handler());
    REQUIRE(p.until([&] { return done.done(); }));
    CHECK(*done.ec == error_code());
    auto const seen = p.look(a);
    CHECK(seen->value() == value);
    CHECK(seen->candidate() == "A");
    CHECK(seen->fencing_token() == term.fencing_token());
  }
  catcher<void> done;
  term.proclaim(std::string(4 * 1024 + 1, 'x'), done.handler());
  REQUIRE(p.until([&] { return done.done(); }));
  CHECK(*done.ec == errc::bad_options);
  catcher<void> longest;
  term.proclaim(std::string(4 * 1024, 'x'), longest.handler());
  REQUIRE(p.until([&] { return longest.done(); }));
  CHECK(*longest.ec == error_code());
}

TEST_CASE("azure: an observer sees winners, values and empty seats") {
  azurite server;
  azure_process p;
  auto observer = p.make_elector(p.make_store(server.connection_string()), "O");
  auto a = p.make_elector(p.make_store(server.connection_string()), "A");
  sighting seen;
  auto const next = [&](std::function<void()> const& what) {
    catcher<sighting> change;
    observer.watch(seen, change.handler());
    what();
    REQUIRE(p.until([&] { return change.done(); }));
    REQUIRE(*change.ec == error_code());
    seen = change.result;
  };
  next([] {});
  CHECK(seen.empty());
  leadership term;
  next([&] { term = p.win(a); });
  REQUIRE(seen);
  next([&] { term.proclaim("v", [](error_code) {}); });
  CHECK(seen->value() == "v");
  next([&] { p.resign(term); });
  CHECK(seen.empty());
}

TEST_CASE("azure: a guarded write carries the term, and one of an earlier term is refused") {
  azurite server;
  azure_process p;
  auto const where = p.make_store(server.connection_string());
  auto a = p.make_elector(where, "A");
  auto b = p.make_elector(where, "B");
  auto const put = [&](leadership& term, std::string name, std::string content) {
    catcher<void> done;
    term.guarded_put(std::move(name), std::move(content), done.handler());
    REQUIRE(p.until([&] { return done.done(); }));
    return *done.ec;
  };
  auto first = p.win(a);
  CHECK(put(first, "state", "1") == error_code());
  CHECK(put(first, "state", "2") == error_code());
  CHECK(put(first, "leader", "x") == errc::bad_options);
  guarded_writes two;
  two.put("x", "1").put("y", "2");
  catcher<void> refused;
  first.guarded_txn(two, refused.handler());
  REQUIRE(p.until([&] { return refused.done(); }));
  CHECK(*refused.ec == errc::bad_options);
  CHECK(p.resign(first) == error_code());
  CHECK(put(first, "state", "3") == errc::not_leader);
  auto second = p.win(b);
  CHECK(put(second, "state", "4") == error_code());
  guarded_writes erase;
  erase.erase("state");
  catcher<void> erased;
  second.guarded_txn(erase, erased.handler());
  REQUIRE(p.until([&] { return erased.done(); }));
  CHECK(*erased.ec == error_code());
}

TEST_CASE("azure: a leader that is asked to go resigns at its next renewal") {
  azurite server;
  azure_process p;
  auto how = p.options();
  how.timing.renew_every = 500ms;
  auto a = p.make_elector(p.make_store(server.connection_string(), how), "A");
  auto b = p.make_elector(p.make_store(server.connection_string()), "B");
  auto term = p.win(a);
  auto const depose = [&](std::uint64_t token) {
    catcher<void> done;
    b.depose(token, depose_how::ask, done.handler());
    REQUIRE(p.until([&] { return done.done(); }));
    return *done.ec;
  };
  CHECK(depose(term.fencing_token() + 1) == errc::not_leader);
  CHECK(depose(term.fencing_token()) == error_code());
  REQUIRE(p.until([&] { return term.ended().how() == end_of_term::deposed; }, 3s));
  auto next = p.win(b, 3s);
  CHECK(next.fencing_token() > term.fencing_token());
}
