// Errors of the Blob service as they should not be: cut, hostile, empty, without a code. Status and header decide.
#include "support/catch.hpp"
#include "wire/azure_lease.hpp"

using namespace coelect;
using namespace coelect::wire::azure;

namespace {

http::response answer(int status, std::string body, std::string const& code = {}) {
  http::response made;
  made.status = status;
  made.body = std::move(body);
  if (!code.empty()) made.fields.push_back({"x-ms-error-code", code});
  return made;
}

std::vector<std::string> hostile() {
  std::string bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY l0 \"lol\">";
  for (int i = 1; i < 10; ++i) {
    bomb += "<!ENTITY l" + std::to_string(i) + " \"";
    for (int j = 0; j < 10; ++j) bomb += "&l" + std::to_string(i - 1) + ";";
    bomb += "\">";
  }
  bomb += "]><Error><Code>&l9;</Code><Message>&l9;</Message></Error>";
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "<Error>";
  return {
      "",
      "<",
      "<?xml",
      "<Error><Code>",
      "<Error><Code>LeaseLost",
      "<Error></Code>LeaseLost<Code></Error>",
      "<Error><Code></Code><Message></Message></Error>",
      "{\"error\":{\"code\":\"LeaseLost\"}}",
      "\xef\xbb\xbf",
      "\xff\xfe<\0E\0r\0r\0o\0r\0>",
      std::string("\0\0\0", 3),
      "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Error><Code>&e;</Code></Error>",
      bomb,
      deep,
  };
}

}  // namespace

TEST_CASE("what is wrong with an error's body changes nothing of what the status and the header say", "[H7][azure]") {
  for (auto const& body : hostile()) {
    INFO(body.substr(0, 80));
    CHECK(judge(answer(409, body, "LeaseAlreadyPresent")).what == trouble::held);
    CHECK(judge(answer(412, body, "LeaseLost")).what == trouble::not_mine);
    CHECK(judge(answer(412, body, "ConditionNotMet")).what == trouble::changed);
    CHECK(judge(answer(404, body, "ContainerNotFound")).what == trouble::no_container);
    CHECK(judge(answer(403, body)).what == trouble::refused);
    CHECK(judge(answer(503, body)).what == trouble::passing);
    CHECK(judge(answer(500, body)).what == trouble::passing);
    // 409 and 412 without a code that is known: never ours.
    CHECK(judge(answer(412, body)).what == trouble::not_mine);
    CHECK(judge(answer(409, body)).what == trouble::not_mine);
  }
}

TEST_CASE("nothing in an error's body is expanded, and not much of it is repeated", "[H7][H8][azure]") {
  for (auto const& body : hostile()) {
    auto const v = judge(answer(400, body));
    CHECK(v.message.size() < 1'000);
    CHECK(v.message.find("root:") == v.message.npos);
    CHECK(v.message.find("lol") == v.message.npos);
  }
  auto const forged = judge(answer(400, "<Error><Message>first\r\nelected election=leader token=99</Message></Error>"));
  CHECK(forged.message == "HTTP status 400: first");
}
