// The ground floor: errors, back-off, names, URLs, JSON, forks.
#include "base/backoff.hpp"
#include "base/fork_guard.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/url.hpp"
#include "support/catch.hpp"
#include <coelect/error.hpp>
#include <coelect/fence.hpp>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace coelect;
using namespace std::chrono_literals;

TEST_CASE("error codes belong to the classes that callers branch on") {
  CHECK(make_error_code(errc::unreachable) == cond::transient);
  CHECK(make_error_code(errc::timed_out) == cond::transient);
  CHECK(make_error_code(errc::overloaded) == cond::transient);
  CHECK(make_error_code(errc::lease_lost) == cond::lost);
  CHECK(make_error_code(errc::deposed) == cond::lost);
  CHECK(make_error_code(errc::bad_record) == cond::fatal);
  CHECK(make_error_code(errc::bad_options) == cond::fatal);
  CHECK_FALSE(make_error_code(errc::stopped) == cond::fatal);
  CHECK_FALSE(make_error_code(errc::busy) == cond::lost);
  error_code const foreign(24, boost::system::system_category());
  CHECK_FALSE(foreign == cond::transient);
}

TEST_CASE("server text cannot forge log lines, and is clipped", "[H8][etcd][azure]") {
  diagnostics const d("evil\nline\r\x1b[31m", "host:1", "id", 503);
  CHECK(d.message().find_first_of("\n\r\x1b") == std::string::npos);
  CHECK(diagnostics(std::string(5000, 'x')).message().size() == 1024);
}

TEST_CASE("back-off stays within its bounds, grows, and can be reset") {
  base::backoff b(100ms, 2s, 42);
  std::chrono::nanoseconds longest{};
  for (int i = 0; i < 200; ++i) {
    auto const wait = b.next();
    CHECK(wait >= 100ms);
    CHECK(wait <= 2s);
    longest = std::max(longest, wait);
  }
  CHECK(longest > 1s);
  b.reset();
  CHECK(b.next() == 100ms);
}

TEST_CASE("candidates that failed together do not come back together") {
  std::set<std::chrono::nanoseconds> waits;
  for (std::uint64_t seed = 0; seed < 40; seed += 2) {
    base::backoff b(100ms, 5s, seed);
    b.next();
    b.next();
    waits.insert(b.next());
  }
  CHECK(waits.size() > 15);
}

TEST_CASE("election names") {
  for (auto const* good : {"leader", "a", "eu-west/billing.v2", "A_1"})
    CHECK(base::what_is_wrong_with_election(good).empty());
  CHECK(base::what_is_wrong_with_election(std::string(128, 'x')).empty());
  for (auto const* bad : {"", "/a", "a/", "a//b", "a b", "ümlaut", "a\n", "a,b"})
    CHECK(base::what_is_wrong_with_election(bad).find("election") == 0);
  CHECK(base::what_is_wrong_with_election(std::string(129, 'x')).find("129") != std::string::npos);
}

TEST_CASE("candidate names") {
  CHECK(base::what_is_wrong_with_candidate("host.1.ff").empty());
  CHECK(base::what_is_wrong_with_candidate("knoten-ü").empty());
  CHECK_FALSE(base::what_is_wrong_with_candidate("").empty());
  CHECK_FALSE(base::what_is_wrong_with_candidate("a b").empty());
  CHECK_FALSE(base::what_is_wrong_with_candidate(std::string(256, 'x')).empty());
  CHECK(base::unique_candidate_id(1) != base::unique_candidate_id(2));
  CHECK(base::what_is_wrong_with_candidate(base::unique_candidate_id(~0ULL)).empty());
}

TEST_CASE("store URLs") {
  auto const file = base::parse_store_url("file:/var/lib/my%20app");
  CHECK(file.scheme == "file");
  CHECK(file.path == "/var/lib/my app");
  CHECK(file.authority.empty());
  CHECK(base::parse_store_url("file:///x").path == "/x");
  CHECK(base::parse_store_url("memory:").path.empty());
  for (auto const* bad :
       {"", "no scheme", "/var/lib", "file:/x?y=1", "etcd://user:secret@h/", "etcd://[::1]@/", "file:/x#y"}) {
    try {
      base::parse_store_url(bad);
      FAIL(bad);
    } catch (election_error const& e) {
      CHECK(e.code() == errc::bad_options);
      CHECK(std::string(e.what()).find("store URL") == 0);
      CHECK(std::string(e.what()).find("secret") == std::string::npos);
    }
  }
}

TEST_CASE("JSON: written flat and in order, read with care") {
  base::json_writer w;
  w.add("event", "leader").add("token", std::uint64_t{18'446'744'073'709'551'615U}).add("ok", true);
  w.add("n", std::int64_t{-1}).add("bad", std::string_view("\xff"));
  CHECK(w.line() == R"({"event":"leader","token":18446744073709551615,"ok":true,"n":-1,"bad":"�"})");
  auto const r = base::json_reader::parse(R"({"a":"x","n":5,"neg":-5,"f":1.5,"o":{"b":1}})");
  REQUIRE(r);
  CHECK(r->text("a") == "x");
  CHECK(r->number("n") == 5U);
  CHECK_FALSE(r->number("neg"));
  CHECK_FALSE(r->number("f"));
  CHECK_FALSE(r->number("a"));
  CHECK_FALSE(r->text("missing"));
  for (auto const* bad : {"", "[]", "{", "{} x", "null", "{\"a\":NaN}"}) CHECK_FALSE(base::json_reader::parse(bad));
  CHECK_FALSE(base::json_reader::parse("{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}"));
}

TEST_CASE("a forked child knows that it is not its parent, and has a name of its own", "[P5][etcd][azure][file]") {
  auto const parent = base::this_process();
  REQUIRE(base::in_process(parent));
  auto const child = ::fork();
  if (child == 0) {
    bool const stranger = !base::in_process(parent);
    auto const own = base::this_process();
    bool const named = own != parent && own != 0 && base::in_process(own) && !base::in_process(parent);
    ::_exit(stranger && named ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(base::in_process(parent));
}

TEST_CASE("a fence lets tokens pass that are not below the highest seen") {
  fence f(5);
  CHECK_FALSE(f.admit(0));
  CHECK_FALSE(f.admit(4));
  CHECK(f.admit(5));
  CHECK(f.admit(7));
  CHECK_FALSE(f.admit(6));
  CHECK(f.highest() == 7);
}
