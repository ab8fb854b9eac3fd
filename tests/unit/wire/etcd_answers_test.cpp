// What etcd answers, in the dialects of its gateways; texts as real servers sent them.
#include "wire/etcd_answers.hpp"
#include "support/catch.hpp"
#include "wire/etcd_record.hpp"
#include "wire/etcd_verdict.hpp"

using namespace coelect;
using namespace coelect::wire::etcd;

namespace {

constexpr auto H =
    R"("header":{"cluster_id":"12101053776118486841","member_id":"15985099378392235387","revision":"4","raft_term":"2"})";
std::string with_header(std::string const& rest) { return "{" + std::string(H) + rest + "}"; }

}  // namespace

TEST_CASE("a header keeps all 64 bits") {
  auto const h = read_header(with_header(""));
  REQUIRE(h);
  CHECK(h->cluster_id == 12101053776118486841ULL);
  CHECK(h->revision == 4);
  CHECK(h->raft_term == 2);
  CHECK_FALSE(read_header("{}"));
  CHECK_FALSE(read_header(R"({"header":{"revision":"x"}})"));
  CHECK_FALSE(read_header(R"({"header":{"revision":"99999999999999999999"}})"));
}

TEST_CASE("numbers may come as numbers, and absent ones are zero", "[H5][etcd]") {
  auto const a = read_keepalive(R"({"result":{"header":{"revision":4,"raft_term":2},"ID":77,"TTL":10}})");
  REQUIRE(a);
  CHECK(a->lease == 77);
  CHECK(a->ttl == 10);
  auto const gone = read_keepalive("{\"result\":{" + std::string(H) + R"(,"ID":"424242"}})" + "\n");
  REQUIRE(gone);
  CHECK(gone->ttl == 0);
  CHECK_FALSE(read_keepalive(R"({"result":{"ID":"1","TTL":"10"}})"));
  CHECK_FALSE(read_keepalive(with_header(R"(,"ID":"1","TTL":"10")")));
  CHECK_FALSE(read_keepalive(R"({"error":{"grpc_code":14,"message":"etcdserver: no leader"}})"));
  CHECK_FALSE(read_keepalive("{\"result\":{" + std::string(H) + R"(,"ID":"1","TTL":"ten"}})"));
}

TEST_CASE("a grant without a lease is no grant", "[H5][etcd]") {
  CHECK(read_grant(with_header(R"(,"ID":"9041998786639677200","TTL":"10")"))->ttl == 10);
  CHECK_FALSE(read_grant(with_header("")));
  CHECK_FALSE(read_grant(with_header(R"(,"ID":"5")")));
  CHECK_FALSE(read_grant(with_header(R"(,"ID":"5","TTL":"-1")")));
}

TEST_CASE("a transaction's answer has what was asked for, or is none", "[H5][etcd]") {
  auto const body = with_header(
      R"(,"succeeded":true,"responses":[{"response_put":{"header":{"revision":"4"}}},{"response_range":{"header":{"revision":"4"},"kvs":[{"key":"cDEvYQ==","create_revision":"2","mod_revision":"3","version":"1","value":"dg==","lease":"7"}],"more":true,"count":"2"}}])");
  auto const a = read_txn(body, 2, 1);
  REQUIRE(a);
  CHECK(a->succeeded);
  REQUIRE(a->operations.size() == 2);
  REQUIRE(a->operations[1].kvs.size() == 1);
  CHECK(a->operations[1].kvs[0].key == "p1/a");
  CHECK(a->operations[1].kvs[0].create_revision == 2);
  CHECK(a->operations[1].kvs[0].lease == 7);
  CHECK_FALSE(read_txn(body, 1, 1));
  CHECK_FALSE(read_txn(with_header(R"(,"succeeded":true)"), 2, 1));
  CHECK_FALSE(read_txn(with_header(R"(,"succeeded":"yes","responses":[{},{}])"), 2, 2));
  CHECK_FALSE(read_txn(with_header(R"(,"responses":[{"unknown":{}}])"), 2, 1));
  auto const failed = read_txn(with_header(R"(,"responses":[{"response_range":{"header":{}}}])"), 2, 1);
  REQUIRE(failed);
  CHECK_FALSE(failed->succeeded);
  CHECK(failed->operations[0].kvs.empty());
}

TEST_CASE("the answer of transactions in one list is taken apart", "[H5][etcd]") {
  auto const put = R"({"response_put":{"header":{"revision":"4"}}})";
  auto const range =
      R"({"response_range":{"header":{"revision":"4"},"kvs":[{"key":"cDEvYQ==","create_revision":"4"}]}})";
  auto const list = std::string(put) + "," + put + "," + put + "," + range;
  std::vector<txn_shape> const shapes{{1, 1}, {2, 0}};
  auto const a = read_joined(with_header(R"(,"succeeded":true,"responses":[)" + list + "]"), 1, shapes);
  REQUIRE(a);
  REQUIRE(a->parts.size() == 2);
  CHECK(a->parts[0].succeeded);
  CHECK(a->parts[0].header.revision == 4);
  CHECK(a->parts[0].operations.size() == 1);
  REQUIRE(a->parts[1].operations.size() == 2);
  REQUIRE(a->parts[1].operations[1].kvs.size() == 1);
  CHECK(a->parts[1].operations[1].kvs[0].key == "p1/a");
  CHECK_FALSE(read_joined(with_header(R"(,"succeeded":true,"responses":[)" + list + "]"), 0, shapes));
  CHECK_FALSE(read_joined(with_header(R"(,"succeeded":true)"), 1, shapes));
  auto const failed = read_joined(with_header(""), 1, shapes);
  REQUIRE(failed);
  REQUIRE(failed->parts.size() == 2);
  CHECK_FALSE(failed->parts[1].succeeded);
}

TEST_CASE("keys that are not base64, or empty, make an answer worthless", "[H5][etcd]") {
  CHECK_FALSE(read_range(with_header(R"(,"kvs":[{"key":"%%"}])")));
  CHECK_FALSE(read_range(with_header(R"(,"kvs":[{"value":"dg=="}])")));
  CHECK(read_range(with_header(""))->kvs.empty());
}

TEST_CASE("garbage of every kind is no answer", "[H5][etcd]") {
  std::string const deep = std::string(100, '[') + std::string(100, ']');
  for (std::string const& text :
       {std::string(), std::string("null"), std::string("[]"), std::string("404 page not found"), std::string("{"),
        with_header(",").substr(0, 40), "{\"header\":" + deep + "}", std::string("{\"header\":\"\xff\xfe\"}"),
        std::string("{} {}"), std::string("NaN")}) {
    INFO(text);
    CHECK_FALSE(read_header(text));
    CHECK_FALSE(read_keepalive(text));
    CHECK_FALSE(read_grant(text));
    CHECK_FALSE(read_txn(text, 0, 0));
    CHECK_FALSE(read_range(text));
    CHECK_FALSE(read_watch_line(text));
    CHECK_FALSE(read_token(text));
  }
}

TEST_CASE("an error is read in every dialect", "[H6][etcd]") {
  auto const check = [](char const* body, int code, char const* message) {
    auto const f = read_failure(404, body);
    INFO(body);
    CHECK(f.code == code);
    CHECK(f.message == message);
  };
  check(
      R"({"error":"etcdserver: requested lease not found","message":"etcdserver: requested lease not found","code":5})",
      5, "etcdserver: requested lease not found");
  check(R"({"error":"m","code":3})", 3, "m");
  check(R"({"code":5, "message":"Not Found"})", 5, "Not Found");
  check(
      R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"Service Unavailable"}})",
      14, "etcdserver: no leader");
  check(R"({"error":{"code":14,"message":"etcdserver: no leader"}})", 14, "etcdserver: no leader");
  check("404 page not found\n", 0, "HTTP status 404: 404 page not found");
  check("", 0, "HTTP status 404");
}

TEST_CASE("what an answer means", "[H1][H2][H3][S4][etcd]") {
  auto const judge_it = [](int status, int code, char const* message) { return judge(status, {code, message}, ""); };
  auto v = judge_it(503, 14, "etcdserver: request timed out");
  CHECK(v.ec == errc::timed_out);
  CHECK(v.next == next_step::elsewhere);
  CHECK(v.may_have_happened);
  CHECK(judge_it(503, 14, "etcdserver: no leader").ec == errc::unreachable);
  CHECK(judge_it(504, 4, "context deadline exceeded").ec == errc::timed_out);
  v = judge_it(404, 5, "etcdserver: requested lease not found");
  CHECK(v.ec == errc::lease_lost);
  CHECK_FALSE(v.may_have_happened);
  for (int status : {400, 412}) CHECK(judge_it(status, 9, "etcdserver: lease already exists").lease_exists);
  CHECK(judge_it(401, 16, "etcdserver: invalid auth token").next == next_step::login);
  CHECK(judge_it(400, 3, "etcdserver: revision of auth store is old").next == next_step::login);
  CHECK(judge_it(400, 3, "etcdserver: user name is empty").next == next_step::login);
  CHECK(judge_it(400, 3, "etcdserver: authentication failed, invalid user ID or password").ec == errc::unauthorized);
  CHECK(judge_it(403, 7, "etcdserver: permission denied").ec == errc::unauthorized);
  CHECK(judge_it(412, 9, "etcdserver: authentication is not enabled").ec == errc::unauthorized);
  v = judge_it(429, 8, "etcdserver: mvcc: database space exceeded");
  CHECK(v.ec == errc::overloaded);
  CHECK(v.may_have_happened);  // said after the transaction was applied, too
  CHECK(judge_it(500, 2, "etcdserver: too many requests").ec == errc::overloaded);
  CHECK(judge_it(500, 2, "context deadline exceeded").may_have_happened);
  v = judge_it(404, 0, "HTTP status 404: 404 page not found");
  CHECK(v.ec == errc::not_found);
  CHECK(v.message.find("enable-grpc-gateway") != std::string::npos);
  CHECK(judge_it(404, 5, "Not Found").ec == errc::not_found);
  CHECK(judge(307, {0, "HTTP status 307"}, "https://elsewhere").message.find("https://elsewhere") != std::string::npos);
  CHECK(judge_it(400, 3, "etcdserver: request is too large").ec == errc::bad_options);
  CHECK(judge_it(400, 0, "HTTP status 400: CommonName of client sending a request").ec == errc::unauthorized);
  CHECK(judge_it(502, 0, "HTTP status 502").ec == errc::unreachable);
}

TEST_CASE("watch lines", "[H6][etcd]") {
  auto line = read_watch_line("{\"result\":{" + std::string(H) + R"(,"created":true}})");
  REQUIRE(line);
  CHECK(line->created);
  line = read_watch_line(
      R"({"result":{"header":{"revision":"18"},"events":[{"type":"DELETE","kv":{"key":"dy9r","mod_revision":"18"}},{"kv":{"key":"dy9r","create_revision":"16","mod_revision":"17","value":"Mg=="}}]}})");
  REQUIRE(line);
  REQUIRE(line->events.size() == 2);
  CHECK(line->events[0].deleted);
  CHECK(line->events[0].kv.mod_revision == 18);
  CHECK_FALSE(line->events[1].deleted);
  CHECK(line->events[1].kv.value == "2");
  line = read_watch_line(R"({"result":{"header":{"cluster_id":"1"},"canceled":true,"compact_revision":"29"}})");
  REQUIRE(line);
  CHECK(line->canceled);
  CHECK(line->compact_revision == 29);
  line = read_watch_line(
      R"({"result":{"header":{},"watch_id":"-1","created":true,"canceled":true,"cancel_reason":"rpc error: code = Unauthenticated desc = etcdserver: invalid auth token"}})");
  REQUIRE(line);
  CHECK(line->canceled);
  CHECK(line->watch_id == -1);
  CHECK(line->cancel_reason.find("invalid auth token") != std::string::npos);
  line = read_watch_line(R"({"result":{"header":{},"watch_id":"4611686018427387904","created":true}})");
  REQUIRE(line);
  CHECK(line->watch_id == 4611686018427387904);
  CHECK_FALSE(read_watch_line(R"({"result":{"header":{},"watch_id":"9223372036854775808"}})"));
  line = read_watch_line(R"({"error":{"grpc_code":4,"http_code":504,"message":"context deadline exceeded"}})");
  REQUIRE(line);
  REQUIRE(line->error);
  CHECK(line->error->code == 4);
  CHECK_FALSE(read_watch_line(R"({"result":{"header":{},"events":[{"type":"EXPLODE","kv":{"key":"YQ=="}}]}})"));
  CHECK_FALSE(read_watch_line(R"({"result":{"header":{},"events":[{"kv":{}}]}})"));
}

TEST_CASE("a candidate's record goes there and back; what others wrote is a name") {
  using namespace std::chrono;
  system_clock::time_point const since(milliseconds(1'760'000'000'123));
  key_value kv;
  kv.create_revision = 42;
  kv.value = write_record("A", "http://h\"1\"", since, false);
  auto leader = read_record(kv);
  CHECK(leader.candidate() == "A");
  CHECK(leader.value() == "http://h\"1\"");
  CHECK(leader.since() == since);
  CHECK(leader.fencing_token() == 42);
  kv.value = write_record("A", "", since, false);
  CHECK(read_record(kv).value().empty());
  kv.value = write_record("A", "v", since, true);
  CHECK(kv.value == "v");
  CHECK(write_record("A", "", since, true) == "A");
  for (auto const* foreign : {"ctl-A", "", "{\"other\":1}", "{\"candidate\":7}", "\xff\x01"}) {
    kv.value = foreign;
    CHECK(read_record(kv).candidate() == foreign);
    CHECK(read_record(kv).since() == system_clock::time_point());
  }
  kv.value = R"({"candidate":"A","since_ms":"9223372036854775807"})";
  CHECK(read_record(kv).since() == system_clock::time_point());
}
