// Every operation on a lease in every state that a lease can have, against Azurite: what it answers, and what we take
// that for. A star marks where Azurite differs from the service.
#include "raw_blobs.hpp"
#include <thread>

using namespace coelect;
using namespace coelect::test;

namespace {

// coelect itself erases nothing: an empty blob keeps its term.
http::request erase_blob(az::blob_path const& where, std::string const& etag) {
  http::request what;
  what.method = "DELETE";
  what.target = where.full();
  what.fields = {{"If-Match", etag}};
  return what;
}

using az::trouble;
using lines = std::vector<std::string>;

enum state { available, leased, breaking, broken, expired, expired_then_written, how_many_states };
char const* const names[] = {"available", "leased", "breaking", "broken", "expired", "expired, then written"};

std::string name(trouble what) {
  switch (what) {
    case trouble::held: return "held";
    case trouble::not_mine: return "not_mine";
    case trouble::breaking: return "breaking";
    case trouble::changed: return "changed";
    case trouble::no_blob: return "no_blob";
    case trouble::no_container: return "no_container";
    case trouble::refused: return "refused";
    case trouble::passing: return "passing";
    case trouble::wrong_request: return "wrong_request";
  }
  return "?";
}

// "201", or "409 LeaseAlreadyPresent held".
std::string said(http::response const& got) {
  auto text = std::to_string(got.status);
  if (got.status < 300) return text;
  return text + " " + az::error_code_of(got) + " " + name(az::judge(got).what);
}

// The table's abbreviations.
std::string const m = "409 LeaseIdMismatchWithLeaseOperation not_mine",
                  np = "409 LeaseNotPresentWithLeaseOperation not_mine", ap = "409 LeaseAlreadyPresent held",
                  br = "409 LeaseIsBrokenAndCannotBeRenewed breaking",
                  ba = "409 LeaseIsBreakingAndCannotBeAcquired held",
                  bc = "409 LeaseIsBreakingAndCannotBeChanged breaking",
                  none = "412 LeaseNotPresentWithBlobOperation not_mine",
                  other = "412 LeaseIdMismatchWithBlobOperation not_mine", missing = "412 LeaseIdMissing not_mine";

using operation = std::function<http::response(raw_blobs&, std::string const& blob)>;
struct row {
  char const* what;
  operation go;
  lines expected;  ///< One for each state.
};

operation change(std::string from, std::string to) {
  return [from, to](raw_blobs& r, std::string const& blob) {
    return r.lease(blob, "change", {{"x-ms-lease-id", from}, {"x-ms-proposed-lease-id", to}});
  };
}
operation acquire_as(std::string id) {
  return [id](raw_blobs& r, std::string const& b) { return r.ask(az::acquire(r.path(b), id, 15)); };
}
operation renew_as(std::string id) {
  return [id](raw_blobs& r, std::string const& b) { return r.ask(az::renew(r.path(b), id)); };
}
operation release_as(std::string id) {
  return [id](raw_blobs& r, std::string const& b) { return r.ask(az::release(r.path(b), id)); };
}
operation break_it(bool at_once) {
  return [at_once](raw_blobs& r, std::string const& b) { return r.ask(az::break_lease(r.path(b), at_once)); };
}
operation write_as(std::string id) {
  return [id](raw_blobs& r, std::string const& b) {
    auto const seen = r.look(b);
    az::leader_record record;
    record.term = 7;
    record.nonce = id_c;
    return r.ask(az::write_record(r.path(b), id, seen.etag, record));
  };
}
operation look_as(std::string id) {
  return [id](raw_blobs& r, std::string const& b) {
    auto what = az::properties(r.path(b));
    what.fields.push_back({"x-ms-lease-id", id});
    return r.ask(std::move(what));
  };
}

std::vector<row> table() {
  auto const without_id = [](raw_blobs& r, std::string const& b) {
    return r.lease(b, "acquire", {{"x-ms-lease-duration", "15"}});
  };
  auto const break_7 = [](raw_blobs& r, std::string const& b) {
    return r.lease(b, "break", {{"x-ms-lease-break-period", "7"}});
  };
  auto const write = [](raw_blobs& r, std::string const& b) { return r.set_metadata(b, {{"x-ms-meta-term", "7"}}); };
  auto const look = [](raw_blobs& r, std::string const& b) { return r.ask(az::properties(r.path(b))); };
  auto const make = [](raw_blobs& r, std::string const& b) { return r.ask(az::create_blob(r.path(b), 1)); };
  std::string const there = "409 BlobAlreadyExists not_mine";
  return {
      {"acquire without an id", without_id, {"201", ap, ap, "201", "201", "201"}},
      {"acquire A", acquire_as(id_a), {"201", "201", ba, "201", "201", "201"}},
      {"acquire B", acquire_as(id_b), {"201", ap, ap, "201", "201", "201"}},
      {"renew A", renew_as(id_a), {m, "200", br, br, "200", m}},
      {"renew B", renew_as(id_b), {m, m, m, m, "200", m}},  // * expired: the service answers m
      {"release A", release_as(id_a), {m, "200", "200", "200", "200", m}},
      {"release B", release_as(id_b), {m, m, m, m, m, m}},
      {"change A to B", change(id_a, id_b), {np, "200", bc, np, np, np}},
      {"change B to A", change(id_b, id_a), {np, "200", m, np, np, np}},
      {"change B to C", change(id_b, id_c), {np, m, m, np, np, np}},
      {"break", break_it(false), {np, "202", "202", "202", "202", np}},
      {"break 0", break_it(true), {np, "202", "202", "202", "202", np}},
      {"break 7", break_7, {np, "202", "202", "202", "202", np}},
      {"write as A", write_as(id_a), {none, "200", "200", none, none, none}},  // * expired: maybe LeaseLost
      {"write as B", write_as(id_b), {none, other, other, none, none, none}},
      {"write", write, {"200", missing, missing, "200", "200", "200"}},
      {"look as A", look_as(id_a), {none, "200", "200", none, none, none}},
      {"look as B", look_as(id_b), {none, other, other, none, none, none}},
      {"look", look, {"200", "200", "200", "200", "200", "200"}},
      // * leased and breaking: the service answers 412 LeaseIdMissing. Either way the blob is there.
      {"make", make, {there, there, there, there, there, there}},
  };
}

void bring_into(raw_blobs& r, std::string const& blob, state s) {
  r.make(blob);
  if (s == available) return;
  bool const runs_out = s == expired || s == expired_then_written;
  r.acquire(blob, id_a, runs_out ? 15 : 60);
  if (s == breaking) raw_blobs::must(r.lease(blob, "break", {{"x-ms-lease-break-period", "60"}}), 202);
  if (s == broken) raw_blobs::must(r.ask(az::break_lease(r.path(blob), true)), 202);
}

}  // namespace

TEST_CASE("azure conformance: every operation in every state of a lease") {
  azurite server;
  raw_blobs r(server.port());
  r.make_container();
  auto const rows = table();
  auto const blob = [](std::size_t i, int s) { return "r" + std::to_string(i) + "s" + std::to_string(s); };
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (int s = 0; s < how_many_states; ++s) bring_into(r, blob(i, s), static_cast<state>(s));
  auto const end = std::chrono::steady_clock::now() + 25s;
  while (r.look(blob(rows.size() - 1, expired_then_written)).leased && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(50ms);  // nothing tells when a lease has run out
  std::size_t cells = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (int s = 0; s < how_many_states; ++s) {
      auto const b = blob(i, s);
      INFO(rows[i].what << " when " << names[s]);
      if (s == expired_then_written) raw_blobs::must(r.set_metadata(b, {{"x-ms-meta-term", "3"}}), 200);
      auto const before = r.look(b);
      auto const got = rows[i].go(r, b);
      CHECK(said(got) == rows[i].expected[static_cast<std::size_t>(s)]);
      CHECK_FALSE(got.get("x-ms-request-id").empty());
      std::string_view const what = rows[i].what;
      bool const to_a = what == "acquire A" || what == "renew A" || what == "change B to A";
      if (to_a && got.status < 300) CHECK(got.get("x-ms-lease-id") == id_a);
      // * Success, and the id of somebody else: nobody may believe this renewal.
      if (what == "renew B" && s == expired) CHECK(got.get("x-ms-lease-id") == id_a);
      // Whoever polls with If-None-Match sees no leases: they leave the ETag as it is.
      if (!what.starts_with("write")) CHECK(r.look(b).etag == before.etag);
      if (what == "make") CHECK(az::already_there(got));
      ++cells;
    }
  }
  std::cout << "conformance: " << cells << " cells\n";
}

TEST_CASE("azure conformance: what is missing, and what is there already") {
  azurite server;
  raw_blobs r(server.port());
  auto const all = {acquire_as(id_a), renew_as(id_a), release_as(id_a), break_it(false), break_it(true)};
  for (auto const& go : all) CHECK(said(go(r, "none")) == "404 ContainerNotFound no_container");
  CHECK(said(r.ask(az::properties(r.path("none")))) == "404 ContainerNotFound no_container");
  CHECK(said(r.ask(az::create_blob(r.path("none"), 1))) == "404 ContainerNotFound no_container");
  r.make_container();
  auto const again = r.ask(az::create_container(r.path("x")));
  CHECK(said(again) == "409 ContainerAlreadyExists not_mine");
  CHECK(az::already_there(again));
  for (auto const& go : all) CHECK(said(go(r, "none")) == "404 BlobNotFound no_blob");
  CHECK(said(r.ask(az::properties(r.path("none")))) == "404 BlobNotFound no_blob");
  az::leader_record record;
  CHECK(said(r.ask(az::write_record(r.path("none"), id_a, "\"0x1\"", record))) == "412 ConditionNotMet changed");
  raw_blobs strange(server.port(), "Bad_Name");
  CHECK(said(strange.ask(az::create_container(strange.path("x")))) == "400 InvalidResourceName wrong_request");
}

TEST_CASE("azure conformance: conditions come before leases, and both must hold") {
  azurite server;
  raw_blobs r(server.port());
  r.make_container();
  r.make();
  r.acquire("leader", id_a);
  auto const etag = r.look().etag;
  az::leader_record record;
  record.term = 2;
  record.nonce = id_c;
  auto const write = [&](std::string const& id, std::string const& tag) {
    return said(r.ask(az::write_record(r.path(), id, tag, record)));
  };
  CHECK(write(id_a, "\"0xBAD\"") == "412 ConditionNotMet changed");
  CHECK(write(id_b, "\"0xBAD\"") == "412 ConditionNotMet changed");
  CHECK(write(id_b, etag) == "412 LeaseIdMismatchWithBlobOperation not_mine");
  CHECK(write(id_a, etag) == "200");
  CHECK(write(id_a, etag) == "412 ConditionNotMet changed");  // as when the answer to our own write was lost
  CHECK(r.look().record->nonce == id_c);
  // A state blob: made once, replaced only as it was read.
  auto const state = [&](std::string const& tag, char const* text) {
    return said(r.ask(az::write_state(r.path("state"), tag, 5, text)));
  };
  CHECK(state("", "one") == "201");
  CHECK(state("", "two") == "409 BlobAlreadyExists not_mine");
  auto const first = r.look("state").etag;
  CHECK(state(first, "two") == "201");
  CHECK(state(first, "three") == "412 ConditionNotMet changed");
  CHECK(r.content("state").body == "two");
  CHECK(said(r.ask(erase_blob(r.path("state"), first))) == "412 ConditionNotMet changed");
  CHECK(said(r.ask(erase_blob(r.path("state"), r.look("state").etag))) == "202");
}

TEST_CASE("azure conformance: the largest record fits into an answer's header, and durations outside are refused") {
  azurite server;
  raw_blobs r(server.port());
  r.make_container();
  r.make();
  r.acquire("leader", id_a);
  az::leader_record record;
  record.term = ~std::uint64_t(0);
  record.candidate = std::string(255, 'c');
  record.value = std::string(4 * 1024, '\xff');
  record.since_ms = 9'999'999'999'999;
  record.nonce = id_c;
  CHECK(said(r.ask(az::write_record(r.path(), id_a, r.look().etag, record))) == "200");
  auto const seen = r.look().record;
  REQUIRE(seen);
  CHECK(seen->term == record.term);
  CHECK(seen->candidate == record.candidate);
  CHECK(seen->value == record.value);
  CHECK(seen->since_ms == record.since_ms);
  CHECK(seen->nonce == record.nonce);
  for (int const seconds : {14, 61, 0, -2})
    CHECK(said(r.ask(az::acquire(r.path(), id_a, seconds))) == "400 InvalidHeaderValue wrong_request");
  // Names that have to be encoded are signed as they travel.
  auto const odd = az::encode_path("a b/\xc3\xa4+%/~x");
  r.make(odd);
  r.acquire(odd, id_a);
  CHECK(r.look(odd).leased);
}
