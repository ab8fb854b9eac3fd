// Other hands on the blob: another program's lease, a wiped or deleted record, a leader that is told to go.
#include "raw_blobs.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

struct place {
  place() : raw(server.port()) {
    raw.make_container();
    how.timing.renew_every = 400ms;
  }
  std::shared_ptr<store> make_store() { return p.make_store(server.connection_string(), how); }
  elector candidate(char const* name) { return p.make_elector(make_store(), name); }
  error_code depose(elector& by, std::uint64_t token, depose_how method) {
    catcher<void> done;
    by.depose(token, method, done.handler());
    REQUIRE(p.until([&] { return done.done(); }));
    return *done.ec;
  }
  term_end end_of(leadership const& term, std::chrono::milliseconds limit = 2s) {
    REQUIRE(p.until([&] { return static_cast<bool>(term.ended()); }, limit));
    return term.ended();
  }

  azurite server;
  raw_blobs raw;
  azure_process p;
  azure_blob_store_options how = azure_process::options();
};

}  // namespace

TEST_CASE("azure strangers: another program's lease is respected, and ours by it", "[S8][azure]") {
  place s;
  s.raw.make("leader", 77);
  CHECK(s.raw.set_metadata("leader", {{"x-ms-meta-term", "77"}}).status == 200);  // not new any more
  s.raw.acquire("leader", id_b, 60);
  auto a = s.candidate("A");
  catcher<leadership> tried, won;
  a.try_campaign(tried.handler());
  REQUIRE(s.p.until([&] { return tried.done(); }));
  CHECK(*tried.ec == error_code());
  CHECK_FALSE(tried.result);
  auto const seen = s.p.look(a);
  REQUIRE(seen);
  CHECK(seen->candidate() == "(another program)");
  CHECK(seen->fencing_token() == 77);
  a.campaign(won.handler());
  CHECK_FALSE(s.p.until([&] { return won.done(); }, 700ms));
  raw_blobs::must(s.raw.ask(az::release(s.raw.path(), id_b)), 200);
  REQUIRE(s.p.until([&] { return won.done(); }, 1s));
  CHECK(won.result.fencing_token() == 78);
  auto const refused = s.raw.ask(az::acquire(s.raw.path(), id_b, 15));
  CHECK(az::error_code_of(refused) == "LeaseAlreadyPresent");
  CHECK(s.raw.ask(az::renew(s.raw.path(), id_b)).status == 409);
  CHECK(s.raw.ask(az::release(s.raw.path(), id_b)).status == 409);
  CHECK(s.raw.set_metadata("leader", {{"x-ms-meta-term", "5"}}).status == 412);
  CHECK(won.result.valid());
}

TEST_CASE("azure strangers: a blob without a term, or with one that is none, gets one above the time", "[S10][azure]") {
  place s;
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  auto const us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  s.raw.make();
  auto a = s.candidate("A");
  auto term = s.p.win(a);
  CHECK(s.p.resign(term) == error_code());
  auto last = term.fencing_token();
  CHECK(last == 2);
  for (char const* junk : {"", "abc", "-5", "99999999999999999999999", "7 x"}) {
    INFO("term: " << junk);
    std::vector<http::field> fields;
    if (*junk != '\0') fields.push_back({"x-ms-meta-term", junk});
    raw_blobs::must(s.raw.set_metadata("leader", fields), 200);
    auto another = s.candidate("B");  // knows nothing of the terms before
    auto next = s.p.win(another);
    REQUIRE(next.valid());
    CHECK(next.fencing_token() > last);
    CHECK(next.fencing_token() > us - 60'000'000);
    last = next.fencing_token();
    CHECK(s.p.resign(next) == error_code());
  }
}

TEST_CASE("azure strangers: a counter at its end does not begin anew", "[S10][azure]") {
  place s;
  auto const term = GENERATE(~std::uint64_t(0), ~std::uint64_t(0) / 2 + 1);
  s.raw.make("leader", term);
  auto a = s.candidate("A");
  catcher<leadership> tried;
  a.try_campaign(tried.handler());
  REQUIRE(s.p.until([&] { return tried.done(); }));
  CHECK(*tried.ec == cond::fatal);
  CHECK_THAT(a.last_answer().message(), ContainsSubstring("none can follow"));
  CHECK_FALSE(tried.result.valid());
}

TEST_CASE("azure strangers: the blob is deleted under a leader: the term ends, and the next token is larger",
          "[S9][azure]") {
  place s;
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto term = s.p.win(a);
  // Not even its owner's id is known to a stranger; breaking makes it free.
  raw_blobs::must(s.raw.ask(az::break_lease(s.raw.path(), true)), 202);
  raw_blobs::must(s.raw.erase("leader", ""), 202);
  auto const end = s.end_of(term);
  CHECK(end.how() == end_of_term::lost);
  auto next = s.p.win(b);
  CHECK(next.fencing_token() > term.fencing_token());
  CHECK(s.raw.term() == next.fencing_token());
}

TEST_CASE("azure strangers: another blob of the same name under a leader ends its term", "[S9][S10][azure]") {
  place s;
  auto a = s.candidate("A");
  auto term = s.p.win(a);
  raw_blobs::must(s.raw.ask(az::break_lease(s.raw.path(), true)), 202);
  raw_blobs::must(s.raw.erase("leader", ""), 202);
  s.raw.make("leader", 1);
  CHECK(s.end_of(term).how() == end_of_term::lost);
}

TEST_CASE("azure strangers: asked to go, the leader goes at its next renewal; forced, others win at once",
          "[S8][azure]") {
  place s;
  auto const how = GENERATE(depose_how::ask, depose_how::force);
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto term = s.p.win(a);
  CHECK(s.depose(b, 0, how) == errc::not_leader);
  CHECK(s.depose(b, term.fencing_token() - 1, how) == errc::not_leader);
  CHECK(term.valid());
  CHECK(s.depose(b, term.fencing_token(), how) == error_code());
  auto const end = s.end_of(term);
  CHECK(end.how() == end_of_term::deposed);
  CHECK(end.code() == errc::deposed);
  auto next = s.p.win(b, 1s);
  CHECK(next.fencing_token() == term.fencing_token() + 1);
  CHECK(s.depose(a, term.fencing_token(), how) == errc::not_leader);
  CHECK(next.valid());
}

TEST_CASE("azure strangers: forced out and replaced before it could renew, the old leader learns that it lost",
          "[S8][azure]") {
  place s;
  s.how.timing.renew_every = 1500ms;
  auto a = s.candidate("A");
  auto b = s.candidate("B");
  auto term = s.p.win(a);
  CHECK(s.depose(b, term.fencing_token(), depose_how::force) == error_code());
  auto next = s.p.win(b, 1s);
  CHECK(next.fencing_token() == term.fencing_token() + 1);
  CHECK(s.end_of(term).how() == end_of_term::lost);
  CHECK(next.valid());
  CHECK(s.raw.look().leased);
}
