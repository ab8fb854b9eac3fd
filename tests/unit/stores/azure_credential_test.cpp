// Credentials: what is refused at once, and when tokens are fetched, kept and given up.
#include "azure_credential_bench.hpp"
#include "stores/azure/bearer.hpp"

namespace coelect::test {
namespace {

/// A source that answers when the test says so.
struct told_source final : token_source {
  std::string named = "a test";
  int fetches = 0;
  fetched_fn done;
  std::shared_ptr<int> life;
  instant limit{};

  std::string const& name() const noexcept override { return named; }
  std::string trouble() const override { return "nobody has answered"; }
  std::shared_ptr<void> fetch(instant give_up, fetched_fn d) override {
    ++fetches;
    limit = give_up;
    done = std::move(d);
    return life = std::make_shared<int>(0);
  }
  void bring(std::string_view token, std::chrono::seconds good_for) {
    fetched f;
    f.token = base::secret(token);
    f.good_for = good_for;
    std::exchange(done, nullptr)(std::move(f));
  }
  void fail(errc ec) {
    fetched f;
    f.how = outcome(ec, "it does not work");
    std::exchange(done, nullptr)(std::move(f));
  }
};

struct bearer_bench : virtual_bench {
  told_source* source = new told_source;
  std::unique_ptr<authorizer> who = std::make_unique<bearer>(context, std::unique_ptr<token_source>(source));

  struct asked {
    std::optional<outcome> how;
    std::shared_ptr<void> handle;
  };
  void prepare(asked& a, std::chrono::nanoseconds limit = 2s) {
    a.handle = who->prepare(in(limit), [&a](outcome const& how) { a.how = how; });
    REQUIRE(!a.how);
  }
  std::string sent() {
    http::request what;
    who->authorize(what);
    return std::string(what.authorization.reveal());
  }
  void begin_with(std::string_view token, std::chrono::seconds good_for) {
    asked a;
    prepare(a);
    source->bring(token, good_for);
    REQUIRE((a.how && a.how->ok()));
  }
};

std::string refusal(azure_credential const& who, std::string const& account = "acct", bool tls = true) {
  credential_bench b;
  try {
    make_authorizer(who, account, tls, b.context, b.around.network);
  } catch (election_error const& e) {
    CHECK(e.code() == errc::bad_options);
    b.note(e.details().message());
    return e.details().message();
  }
  return "(none)";
}

std::string const key = "c2VjcmV0IGtleQ==";
auto const never_asked = [](std::function<void(error_code, azure_token)>) {};

}  // namespace

TEST_CASE("A credential that cannot work is refused at once, naming the setting", "[azure][credential]") {
  variables const env;
  CHECK_THAT(refusal({}), ContainsSubstring("credential: none"));
  CHECK_THAT(refusal(azure_credential::shared_key("", key), ""), ContainsSubstring("account_url, credential"));
  CHECK_THAT(refusal(azure_credential::shared_key("acct", "")), ContainsSubstring("credential: the account key"));
  CHECK_THAT(refusal(azure_credential::shared_key("other", key)), ContainsSubstring("'other'"));
  CHECK_THAT(refusal(azure_credential::shared_key("", canary)), ContainsSubstring("base64"));
  CHECK_THAT(refusal(azure_credential::sas(canary)), ContainsSubstring("sig="));
  CHECK_THAT(refusal(azure_credential::token({})), ContainsSubstring("function"));
  CHECK_THAT(refusal(azure_credential::workload_identity()),
             ContainsSubstring("AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE"));
  CHECK_THAT(refusal(azure_credential::client_secret("t", "", canary)), EndsWith("not set: client_id"));
  CHECK_THAT(refusal(azure_credential::client_secret("t", "c", "")), EndsWith("not set: secret"));
  CHECK_THAT(refusal(azure_credential::client_secret("a/b", "c", canary)), ContainsSubstring("tenant"));
  CHECK_THAT(refusal(azure_credential::client_secret("..", "c", canary)), ContainsSubstring("tenant"));
}

TEST_CASE("Tokens and secrets go over https only", "[azure][credential]") {
  variables env({{"AZURE_AUTHORITY_HOST", "http://login.example.com"}});
  for (auto const& who : {azure_credential::token(never_asked), azure_credential::managed_identity(),
                          azure_credential::azure_cli(), azure_credential::automatic()})
    CHECK_THAT(refusal(who, "acct", false), ContainsSubstring("bearer tokens go over https only"));
  CHECK_THAT(refusal(azure_credential::client_secret("t", "c", canary)), ContainsSubstring("AZURE_AUTHORITY_HOST"));
  env.set("AZURE_AUTHORITY_HOST", "login.example.com");
  CHECK_THAT(refusal(azure_credential::client_secret("t", "c", canary)), ContainsSubstring("https://"));
  env.set("AZURE_AUTHORITY_HOST", "https://login.example.com/");
  CHECK(refusal(azure_credential::client_secret("t", "c", canary)) == "(none)");
  env.set("AZURE_AUTHORITY_HOST", "http://127.0.0.1:1");
  CHECK(refusal(azure_credential::client_secret("t", "c", canary)) == "(none)");
  env.set("IDENTITY_ENDPOINT", "ftp://x");
  env.set("IDENTITY_HEADER", canary);
  CHECK_THAT(refusal(azure_credential::managed_identity()), ContainsSubstring("IDENTITY_ENDPOINT"));
}

TEST_CASE("A key signs for its account, a signature loses its question mark", "[azure][credential]") {
  credential_bench b;
  auto const made = [&](azure_credential const& who, std::string const& account) {
    return make_authorizer(who, account, false, b.context, b.around.network);
  };
  for (auto const& signer :
       {made(azure_credential::shared_key("", key), "acct"), made(azure_credential::shared_key("acct", key), "")}) {
    http::request what;
    what.target = "/c/b?comp=lease";
    CHECK(signer->ready());
    CHECK_FALSE(signer->refused());
    signer->authorize(what);
    CHECK_THAT(std::string(what.authorization.reveal()), StartsWith("SharedKey acct:"));
  }
  http::request what;
  what.target = "/c/b?comp=lease";
  made(azure_credential::sas("?sv=1&sig=x%3D"), "")->authorize(what);
  CHECK(what.target == "/c/b?comp=lease&sv=1&sig=x%3D");
  CHECK(what.authorization.empty());
}

TEST_CASE("A token is replaced after half of a long life, else five minutes early", "[azure][credential]") {
  CHECK(refresh_after(24h) == 12h);
  CHECK(refresh_after(2h) == 115min);
  CHECK(refresh_after(1h) == 55min);
  CHECK(refresh_after(4min) == 2min);
}

TEST_CASE("Requests that wait for a token share one fetch, each with its own deadline", "[T4][azure][credential]") {
  bearer_bench b;
  bearer_bench::asked soon, later, dropped;
  CHECK_FALSE(b.who->ready());
  CHECK(b.source->fetches == 0);
  b.prepare(soon, 1s);
  b.prepare(later, 20s);
  b.prepare(dropped, 20s);
  dropped.handle.reset();
  CHECK(b.source->fetches == 1);
  b.world.run_for(2s);
  REQUIRE(soon.how);
  CHECK(soon.how->ec == errc::timed_out);
  CHECK_THAT(soon.how->text(), ContainsSubstring("a test") && ContainsSubstring("nobody has answered"));
  CHECK_FALSE(later.how);
  b.source->bring(canary, 3600s);
  REQUIRE(later.how);
  CHECK(later.how->ok());
  CHECK_FALSE(dropped.how);
  CHECK(b.who->ready());
  CHECK(b.sent() == "Bearer " + canary);
  bearer_bench::asked at_once;
  b.prepare(at_once);
  b.world.settle();
  CHECK((at_once.how && at_once.how->ok()));
  CHECK(b.source->fetches == 1);
}

TEST_CASE("A fetch goes on when nobody waits any more, and ends by a limit of its own", "[azure][credential]") {
  bearer_bench b;
  bearer_bench::asked first;
  b.prepare(first, 1s);
  CHECK(b.source->limit == b.in(30s));
  b.world.run_for(5s);
  CHECK(first.how);
  b.source->bring("late", 3600s);
  CHECK(b.who->ready());
  CHECK(b.source->fetches == 1);
}

TEST_CASE("A token is refreshed in the background and used until it ends", "[T4][azure][credential]") {
  bearer_bench b;
  b.begin_with("old", 3600s);
  b.world.run_for(54min);
  CHECK(b.who->ready());
  CHECK(b.source->fetches == 1);
  b.world.run_for(61s);
  CHECK(b.who->ready());
  CHECK(b.source->fetches == 2);
  CHECK(b.sent() == "Bearer old");
  CHECK(b.source->fetches == 2);  // it is under way
  b.source->fail(errc::unreachable);
  CHECK_THAT(b.said, ContainsSubstring("the old one is good for another"));

  SECTION("The next one takes over") {
    CHECK(b.who->ready());
    CHECK(b.source->fetches == 2);  // not so soon
    b.world.run_for(10s);
    b.sent();
    CHECK(b.source->fetches == 3);
    b.source->bring("new", 3600s);
    CHECK(b.sent() == "Bearer new");
    b.world.run_for(54min);
    CHECK(b.who->ready());
    CHECK(b.source->fetches == 3);
  }
  SECTION("Failures are ten seconds apart at least, and in the end there is none") {
    int ready = 0;
    for (int second = 0; second < 300; ++second) {
      if (b.who->ready()) ++ready;
      if (b.source->done) b.source->fail(errc::unreachable);
      b.world.run_for(1s);
    }
    CHECK(ready > 290);
    CHECK(ready < 300);
    CHECK(b.source->fetches >= 5);
    CHECK(b.source->fetches < 30);
    CHECK_FALSE(b.who->ready());
    auto const before = b.source->fetches;
    for (int i = 1; i <= 3; ++i) {  // whoever needs one is not held up
      bearer_bench::asked a;
      b.prepare(a);
      CHECK(b.source->fetches == before + i);
      b.source->fail(errc::unauthorized);
      REQUIRE(a.how);
      CHECK(a.how->ec == errc::unauthorized);
    }
  }
}

TEST_CASE("A token that was refused is given up once, and the next one is not blamed for it",
          "[T4][azure][credential]") {
  bearer_bench b;
  b.begin_with("first", 3600s);
  CHECK(b.who->refused());
  CHECK_FALSE(b.who->ready());
  bearer_bench::asked a;
  b.prepare(a);
  CHECK(b.source->fetches == 2);
  CHECK(b.who->refused());  // of another request; the fetch is under way
  b.source->bring("second", 3600s);
  CHECK(b.who->refused());  // and of one more, which was slow
  CHECK(b.who->ready());
  CHECK(b.sent() == "Bearer second");
  b.world.run_for(10s);
  CHECK(b.who->refused());
  CHECK_FALSE(b.who->ready());
}

TEST_CASE("A token that is over when it comes is none", "[azure][credential]") {
  bearer_bench b;
  bearer_bench::asked a;
  b.prepare(a, 20s);
  b.world.run_for(10s);
  b.source->bring("short", 9s);
  REQUIRE(a.how);
  CHECK(a.how->ec == errc::bad_response);
  CHECK_FALSE(b.who->ready());
}

TEST_CASE("Nothing is called after the bearer is gone, and its fetch is dropped on the strand", "[azure][credential]") {
  bearer_bench b;
  bearer_bench::asked a;
  b.prepare(a);
  std::weak_ptr<int> const fetching = b.source->life;
  b.source->life.reset();
  auto const answer = b.source->done;
  b.who.reset();
  CHECK_FALSE(fetching.expired());
  answer(fetched{});
  b.world.run_for(10s);
  CHECK(fetching.expired());
  CHECK_FALSE(a.how);
}

}  // namespace coelect::test
