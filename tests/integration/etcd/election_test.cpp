// Elections on one healthy etcd: standing, waiting, winning, resigning, publishing, guarded writes, observers.
#include "etcd_place.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

// Waiting candidates have a key each.
bool stand(etcd_process& p, etcd_server& server, std::string const& election, std::size_t how_many) {
  return p.until([&] { return server.client().list(election + "/").size() == how_many; });
}

}  // namespace

TEST_CASE("etcd: one candidate wins, with the create revision of its key as token, and its resignation leaves no key") {
  etcd_server server;
  etcd_process p;
  auto const where = p.make_store(p.options({server.url()}));
  auto e = p.make_elector(where, "A", "leader", "http://a");
  auto term = p.win(e);
  REQUIRE(term.valid());
  CHECK(term.remaining() > 11s);
  CHECK(term.remaining() <= 12500ms);
  auto const keys = server.client().list("leader/");
  REQUIRE(keys.size() == 1);
  CHECK(term.fencing_token() == static_cast<std::uint64_t>(keys[0].create_revision));
  CHECK(keys[0].lease != 0);
  auto const seen = p.look(e);
  REQUIRE(seen);
  CHECK(seen->candidate() == "A");
  CHECK(seen->value() == "http://a");
  CHECK(p.resign(term) == error_code());
  CHECK(server.client().list("leader/").empty());
  CHECK_FALSE(p.look(e));
  auto again = p.win(e);
  CHECK(again.fencing_token() > term.fencing_token());
}

TEST_CASE("etcd: candidates are served in the order of their arrival, each right after its predecessor") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  INFO("prefix '" << prefix << "'");
  etcd_server server;
  etcd_process p;
  auto how = p.options({server.url()});
  how.prefix = prefix;
  std::vector<std::shared_ptr<store>> stores;
  std::vector<std::unique_ptr<elector>> electors;
  std::vector<catcher<leadership>> won(4);
  for (std::size_t i = 0; i < 4; ++i) {
    stores.push_back(p.make_store(how));
    electors.push_back(
        std::make_unique<elector>(p.make_elector(stores[i], std::string(1, static_cast<char>('A' + i)))));
    electors[i]->campaign(won[i].handler());
    REQUIRE(stand(p, server, prefix + "leader", i + 1));
  }
  REQUIRE(p.until([&] { return won[0].done(); }));
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    REQUIRE(p.until([&] { return won[i].done(); }));
    REQUIRE(won[i].result.valid());
    CHECK(won[i].result.fencing_token() > last);
    last = won[i].result.fencing_token();
    for (std::size_t j = i + 1; j < 4; ++j) CHECK_FALSE(won[j].done());
    CHECK(p.resign(won[i].result) == error_code());
  }
}

TEST_CASE("etcd: a second candidate of the same election in one store has a lease of its own", "[L5][etcd]") {
  etcd_server server;
  etcd_process p;
  auto const where = p.make_store(p.options({server.url()}));
  auto a = p.make_elector(where, "A");
  auto b = p.make_elector(where, "B");
  auto other = p.make_elector(where, "C", "other");
  auto first = p.win(a);
  auto elsewhere = p.win(other);
  catcher<leadership> second;
  b.campaign(second.handler());
  REQUIRE(stand(p, server, "leader", 2));
  auto const keys = server.client().list("leader/");
  CHECK(keys[0].lease != keys[1].lease);
  CHECK(server.client().list("other/").at(0).lease == keys[0].lease);
  CHECK_FALSE(second.done());
  CHECK(p.resign(first) == error_code());
  REQUIRE(p.until([&] { return second.done(); }));
  CHECK(second.result.valid());
  CHECK(elsewhere.valid());
}

TEST_CASE("etcd: try_campaign leaves nothing behind when somebody else leads") {
  etcd_server server;
  etcd_process p;
  auto a = p.make_elector(p.make_store(p.options({server.url()})), "A");
  auto b = p.make_elector(p.make_store(p.options({server.url()})), "B");
  auto term = p.win(a);
  catcher<leadership> tried;
  b.try_campaign(tried.handler());
  REQUIRE(p.until([&] { return tried.done(); }));
  CHECK(*tried.ec == error_code());
  CHECK_FALSE(tried.result);
  CHECK(server.client().list("leader/").size() == 1);
}

TEST_CASE("etcd: cancelling a campaign takes the waiting key away") {
  etcd_server server;
  etcd_process p;
  auto a = p.make_elector(p.make_store(p.options({server.url()})), "A");
  auto b = p.make_elector(p.make_store(p.options({server.url()})), "B");
  auto term = p.win(a);
  boost::asio::cancellation_signal cancel;
  catcher<leadership> tried;
  b.campaign(boost::asio::bind_cancellation_slot(cancel.slot(), tried.handler()));
  REQUIRE(stand(p, server, "leader", 2));
  cancel.emit(boost::asio::cancellation_type::terminal);
  REQUIRE(p.until([&] { return tried.done(); }));
  CHECK(*tried.ec == boost::asio::error::operation_aborted);
  CHECK(server.client().list("leader/").size() == 1);
  CHECK(term.valid());
}

TEST_CASE("etcd: proclaim keeps the key under its lease") {
  etcd_server server;
  etcd_process p;
  auto a = p.make_elector(p.make_store(p.options({server.url()})), "A");
  auto term = p.win(a);
  for (auto const* value : {"one", "two", ""}) {
    catcher<void> done;
    term.proclaim(value, done.handler());
    REQUIRE(p.until([&] { return done.done(); }));
    CHECK(*done.ec == error_code());
    CHECK(p.look(a)->value() == value);
  }
  auto const key = server.client().list("leader/").at(0);
  CHECK(key.lease != 0);
  CHECK(static_cast<std::uint64_t>(key.create_revision) == term.fencing_token());
  catcher<void> done;
  term.proclaim(std::string(16 * 1024 + 1, 'x'), done.handler());
  REQUIRE(p.until([&] { return done.done(); }));
  CHECK(*done.ec == errc::bad_options);
  server.client().del(key.key);
  catcher<void> late;
  term.proclaim("late", late.handler());
  REQUIRE(p.until([&] { return late.done(); }));
  CHECK(*late.ec == errc::not_leader);
}

TEST_CASE("etcd: a guarded write happens under the term only") {
  etcd_server server;
  etcd_process p;
  auto a = p.make_elector(p.make_store(p.options({server.url()})), "A");
  auto term = p.win(a);
  auto const put = [&](std::string name, std::string content) {
    catcher<void> done;
    term.guarded_put(std::move(name), std::move(content), done.handler());
    REQUIRE(p.until([&] { return done.done(); }));
    return *done.ec;
  };
  CHECK(put("state", "1") == error_code());
  CHECK(server.client().get("state")->value == "1");
  CHECK(server.client().get("state")->lease == 0);
  guarded_writes both;
  both.put("x", "1").put("y", "2").erase("state");
  catcher<void> done;
  term.guarded_txn(both, done.handler());
  REQUIRE(p.until([&] { return done.done(); }));
  CHECK(*done.ec == error_code());
  CHECK(server.client().get("x")->value == "1");
  CHECK(server.client().get("y")->value == "2");
  CHECK_FALSE(server.client().get("state"));
  CHECK(put("", "1") == errc::bad_options);
  CHECK(put("leader/abc", "1") == errc::bad_options);
  CHECK(put("big", std::string(1'000'001, 'x')) == errc::bad_options);
  guarded_writes many;
  for (int i = 0; i < 101; ++i) many.put("k" + std::to_string(i), "v");
  catcher<void> refused;
  term.guarded_txn(many, refused.handler());
  REQUIRE(p.until([&] { return refused.done(); }));
  CHECK(*refused.ec == errc::bad_options);
  CHECK(p.resign(term) == error_code());
  CHECK(put("x", "late") == errc::not_leader);
  CHECK(server.client().get("x")->value == "1");
}

TEST_CASE("etcd: an observer sees winners, values and empty seats") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_server server;
  etcd_process p;
  auto how = p.options({server.url()});
  how.prefix = prefix;
  auto observer = p.make_elector(p.make_store(how), "O");
  auto a = p.make_elector(p.make_store(how), "A");
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
  CHECK(seen->fencing_token() == term.fencing_token());
  next([&] { term.proclaim("v", [](error_code) {}); });
  CHECK(seen->value() == "v");
  next([&] { p.resign(term); });
  CHECK(seen.empty());
}

TEST_CASE("etcd: a leader that is asked to go resigns; another program's cannot be asked") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  etcd_server server;
  etcd_process p;
  auto how = p.options({server.url()});
  how.prefix = prefix;
  auto a = p.make_elector(p.make_store(how), "A");
  auto b = p.make_elector(p.make_store(how), "B");
  auto const depose = [&](std::uint64_t token, depose_how force) {
    catcher<void> done;
    b.depose(token, force, done.handler());
    REQUIRE(p.until([&] { return done.done(); }));
    return *done.ec;
  };
  auto term = p.win(a);
  CHECK(depose(term.fencing_token() + 1, depose_how::ask) == errc::not_leader);
  CHECK(depose(term.fencing_token(), depose_how::ask) == error_code());
  REQUIRE(p.until([&] { return term.ended().how() == end_of_term::deposed; }));
  REQUIRE(p.until([&] { return server.client().list(prefix + "leader/").empty(); }));
  for (auto const& key : server.client().list(prefix + "@coelect/")) CHECK(key.key.find("depose") == std::string::npos);

  auto const lease = server.client().grant(60);
  auto const foreign = server.client().put(prefix + "leader/1", "ctl", lease);
  CHECK(depose(static_cast<std::uint64_t>(foreign), depose_how::ask) == errc::unsupported);
  CHECK(depose(static_cast<std::uint64_t>(foreign), depose_how::force) == error_code());
  CHECK(server.client().list(prefix + "leader/").empty());
}

TEST_CASE("etcd: R8 a leader whose key is deleted knows within milliseconds, and so does one whose lease is revoked",
          "[S6][S7][etcd]") {
  auto const prefix = GENERATE(std::string(), std::string("app/"));
  auto const by_lease = GENERATE(false, true);
  etcd_server server;
  etcd_process p;
  auto how = p.options({server.url()});
  how.prefix = prefix;
  auto a = p.make_elector(p.make_store(how), "A");
  auto term = p.win(a);
  auto const key = server.client().list(prefix + "leader/").at(0);
  auto const begin = std::chrono::steady_clock::now();
  if (by_lease) server.client().revoke(key.lease);
  else server.client().del(key.key);
  REQUIRE(p.until([&] { return !term.valid(); }));
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  CHECK(term.ended().how() == end_of_term::lost);
  auto again = p.win(a, 3s);
  REQUIRE(again.valid());
  CHECK(again.fencing_token() > term.fencing_token());
}

TEST_CASE("etcd: a waiting candidate whose key is deleted stands again, at the end of the queue", "[S6][etcd]") {
  etcd_server server;
  etcd_process p;
  auto a = p.make_elector(p.make_store(p.options({server.url()})), "A");
  auto b = p.make_elector(p.make_store(p.options({server.url()})), "B");
  auto term = p.win(a);
  catcher<leadership> won;
  b.campaign(won.handler());
  REQUIRE(stand(p, server, "leader", 2));
  auto const first = server.client().list("leader/").at(1);
  server.client().del(first.key);
  REQUIRE(p.until([&] {
    auto const keys = server.client().list("leader/");
    return keys.size() == 2 && keys[1].create_revision > first.create_revision;
  }));
  CHECK(p.resign(term) == error_code());
  REQUIRE(p.until([&] { return won.done(); }));
  CHECK(won.result.valid());
}

TEST_CASE("etcd: the program ends when nothing is left to do, and the store's lease is given back") {
  etcd_server server;
  etcd_process p;
  {
    auto where = p.make_store(p.options({server.url()}));
    auto a = p.make_elector(where, "A");
    auto term = p.win(a);
    CHECK(p.resign(term) == error_code());
  }
  auto const begin = std::chrono::steady_clock::now();
  p.io.restart();
  p.io.run();
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
  CHECK(server.client().leases().empty());
  CHECK(server.client().list("@coelect/").empty());
}
