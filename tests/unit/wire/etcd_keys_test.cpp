// The key layout of an etcd store, and the bytes of requests.
#include "wire/etcd_keys.hpp"
#include "base/base64.hpp"
#include "support/catch.hpp"
#include "wire/etcd_requests.hpp"
#include <nlohmann/json.hpp>

using namespace coelect;
using namespace coelect::wire::etcd;
using nlohmann::json;

TEST_CASE("base64 goes there and back, and only real base64 comes back") {
  for (auto const* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
    CHECK(base::from_base64(base::base64(text)) == text);
  CHECK(base::base64("foobar") == "Zm9vYmFy");
  CHECK(base::base64("fo") == "Zm8=");
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  CHECK(base::from_base64(base::base64(every)) == every);
  for (auto const* bad : {"Zg", "Zg=", "Z===", "Zm9v!mFy", "Zm9v YmF", "=m9v", "Zg==Zg==", "Zm-_"}) {
    INFO(bad);
    CHECK_FALSE(base::from_base64(bad));
  }
}

TEST_CASE("a prefix ends where its last byte that can grow has grown") {
  CHECK(key_range::all_under("a/").end == "a0");
  CHECK(key_range::all_under(std::string("a\xff\xff")).end == "b");
  auto const all = key_range::all_under("");
  CHECK(all.key == std::string(1, '\0'));
  CHECK(all.end == std::string(1, '\0'));
  CHECK(all.contains("anything"));
  CHECK(key_range::all_under(std::string("\xff")).contains("\xff\xffz"));
  CHECK_FALSE(key_range::all_under("a/").contains("a"));
  CHECK_FALSE(key_range::all_under("a/").contains("a0"));
  CHECK(key_range::one("k").contains("k"));
  CHECK_FALSE(key_range::one("k").contains("ka"));
}

TEST_CASE("candidates stand where etcd's own election package puts them, and our room is not among them") {
  key_layout const keys("app/");
  CHECK(keys.candidate("leader", 0x694d) == "app/leader/694d");
  CHECK(key_layout("").candidate("election/x", 255) == "election/x/ff");
  CHECK(lease_hex(0x7fffffffffffffff) == "7fffffffffffffff");
  CHECK(keys.anchor(10) == "app/@coelect/a/anchor");
  CHECK(keys.room(10).contains(keys.generation(10)));
  CHECK(keys.room(10).contains(keys.depose_request("x/y", 10)));
  CHECK_FALSE(keys.room(10).contains(keys.anchor(11)));
  CHECK_FALSE(keys.room(1).contains(keys.anchor(16)));
  CHECK_FALSE(keys.candidates("leader").contains(keys.anchor(10)));
  CHECK(keys.candidates("leader").contains(keys.candidate("leader", 10)));
  CHECK_FALSE(keys.candidates("leader").contains(keys.candidate("leader2", 10)));
  CHECK(keys.nested_election("a", "app/a/694d").empty());
  CHECK(keys.nested_election("a", "app/a/b/694d") == "a/b");
  CHECK(keys.nested_election("a/b", "app/a/b/694d").empty());
  CHECK(keys.deposed_election(keys.depose_request("x/y", 10), 10) == "x/y");
  CHECK(keys.deposed_election(keys.anchor(10), 10).empty());
  CHECK(keys.deposed_election(keys.depose_request("x", 11), 10).empty());
}

TEST_CASE("requests are JSON that etcd understands, numbers as strings") {
  auto const grant = json::parse(grant_body(9223372036854775807, 15));
  CHECK(grant["ID"] == "9223372036854775807");
  CHECK(grant["TTL"] == "15");
  auto const watch = json::parse(watch_body({key_range::one("k"), 7, true}))["create_request"];
  CHECK(watch["key"] == "aw==");
  CHECK(watch["start_revision"] == "7");
  CHECK(watch["filters"][0] == "NOPUT");
  CHECK_FALSE(watch.contains("range_end"));
  CHECK_FALSE(watch.contains("watch_id"));
  auto const shared = json::parse(watch_body({key_range::one("k"), 7, true, 1LL << 62}))["create_request"];
  CHECK(shared["watch_id"] == "4611686018427387904");
  CHECK(json::parse(cancel_watch_body(9)) == json{{"cancel_request", {{"watch_id", "9"}}}});
  CHECK(json::parse(progress_body()) == json{{"progress_request", json::object()}});
  transaction txn;
  txn.when_created_at("k", 0)
      .when_modified_at("g", 5)
      .then(operation::put("k", "v\n", 9))
      .then(operation::erase(key_range::all_under("p/")))
      .otherwise(operation::range({key_range::one("k"), true, range_request::order::oldest_first, 1, 4}));
  auto const body = json::parse(txn.body());
  CHECK(body["compare"][0]["target"] == "CREATE");
  CHECK_FALSE(body["compare"][0].contains("create_revision"));  // 0 is protobuf's default
  CHECK(body["compare"][1]["mod_revision"] == "5");
  CHECK(body["success"][0]["request_put"]["lease"] == "9");
  CHECK(body["success"][0]["request_put"]["value"] == "dgo=");
  CHECK(body["success"][1]["request_delete_range"]["range_end"] == base::base64("p0"));
  auto const range = body["failure"][0]["request_range"];
  CHECK(range["sort_order"] == "ASCEND");
  CHECK(range["sort_target"] == "CREATE");
  CHECK(range["limit"] == "1");
  CHECK(range["max_create_revision"] == "4");
  CHECK(range["keys_only"] == true);
  transaction alone;
  alone.when_empty(key_range::all_under("p/"));
  auto const none = json::parse(alone.body())["compare"][0];
  CHECK(none == json{{"key", base::base64("p/")}, {"range_end", base::base64("p0")}, {"target", "CREATE"}});
}

TEST_CASE("a password may have any characters") {
  auto const body = json::parse(authenticate_body("al\"ice", base::secret("a\"b\\c\n\xc3\xa4")));
  CHECK(body["name"] == "al\"ice");
  CHECK(body["password"] == "a\"b\\c\n\xc3\xa4");
}
