// Sources of tokens: what they send, how often they ask again, and what they make of the answers.
#include "azure_credential_bench.hpp"

namespace coelect::test {
namespace {

std::string json_token(std::string const& more, std::string const& token = canary) {
  return http_answer("200 OK", "{\"access_token\":\"" + token + "\"," + more + "}");
}
std::string const good = json_token("\"expires_in\":3599");

bool starts(std::string const& text, std::string const& with) { return text.rfind(with, 0) == 0; }

std::string seconds_from_now(int seconds) {
  auto const then = std::chrono::system_clock::now() + std::chrono::seconds(seconds);
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(then.time_since_epoch()).count());
}

}  // namespace

TEST_CASE("The metadata service is asked as its manual says", "[azure][credential]") {
  token_server server({json_token("\"expires_in\":\"86399\",\"expires_on\":\"7\"")});
  variables const env({{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url()}});
  credential_bench b;
  auto const f = b.fetch(*from_managed_identity(b.around, "an id", false));
  CHECK(f.token() == canary);
  CHECK(f.got->good_for == 86399s);
  REQUIRE(server.requests().size() == 1);
  auto const asked = server.requests().front();
  CHECK_THAT(asked, StartsWith("GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource="
                               "https%3A%2F%2Fstorage.azure.com&client_id=an%20id HTTP/1.1\r\n"));
  CHECK_THAT(asked, ContainsSubstring("\r\nMetadata: true\r\n"));
}

TEST_CASE("App Service is asked with the header it gave out", "[azure][credential]") {
  token_server server(
      {json_token("\"expires_on\":\"" + seconds_from_now(500) + "\"", "fine"),
       http_answer("400 Bad Request", "{\"statusCode\":400,\"message\":\"No identity; " + canary + "\"}"),
       http_answer("400 Bad Request", "{\"statusCode\":400,\"message\":\"No identity\"}")});
  variables const env({{"IDENTITY_ENDPOINT", server.url() + "/msi/token/"}, {"IDENTITY_HEADER", canary}});
  credential_bench b;
  auto const source = from_managed_identity(b.around, "", true);
  auto const f = b.fetch(*source);
  CHECK(f.token() == "fine");
  CHECK(f.got->good_for > 480s);
  CHECK(f.got->good_for <= 500s);
  CHECK_THAT(server.requests().front(), StartsWith("GET /msi/token?api-version=2019-08-01&resource="
                                                   "https%3A%2F%2Fstorage.azure.com HTTP/1.1\r\n"));
  CHECK_THAT(server.requests().front(), ContainsSubstring("\r\nX-IDENTITY-HEADER: " + canary + "\r\n"));
  says(b.fetch(*source), errc::unauthorized, "repeats a secret");
  says(b.fetch(*source), errc::unauthorized, "No identity; look at whether an identity");
}

TEST_CASE("Entra ID gets the client secret in a form", "[azure][credential]") {
  token_server server({good});
  variables const env({{"AZURE_AUTHORITY_HOST", server.url() + "/"}});
  credential_bench b;
  base::secret const secret(canary + "/+");
  auto const source = from_client_secret(b.around, "contoso.com", "me", secret);
  CHECK(b.fetch(*source).token() == canary);
  auto const asked = server.requests().front();
  CHECK_THAT(asked, StartsWith("POST /contoso.com/oauth2/v2.0/token HTTP/1.1\r\n"));
  CHECK_THAT(asked, ContainsSubstring("\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  CHECK_THAT(asked, EndsWith("\r\n\r\nclient_id=me&scope=https%3A%2F%2Fstorage.azure.com%2F.default&grant_type="
                             "client_credentials&client_secret=" +
                             canary + "%2F%2B"));
}

TEST_CASE("A refusal tells its first line and what to look at", "[azure][credential]") {
  struct refused {
    std::string status, body, part;
    errc ec = errc::unauthorized;
  };
  auto const t = GENERATE(values<refused>({
      {"401 No", R"({"error":"invalid_client","error_description":"AADSTS7000215: Bad secret.\r\nTrace ID: 1"})",
       "invalid_client: AADSTS7000215: Bad secret.; look at the client secret"},
      {"400 No", R"({"error":"invalid_request","error_description":"AADSTS90002: Tenant 'x' not found. Trace ID: 1"})",
       "Tenant 'x' not found.; look at the tenant"},
      {"400 No", R"({"error":"unauthorized_client","error_description":"AADSTS700016: No app."})",
       "look at the client id"},
      {"400 No", R"({"error":"e","error_description":"c4n4ry-s3cr3t is wrong"})", "repeats a secret"},
      {"403 No", "<html>", "answered 403; look at the tenant, the client id and the client secret"},
      {"302 Over there", "", "answered 302", errc::bad_response},
      {"200 OK", "<html>", "no JSON object", errc::bad_response},
      {"200 OK", "{\"expires_in\":1}", "no token", errc::bad_response},
      {"200 OK", "{\"access_token\":\"t\"}", "how long", errc::bad_response},
      {"200 OK", "{\"access_token\":\"t\",\"expires_in\":\"soon\"}", "how long", errc::bad_response},
      {"200 OK", "{\"access_token\":\"t\",\"expires_in\":-5}", "over already", errc::bad_response},
      {"200 OK", "{\"access_token\":\"c4n4ry-s3cr3t\\nX: y\",\"expires_in\":99}", "characters", errc::bad_response},
      {"200 OK", "{\"access_token\":\"\",\"expires_in\":99}", "empty", errc::bad_response},
  }));
  token_server server({http_answer(t.status, t.body)});
  variables const env({{"AZURE_AUTHORITY_HOST", server.url()}});
  credential_bench b;
  auto const f = b.fetch(*from_client_secret(b.around, "t", "c", base::secret(canary)));
  says(f, t.ec, t.part);
  CHECK(f.message().find("Trace") == std::string::npos);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("A federated token is read anew each time", "[azure][credential]") {
  token_server server({good});
  scratch_directory scratch;
  auto const file = scratch.path() / "token";
  variables env({{"AZURE_AUTHORITY_HOST", server.url()},
                 {"AZURE_TENANT_ID", "t"},
                 {"AZURE_CLIENT_ID", "c"},
                 {"AZURE_FEDERATED_TOKEN_FILE", file.string()}});
  credential_bench b;
  auto const source = from_workload_identity(b.around);
  says(b.fetch(*source), errc::unauthorized, "AZURE_FEDERATED_TOKEN_FILE: " + file.string() + ": No such file");
  std::ofstream(file) << canary << "\n\n";
  CHECK(b.fetch(*source).got->how.ok());
  std::ofstream(file) << "second\r\n";
  CHECK(b.fetch(*source).got->how.ok());
  REQUIRE(server.requests().size() == 2);
  CHECK_THAT(server.requests()[0],
             EndsWith("&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                      "&client_assertion=" +
                      canary));
  CHECK_THAT(server.requests()[1], EndsWith("client_assertion=second"));
  std::ofstream(file) << "\n";
  says(b.fetch(*source), errc::unauthorized, "it is empty");
  std::ofstream(file) << std::string(64 * 1024, 'x');
  CHECK(b.fetch(*source).got->how.ok());
  std::ofstream(file) << std::string(64 * 1024 + 1, 'x');
  says(b.fetch(*source), errc::unauthorized, "longer than 64 KiB");
  env.set("AZURE_FEDERATED_TOKEN_FILE", scratch.path().string());
  says(b.fetch(*from_workload_identity(b.around)), errc::unauthorized, "it is no file");
}

TEST_CASE("A service that cannot be reached says so", "[N1][azure][credential]") {
  variables const env({{"AZURE_AUTHORITY_HOST", "http://127.0.0.1:1"}});
  credential_bench b;
  auto const source = from_client_secret(b.around, "t", "c", base::secret(canary));
  says(b.fetch(*source), errc::unreachable, "client secret: no connection to 127.0.0.1:1");
}

TEST_CASE("Answers come by the deadline, or not at all", "[N3][azure][credential]") {
  scripted_server server([](scripted_peer& p) { p.wait_for_end(); });
  variables const env({{"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://" + server.name()}});
  credential_bench b;
  auto const source = from_managed_identity(b.around, "", false);
  says(b.fetch(*source, 50ms), errc::timed_out, "managed identity: ");
  one_fetch dropped(*source, b.context->now() + 20s);
  REQUIRE(run_until(b.io, [&] { return server.accepted() == 2; }));
  dropped.handle.reset();
  REQUIRE(run_until(b.io, [&] { return server.ended() == 2; }));
  CHECK(dropped.calls == 0);
}

TEST_CASE("Trouble that passes is waited for, other trouble is not", "[H2][azure][credential]") {
  struct story {
    std::vector<int> statuses;
    bool ok;
    std::size_t tries;
    std::chrono::seconds at_least;
    errc ec = errc::unauthorized;
  };
  auto const t = GENERATE(values<story>({
      {{429, 200}, true, 2, 1s},
      {{500, 503, 404, 410, 200}, true, 5, 4s},
      {{410}, false, 0, 15s, errc::unreachable},
      {{404}, false, 0, 15s, errc::unreachable},
      {{429}, false, 0, 15s, errc::overloaded},
      {{403, 200}, false, 1, 0s},
      {{408, 200}, false, 1, 0s},
      {{400, 200}, false, 1, 0s},
  }));
  variables const env;
  virtual_bench b;
  b.network->serve = [&, n = 0u](std::string const&, http::request const&) mutable {
    auto const status = t.statuses[std::min<std::size_t>(n++, t.statuses.size() - 1)];
    return fake_network::answer{status, status == 200 ? "{\"access_token\":\"t\",\"expires_in\":99}" : ""};
  };
  auto const source = from_managed_identity(b.around, "", false);
  auto const began = b.context->now();
  auto const f = b.fetch(*source);
  CHECK(f.got->how.ok() == t.ok);
  if (!t.ok) CHECK(f.got->how.ec == t.ec);
  auto const& asked = b.network->asked;
  if (t.tries > 0) CHECK(asked.size() == t.tries);
  CHECK(began.left(b.context->now()) <= -t.at_least);
  for (std::size_t i = 1; i < asked.size(); ++i) CHECK(asked[i].first.left(asked[i - 1].first) >= 1s);
  CHECK(asked.size() < 20);
}

TEST_CASE("What went wrong so far is known while it is tried again", "[azure][credential]") {
  variables const env;
  virtual_bench b;
  b.network->serve = [](std::string const&, http::request const&) { return fake_network::answer{429}; };
  auto const source = from_managed_identity(b.around, "", false);
  one_fetch f(*source, b.in(30s));
  b.world.run_for(3s);
  CHECK_FALSE(f.got);
  CHECK_THAT(source->trouble(), ContainsSubstring("answered 429"));
  auto const before = b.network->asked.size();
  f.handle.reset();
  b.world.run_for(60s);
  CHECK(f.calls == 0);
  CHECK(b.network->asked.size() == before);
}

TEST_CASE("az is asked for a token", "[azure][credential]") {
  variables env;
  credential_bench b;
  auto const source = from_azure_cli(b.context);
  auto const f = [&](std::string const& script, std::chrono::nanoseconds limit = 20s) {
    fake_az const az(env, script);
    return b.fetch(*source, limit);
  };
  auto const newer =
      f("echo '{\"accessToken\":\"" + canary +
        "\",\"expiresOn\":\"2000-01-01 00:00:00.000000\",\"expires_on\":" + seconds_from_now(600) + "}'");
  CHECK(newer.token() == canary);
  CHECK(newer.got->good_for > 560s);
  auto const older = f("date -d '+10 minutes' '+{\"accessToken\":\"t\",\"expiresOn\":\"%Y-%m-%d %H:%M:%S.123456\"}'");
  CHECK(older.token() == "t");
  CHECK(older.got->good_for > 560s);
  CHECK(older.got->good_for <= 600s);
  CHECK(f("[ \"$*\" = 'account get-access-token --resource https://storage.azure.com/ --output json' ] || exit 3\n"
          "read x && exit 4\n"
          "echo '{\"accessToken\":\"t\",\"expires_on\":9999999999}'")
            .token() == "t");
  says(f("echo " + canary), errc::bad_response, "no JSON object");
  says(f("echo '{\"accessToken\":\"" + canary + "\",\"expiresOn\":\"tomorrow\"}'"), errc::bad_response, "how long");
  says(f("echo '{}'"), errc::bad_response, "no token");
  says(f("echo " + canary + "; echo WARNING: old >&2; echo \"ERROR: Please run 'az login'\" >&2; exit 1"),
       errc::unauthorized, "az ended with 1: ERROR: Please run 'az login'");
  says(f("echo eyJ" + canary + " >&2; exit 2"), errc::unauthorized, "az ended with 2");
  says(f("kill -9 $$"), errc::unauthorized, "az ended with 137");
  says(f("exec yes"), errc::bad_response, "more than 64 KiB");
  says(f("exec sleep 1000", 100ms), errc::timed_out, "az did not end in time");
  env.set("PATH", "/nonexistent");
  auto const none = b.fetch(*source);
  says(none, errc::unauthorized, "az is not in PATH");
  CHECK(none.got->absent);
}

TEST_CASE("A store's requests get their token from a real server", "[azure][credential]") {
  token_server server({http_answer("429 Slow down", ""), good});
  variables const env({{"AZURE_AUTHORITY_HOST", server.url()}});
  credential_bench b;
  auto const who =
      make_authorizer(azure_credential::client_secret("t", "c", canary), "", true, b.context, b.around.network);
  std::optional<outcome> how;
  CHECK_FALSE(who->ready());
  auto const handle = who->prepare(b.context->now() + 20s, [&](outcome const& o) { how = o; });
  REQUIRE(run_until(b.io, [&] { return how.has_value(); }));
  CHECK(how->ok());
  http::request what;
  who->authorize(what);
  CHECK(std::string(what.authorization.reveal()) == "Bearer " + canary);
  CHECK(starts(b.said, "azure: a token from client secret, good for 3599 s"));
}

TEST_CASE("The user's function may answer on any thread, twice, badly or never", "[L3][L4][azure][credential]") {
  credential_bench b;
  std::function<void(error_code, azure_token)> answer;
  std::function<void()> act;
  auto const who = azure_credential::token([&](auto done) {
    answer = std::move(done);
    if (act) act();
  });
  auto const source = from_function(b.context, who.get());
  auto const says = [&](errc ec, std::string const& part, std::chrono::nanoseconds limit = 20s) {
    auto const f = b.fetch(*source, limit);
    CHECK(f.got->how.ec == ec);
    CHECK_THAT(f.message(), ContainsSubstring(part));
  };
  SECTION("At once") {
    act = [&] {
      answer({}, {canary, 60s});
      answer(errc::unauthorized, {});
    };
    CHECK(b.fetch(*source).token() == canary);
  }
  SECTION("On another thread") {
    std::thread other;
    act = [&] { other = std::thread([answer] { answer({}, {"there", 60s}); }); };
    CHECK(b.fetch(*source).token() == "there");
    other.join();
  }
  SECTION("Badly") {
    act = [&] { answer({}, {"", 60s}); };
    says(errc::bad_response, "empty");
    act = [&] { answer({}, {canary + "\r\nX: y", 60s}); };
    says(errc::bad_response, "characters");
    act = [&] { answer({}, {std::string(16 * 1024 + 1, 'x'), 60s}); };
    says(errc::bad_response, "16 KiB");
    act = [&] { answer({}, {canary, 0s}); };
    says(errc::bad_response, "over already");
    act = [&] { answer(errc::unauthorized, {canary, 60s}); };
    says(errc::unauthorized, "own token function");
    act = [&] { answer(boost::asio::error::connection_refused, {}); };
    says(errc::unreachable, "refused");
    act = [] { throw std::runtime_error(canary); };
    says(errc::unreachable, "exception");
  }
  SECTION("Never, or when nobody waits any more") {
    says(errc::timed_out, "has not called back", 20ms);
    answer({}, {"late", 60s});
    one_fetch dropped(*source, b.context->now() + 10s);
    dropped.handle.reset();
    answer({}, {"unwanted", 60s});
    b.io.poll();
    CHECK(dropped.calls == 0);
  }
}

}  // namespace coelect::test
