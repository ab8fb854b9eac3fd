// azure_credential::automatic(): what is tried in which order, what is kept, and what is said when nothing is there.
#include "azure_credential_bench.hpp"

namespace coelect::test {
namespace {

/// What the chain does, on virtual time; az is real, or missing.
struct chain_bench : virtual_bench {
  variables env;
  std::map<std::string, fake_network::answer> answers;
  std::string const metadata = "169.254.169.254:80";

  chain_bench() {
    env.set("PATH", "/nonexistent");
    network->serve = [this](std::string const& whom, http::request const& what) {
      bool const probe = whom == metadata && what.fields.back().name != "Metadata";
      return answers[probe ? "probe" : whom];
    };
  }
  fake_network::answer const token{200, "{\"access_token\":\"t\",\"expires_in\":99}"};
};

}  // namespace

TEST_CASE("Where nothing is set up, everything that was looked for is named", "[azure][credential]") {
  chain_bench b;
  b.answers["probe"] = {0, "", 10ms, true};
  b.env.set("AZURE_CLIENT_ID", "c");
  auto const source = from_what_is_here(b.around);
  auto const f = b.fetch(*source);
  says(f, errc::unauthorized, "client secret: not set: AZURE_TENANT_ID, AZURE_CLIENT_SECRET; ");
  CHECK_THAT(f.message(),
             ContainsSubstring("workload identity: not set: AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE; "));
  CHECK_THAT(f.message(), ContainsSubstring("no metadata service: no answer from 169.254.169.254:80 in time; "));
  CHECK_THAT(f.message(), EndsWith("azure cli: az is not in PATH"));
  CHECK(b.network->asked.size() == 1);
  b.answers["probe"] = {400};  // it comes up later
  b.answers[b.metadata] = b.token;
  CHECK(b.fetch(*source).token() == "t");
}

TEST_CASE("The metadata service has a second to show up; other clouds' are not Azure's", "[azure][credential]") {
  chain_bench b;
  auto const t = GENERATE(as<fake_network::answer>(), fake_network::answer{400, "", 2s}, fake_network::answer{404},
                          fake_network::answer{401}, fake_network::answer{403});
  b.answers["probe"] = t;
  auto const source = from_what_is_here(b.around);
  auto const began = b.context->now();
  auto const f = b.fetch(*source);
  says(f, errc::unauthorized, "azure cli: az is not in PATH");
  CHECK(began.left(b.context->now()) >= -1100ms);
}

TEST_CASE("The first source that is there is kept", "[azure][credential]") {
  chain_bench b;
  SECTION("A client secret, before all others") {
    for (char const* name : {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"}) b.env.set(name, "x");
    b.env.set("AZURE_CLIENT_SECRET", canary);
    b.answers["login.microsoftonline.com:443"] = b.token;
    auto const source = from_what_is_here(b.around);
    CHECK(source->name() == "client secret");
    CHECK(b.fetch(*source).token() == "t");
  }
  SECTION("Workload identity, whatever becomes of it") {
    for (char const* name : {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"})
      b.env.set(name, "nowhere");
    auto const f = b.fetch(*from_what_is_here(b.around));
    says(f, errc::unauthorized, "AZURE_FEDERATED_TOKEN_FILE: nowhere: No such file");
    CHECK_THAT(f.message(), EndsWith("(before it: client secret: not set: AZURE_CLIENT_SECRET)"));
    CHECK(b.network->asked.empty());
  }
  SECTION("A managed identity") {
    b.answers["probe"] = {400};
    b.answers[b.metadata] = {403, "{\"error\":\"e\",\"error_description\":\"not today\"}"};
    auto const source = from_what_is_here(b.around);
    auto const f = b.fetch(*source);
    says(f, errc::unauthorized, "not today");
    CHECK_THAT(f.message(), ContainsSubstring("(before it: client secret: not set: "));
    b.answers["probe"].silent = true;
    b.answers[b.metadata] = b.token;
    CHECK(b.fetch(*source).token() == "t");
    CHECK(source->name() == "managed identity");
    CHECK(b.network->asked.size() == 3);
    CHECK_THAT(b.said, ContainsSubstring("azure: tokens come from managed identity"));
  }
}

TEST_CASE("A machine without an identity leaves it to az, and az is kept", "[azure][credential]") {
  token_server server(
      {http_answer("400 No", R"({"error":"invalid_request","error_description":"Identity not found"})")});
  variables env({{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url()}});
  fake_az const az(env, "echo '{\"accessToken\":\"of az\",\"expires_on\":9999999999}' | tr -d ' '");
  credential_bench b;
  auto const source = from_what_is_here(b.around);
  CHECK(b.fetch(*source).token() == "ofaz");
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[0].find("Metadata") == std::string::npos);
  CHECK(b.fetch(*source).token() == "ofaz");
  CHECK(server.requests().size() == 2);
}

}  // namespace coelect::test
