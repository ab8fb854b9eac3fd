// Whatever names, values and numbers are: what is sent to etcd says just that, and keys stay in their rooms.
#include "base/base64.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "fuzz.hpp"
#include "wire/etcd_keys.hpp"
#include "wire/etcd_record.hpp"
#include "wire/etcd_requests.hpp"
#include <charconv>
#include <string>

namespace coelect::fuzz {
namespace {

using namespace wire::etcd;
using base::json_document;
using base::json_node;

bool says(json_node node, std::string_view member, std::string_view bytes) {
  auto const text = node.text(member);
  return text && base::from_base64(*text) == bytes;
}

void check_range(json_node node, key_range const& what) {
  must(says(node, "key", what.key), "a request names its key");
  must(what.end.empty() ? !node.has("range_end") : says(node, "range_end", what.end), "a request names its range");
}

void requests(std::string_view key, std::int64_t number) {
  auto const all = key_range::all_under(key);
  range_request range;
  range.what = all;
  range.keys_only = (number & 1) != 0;
  range.limit = number;
  range.created_up_to = number / 2;
  range.by_creation = range_request::order::oldest_first;
  auto const ranged = json_document::parse(range_body(range));
  must(ranged.has_value(), "a range request is JSON");
  check_range(ranged->root(), all);
  if (number > 0) must(ranged->root().integer("limit") == number, "a limit is sent as it is");

  watch_request watch;
  watch.what = all;
  watch.start_revision = number;
  auto const watched = json_document::parse(watch_body(watch));
  must(watched && watched->root().child("create_request"), "a watch request is JSON");
  check_range(*watched->root().child("create_request"), all);
}

void transactions(std::string_view key, std::string_view value, std::int64_t number) {
  auto const all = key_range::all_under(key);
  range_request range;
  range.what = all;
  transaction txn;
  txn.when_created_at(key, number).when_exists(value).when_modified_at(key, number);
  txn.then(operation::put(key, value, number)).then(operation::range(range)).otherwise(operation::erase(all));
  auto const document = json_document::parse(txn.body());
  must(document.has_value(), "a transaction is JSON");
  auto const root = document->root();
  auto const compare = root.children("compare"), success = root.children("success"), failure = root.children("failure");
  must(compare.size() == 3 && success.size() == 2 && failure.size() == 1, "a transaction has all its parts");
  // What is left out is protobuf's default, 0.
  must(says(compare[0], "key", key) && compare[0].integer("create_revision").value_or(0) == number,
       "a comparison says what");
  must(says(compare[1], "key", value) && compare[1].text("result") == "GREATER", "a comparison says how");
  auto const put = success[0].child("request_put");
  must(put && says(*put, "key", key) && says(*put, "value", value), "a put says what");
  must(put->integer("lease").value_or(0) == number, "a put names its lease");
  auto const erased = failure[0].child("request_delete_range");
  must(erased.has_value(), "a deletion is one");
  check_range(*erased, all);
}

void login(std::int64_t number, std::string_view user, std::string_view password) {
  auto const granted = json_document::parse(lease_body(number));
  must(granted && granted->root().integer("ID") == number, "a lease is named as it is");
  auto const document = json_document::parse(authenticate_body(user, base::secret(password)));
  must(document.has_value(), "a login is JSON");
  if (is_ascii(user)) must(document->root().text("name") == user, "a login names its user");
  if (is_ascii(password)) must(document->root().text("password") == password, "a login has its password");
}

void record(std::string_view candidate, std::string_view value, std::uint64_t since_ms) {
  auto const since = std::chrono::system_clock::time_point(std::chrono::milliseconds(since_ms % 9'000'000'000'000));
  key_value kv{"k", write_record(candidate, value, since, false), 7, 7, 1};
  auto const back = read_record(kv);
  must(back.fencing_token() == 7, "the token is the create revision");
  if (candidate.empty() || !is_ascii(candidate) || !is_ascii(value)) return;
  must(back.candidate() == candidate && back.value() == value, "a record reads back as written");
  must(back.since() == since, "the time reads back as written");
  kv.value = write_record(candidate, value, since, true);
  static_cast<void>(read_record(kv));
}

void ranges(std::string_view prefix, std::string_view key) {
  auto const all = key_range::all_under(prefix);
  if (!key.empty()) must(all.contains(key) == key.starts_with(prefix), "a range has what begins so, and nothing else");
  must(all.contains(std::string(prefix) + "x"), "a range has what begins so");
  must(key_range::one(std::string(key)).contains(key), "a key is itself");
}

void rooms(std::string_view prefix, std::string_view election, std::uint64_t number) {
  key_layout const keys{std::string(prefix)};
  auto const lease = static_cast<std::int64_t>(number);
  auto const own = keys.candidate(election, lease);
  auto const hex = lease_hex(lease);
  std::uint64_t back = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), back, 16);
  must(back == number, "a lease is named as it is");
  must(keys.candidates(election).contains(own), "a candidate stands in its election");
  must(keys.room(lease).contains(keys.anchor(lease)), "an anchor is in its room");
  must(keys.room(lease).contains(keys.generation(lease)), "a generation is in its room");
  must(keys.rooms().contains(keys.nothing()), "a room is among the rooms");
  must(!keys.room(lease).contains(keys.anchor(lease + (lease < 0 ? 1 : -1))), "rooms are apart");
  auto const asked = keys.depose_request(election, lease);
  must(keys.deposed_election(asked, lease) == election, "a request to resign names its election");
  must(keys.room(lease).contains(asked), "a request to resign is in the room of whom it is for");
  must(keys.deposed_election(election, lease).size() <= election.size(), "any key can be asked about");
  if (!base::what_is_wrong_with_election(election).empty()) return;
  must(!keys.candidates(election).contains(keys.anchor(lease)), "a room is no candidate");
  must(!keys.rooms().contains(own), "a candidate is in no room");
  must(keys.nested_election(election, own).empty(), "a candidate belongs to its own election");
  auto const inner = std::string(election) + "/x";
  must(keys.nested_election(election, keys.candidate(inner, lease)) == inner, "a nested election is seen");
}

}  // namespace

void etcd_request(std::string_view bytes) {
  dealer input(bytes);
  auto const kind = input.choice(6);
  auto const number = input.number();
  auto const first = input.piece();
  switch (kind) {
    case 0: return requests(first, static_cast<std::int64_t>(number));
    case 1: return login(static_cast<std::int64_t>(number), first, input.rest());
    case 2: return record(first, input.rest(), number);
    case 3: return ranges(first, input.rest());
    case 4: return transactions(first, input.rest(), static_cast<std::int64_t>(number));
    default: return rooms(first, input.rest(), number);
  }
}

}  // namespace coelect::fuzz
