// What Azurite never says, said in its place: a busy or broken service, refusals, LeaseLost, garbage. Only what speaks of
// the lease ends a term before its deadline.
#include "fault_place.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

struct odd_answer {
  char const* name;
  std::string text;
};

std::vector<odd_answer> not_about_the_lease() {
  std::string const challenge =
      "WWW-Authenticate: Bearer authorization_uri=https://login.microsoftonline.com/t/oauth2/authorize "
      "resource_id=https://storage.azure.com\r\n";
  return {
      {"503", azure_error(503, "ServerBusy", "Retry-After: 1\r\n")},
      {"500", azure_error(500, "InternalError")},
      {"500t", azure_error(500, "OperationTimedOut")},
      {"403", azure_error(403, "AuthenticationFailed")},
      {"403p", azure_error(403, "AuthorizationPermissionMismatch")},
      {"401", azure_error(401, "InvalidAuthenticationInfo", challenge)},
      {"400", azure_error(400, "InvalidHeaderValue")},
      {"429", http_answer(429, "")},
      {"502", http_answer(502, "Content-Type: text/html\r\n", "<html><h1>Bad gateway</h1></html>")},
      {"302", http_answer(302, "Location: http://elsewhere.example/\r\n")},
      {"empty200", http_answer(200, "")},
      {"garbage", std::string("\x16\x03\x01 this is not HTTP\r\n\r\n") + std::string(300, '\x7f')},
      {"header", http_answer(200, "X-Long: " + std::string(64 * 1024, 'x') + "\r\n")},
      {"body", http_answer(500, "", std::string(300 * 1024, 'x'))},
  };
}

struct seat {
  seat(azure_process& p, std::shared_ptr<store> where, odd_answer what, std::string const& blob = {})
      : odd(std::move(what)), e(p.make_elector(std::move(where), "A", blob.empty() ? odd.name : blob)) {}
  odd_answer odd;
  elector e;
  leadership term;
  std::chrono::nanoseconds left{};
  std::chrono::steady_clock::time_point ended{};
};

azure_blob_store_options eager() {
  auto how = lively();
  how.timing.renew_every = 300ms;
  how.timing.retry_min = 200ms;
  how.timing.retry_max = 300ms;
  return how;
}

}  // namespace

TEST_CASE("azure answers: what does not speak of the lease never ends a term before its deadline, and is got over",
          "[H1][H2][H3][H4][H7][T5][azure]") {
  azurite server;
  meddler between(server.port());
  raw_blobs raw(server.port());
  raw.make_container();
  azure_process p;
  auto const where = p.make_store(through(between.port()), eager());
  std::vector<std::unique_ptr<seat>> lasting;
  for (auto const& odd : not_about_the_lease()) {
    raw.make(odd.name);
    lasting.push_back(std::make_unique<seat>(p, where, odd));
    lasting.back()->term = p.win(lasting.back()->e);
  }
  for (auto const& s : lasting)  // an empty 200 has no lease id: that one is tested below
    if (std::string_view(s->odd.name) != "empty200")
      between.answer(is_action("renew", std::string("/") + s->odd.name + "?"), s->odd.text, 1'000'000);
  REQUIRE(p.until([&] { return between.meddled() >= 3 * lasting.size(); }, 5s));
  for (auto const& s : lasting) {
    INFO(s->odd.name << ": " << s->term.ended().detail());
    CHECK(s->term.valid());
    s->left = s->term.remaining();
  }
  auto const begin = std::chrono::steady_clock::now();
  std::size_t ended = 0;
  for (std::size_t i = 0; i < lasting.size(); ++i) {
    auto* const s = lasting[i].get();
    s->term.lost([s, &ended](error_code, term_end const&) {
      s->ended = std::chrono::steady_clock::now();
      ++ended;
    });
  }
  auto const ran_out = [&] { return ended == lasting.size() - 1; };
  REQUIRE(p.until(ran_out, 15s));
  for (auto const& s : lasting) {
    INFO(s->odd.name << ": " << s->term.ended().detail());
    if (std::string_view(s->odd.name) == "empty200") continue;
    CHECK(s->term.ended().how() == end_of_term::expired);
    auto const off = std::chrono::duration_cast<std::chrono::milliseconds>(s->ended - begin - s->left);
    CHECK(off > -50ms);
    CHECK(off < 500ms);
  }
  for (auto const& r : between.requests()) {
    INFO(r.substr(0, r.find("\r\n")));
    CHECK(r.find("timeout=1") != r.npos);  // of 700 ms, rounded up
  }
}

TEST_CASE("azure answers: two odd answers in a row are got over by the third", "[H2][azure]") {
  azurite server;
  meddler between(server.port());
  raw_blobs raw(server.port());
  raw.make_container();
  azure_process p;
  auto const where = p.make_store(through(between.port()), eager());
  std::vector<std::unique_ptr<seat>> all;
  for (auto const& odd : not_about_the_lease()) {
    if (std::string_view(odd.name) == "empty200") continue;
    raw.make(odd.name);
    all.push_back(std::make_unique<seat>(p, where, odd));
    all.back()->term = p.win(all.back()->e);
    between.answer(is_action("renew", std::string("/") + odd.name + "?"), odd.text, 2);
  }
  REQUIRE(p.until([&] { return between.meddled() == 2 * all.size(); }, 5s));
  for (auto const& s : all) {
    INFO(s->odd.name << ": " << s->term.ended().detail());
    CHECK(p.until([&] { return s->term.remaining() > 12200ms; }, 3s));
    CHECK(s->term.valid());
    CHECK(p.resign(s->term) == error_code());
  }
}

TEST_CASE("azure answers: what says that the lease is not ours ends the term at once", "[H1][S8][S9][azure]") {
  azurite server;
  meddler between(server.port());
  raw_blobs raw(server.port());
  raw.make_container();
  azure_process p;
  auto const where = p.make_store(through(between.port()), eager());
  std::vector<odd_answer> const all = {
      {"LeaseLost", azure_error(412, "LeaseLost")},
      {"no-code", http_answer(412, "")},
      {"mismatch", azure_error(409, "LeaseIdMismatchWithLeaseOperation")},
      {"not-present", azure_error(409, "LeaseNotPresentWithLeaseOperation")},
      {"no-blob", azure_error(404, "BlobNotFound")},
      {"no-container", azure_error(404, "ContainerNotFound")},
      {"other-id", http_answer(200, "x-ms-lease-id: " + id_b + "\r\n")},
      {"empty200", http_answer(200, "")},
  };
  for (auto const& odd : all) {
    INFO(odd.name);
    raw.make(odd.name);
    seat s(p, where, odd);
    s.term = p.win(s.e);
    auto const before = between.meddled();
    between.answer(is_action("renew"), odd.text);
    REQUIRE(p.until([&] { return between.meddled() == before + 1; }, 3s));
    CHECK(p.until([&] { return !s.term.valid(); }, 200ms));
    REQUIRE(p.until([&] { return static_cast<bool>(s.term.ended()); }, 200ms));
    CHECK(s.term.ended().how() == end_of_term::lost);
    CHECK(s.term.ended().code() == errc::lease_lost);
  }
}

TEST_CASE("azure answers: a campaign gets over a busy or broken service at each of its steps", "[H1][H2][azure]") {
  azurite server;
  meddler between(server.port());
  azure_process p;
  auto const where = p.make_store(through(between.port()), eager());
  struct step {
    char const* name;
    meddler::fits_fn fits;
  };
  std::vector<step> const steps = {{"acquire", is_action("acquire")},
                                   {"make", has("x-ms-blob-type: BlockBlob")},
                                   {"look", has("HEAD ")},
                                   {"count", is_term_write()}};
  std::vector<std::unique_ptr<seat>> all;
  std::vector<std::unique_ptr<catcher<leadership>>> won;
  int n = 0;
  for (auto const& at : steps) {
    for (auto odd : not_about_the_lease()) {
      std::string_view const name = odd.name;
      bool const about_us = name.starts_with("4") && name != "429";
      bool const strange = name == "302" || name == "garbage" || name == "header" || name == "body";
      if (about_us || strange || name == "empty200") continue;
      auto const blob = "leader" + std::to_string(n++);
      between.answer([fits = at.fits, here = has("/" + blob + "?")](auto& r) { return fits(r) && here(r); }, odd.text,
                     2);
      all.push_back(std::make_unique<seat>(p, where, odd, blob));
      won.push_back(std::make_unique<catcher<leadership>>());
      all.back()->e.campaign(won.back()->handler());
    }
  }
  auto const done = [](auto const& one) { return one->done(); };
  REQUIRE(p.until([&] { return std::all_of(won.begin(), won.end(), done); }));
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(i << " answered with " << all[i]->odd.name << ": " << all[i]->e.last_answer().message());
    CHECK(won[i]->result.valid());
  }
  CHECK(between.meddled() == 2 * all.size());
  for (auto const& odd : not_about_the_lease()) {  // not to be got over by trying again, and said so
    std::string_view const name = odd.name;
    if (!name.starts_with("4") || name == "429") continue;
    INFO(odd.name);
    auto e = p.make_elector(where, "A", "leader" + std::to_string(n++));
    between.answer(is_action("acquire"), odd.text);
    CHECK(p.campaign_error(e) == cond::fatal);
    CHECK(e.last_answer().http_status() == std::stoi(odd.name));
    CHECK_THAT(e.last_answer().message(), ContainsSubstring("Said by a test."));
    between.pass();
  }
}

TEST_CASE("azure answers: the lease ends between acquire and the term write: no win, and another try", "[S8][azure]") {
  azurite server;
  meddler between(server.port());
  raw_blobs raw(server.port());
  raw.make_container();
  azure_process p;
  auto const where = p.make_store(through(between.port()), eager());
  int n = 0;
  for (char const* code : {"LeaseLost", "LeaseNotPresentWithBlobOperation", "LeaseIdMismatchWithBlobOperation"}) {
    INFO(code);
    auto const name = "leader" + std::to_string(n++);
    raw.make(name);
    between.answer(is_term_write(), azure_error(412, code));
    auto e = p.make_elector(where, "A", name);
    auto term = p.win(e, 5s);
    CHECK(term.valid());
    CHECK(p.resign(term) == error_code());
  }
  CHECK(between.meddled() == 3);
}

TEST_CASE(
    "azure answers: a blob that is made by two at once is there: 412 as the service says it, 409 as Azurite does") {
  azurite server;
  meddler between(server.port());
  raw_blobs raw(server.port());
  raw.make_container();
  azure_process p;
  auto const where = p.make_store(through(between.port()), eager());
  int n = 0;
  for (auto const& [status, code] : std::vector<std::pair<int, char const*>>{
           {412, "LeaseIdMissing"}, {412, "ConditionNotMet"}, {409, "BlobAlreadyExists"}}) {
    auto const name = "leader" + std::to_string(n++);
    INFO(code);
    raw.make(name, 50);
    between.answer(is_action("acquire"), azure_error(404, "BlobNotFound"));
    between.answer(has("x-ms-blob-type: BlockBlob"), azure_error(status, code));
    auto e = p.make_elector(where, "A", name);
    auto term = p.win(e, 5s);
    CHECK(term.valid());
    CHECK(term.fencing_token() == 51);
  }
}
