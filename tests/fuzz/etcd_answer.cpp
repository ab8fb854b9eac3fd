// Bodies of etcd's answers: every decoder, the verdict on failures, and the JSON reader below them.
#include "base/base64.hpp"
#include "base/json.hpp"
#include "fuzz.hpp"
#include "wire/etcd_answers.hpp"
#include "wire/etcd_record.hpp"
#include "wire/etcd_verdict.hpp"
#include <array>
#include <limits>
#include <string>
#include <vector>

namespace coelect::fuzz {
namespace {

using namespace wire::etcd;

void check(answer_header const& header) { must(header.revision >= 0, "a revision is not negative"); }

void check(key_value const& kv) {
  must(!kv.key.empty(), "a key is not empty");
  auto const leader = read_record(kv);
  must(leader.fencing_token() == static_cast<std::uint64_t>(kv.create_revision), "the token is the create revision");
  must(leader.since() >= std::chrono::system_clock::time_point(), "nobody has led since before 1970");
  must(kv.value.empty() || !leader.candidate().empty(), "a key with a value shows a candidate");
}

std::vector<txn_shape> const shapes{{1, 1}, {2, 0}};

void check(std::optional<batch_answer> const& batch) {
  if (!batch) return;
  check(batch->header);
  must(batch->parts.size() == shapes.size(), "each part has its answer");
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    auto const& part = batch->parts[i];
    must(part.header.revision == batch->header.revision, "all parts share a commit");
    must(!part.succeeded || part.operations.size() == shapes[i].on_success,
         "a part has the answers that were asked for");
  }
}

void as_success(unsigned kind, std::string_view body) {
  switch (kind) {
    case 0:
      if (auto const a = read_grant(body)) {
        check(a->header);
        must(a->lease != 0 && a->ttl > 0, "a grant has a lease and a time to live");
      }
      break;
    case 1:
      if (auto const a = read_keepalive(body)) check(a->header);
      break;
    case 2:
      if (auto const a = read_range(body)) {
        check(a->header);
        for (auto const& kv : a->kvs) check(kv);
      }
      break;
    case 3:
      if (auto const a = read_txn(body, 2, 1)) {
        check(a->header);
        must(a->operations.size() == (a->succeeded ? 2U : 1U), "a transaction has the answers that were asked for");
        for (auto const& o : a->operations)
          for (auto const& kv : o.kvs) check(kv);
      }
      check(read_batch(body, 1, shapes, true));
      check(read_joined(body, 1, shapes));
      break;
    case 4:
      if (auto const h = read_header(body)) check(*h);
      break;
    case 5:
      if (auto const token = read_token(body)) must(!token->empty(), "a token is not empty");
      break;
    default: check(key_value{"k", std::string(body), 1, 1, 1});
  }
}

// The number that `member` holds, as a signed and as an unsigned one.
void numbers(base::json_node node, std::string_view member) {
  auto const integer = node.integer(member);
  auto const natural = node.natural(member);
  if (!node.has(member)) must(!integer && !natural, "what is missing has no number");
  if (integer && *integer > 0) must(natural == static_cast<std::uint64_t>(*integer), "a number is what it is");
  if (integer && *integer < 0) must(!natural, "a negative number is not natural");
  if (natural && *natural <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    must(integer == static_cast<std::int64_t>(*natural), "a natural number is a whole one");
}

void as_json(std::string_view body) {
  auto const document = base::json_document::parse(body);
  auto const reader = base::json_reader::parse(body);
  must(document.has_value() == reader.has_value(), "both readers take the same texts for JSON");
  if (!document) return;
  auto const root = document->root();
  for (auto const* name : {"a", "ID", "TTL", "code", "revision"}) {
    numbers(root, name);
    if (auto const number = reader->number(name)) must(root.natural(name) == number, "both readers read one number");
    must(root.text(name) == reader->text(name), "both readers read one text");
    if (auto const text = root.text(name)) {
      auto const again = base::json_reader::parse("{\"a\":" + base::json_quoted(*text) + "}");
      must(again && again->text("a") == text, "a text that was read can be written and read again");
    }
    if (auto const bytes = base::from_base64(root.text(name).value_or("")))
      must(base::from_base64(base::base64(*bytes)) == bytes, "bytes survive base64");
    for (auto const& child : root.children(name)) numbers(child, "a");
    if (auto const child = root.child(name)) numbers(*child, "a");
  }
}

// Where read_failure() takes its code from, read independently.
constexpr int unknown = 2;  // gRPC's code for codes that it does not know

void code_is_whole(std::string_view body, failure const& said) {
  auto const document = base::json_document::parse(body);
  if (!document) return must(said.code == 0, "a page has no gRPC code");
  auto const nested = document->root().child("error");
  auto const from = nested ? *nested : document->root();
  auto const code = from.integer("code") ? from.integer("code") : from.integer("grpc_code");
  must(said.code == 0 || said.code == unknown || code == said.code, "a gRPC code is not cut down to another one");
}

void as_failure(int status, std::string_view body) {
  auto const said = read_failure(status, body);
  code_is_whole(body, said);
  auto const v = judge(status, said, "http://elsewhere:2379/");
  must(static_cast<bool>(v.ec), "a failure has a code");
  must(!v.message.empty() || said.code != 0, "a failure without a code has a message");
  must(v.next != next_step::login || v.ec == errc::unauthorized, "a login follows only a refusal");
  must(!v.lease_exists || v.next == next_step::give_up, "a lease that exists is found, not sought elsewhere");
  must(!v.lease_exists || !v.may_have_happened, "what was refused has not happened");
  must(v.ec != errc::lease_lost || !v.may_have_happened, "a lost lease is lost");
}

}  // namespace

void etcd_answer(std::string_view bytes) {
  constexpr std::array statuses{200, 301, 400, 401, 403, 404, 408, 412, 421, 429, 500, 503, 504, 0, 999, -1};
  dealer input(bytes);
  auto const kind = input.choice(9);
  if (kind < 7) return as_success(kind, input.rest());
  if (kind == 7) return as_json(input.rest());
  auto const status = statuses[input.choice(statuses.size())];
  as_failure(status, input.rest());
}

}  // namespace coelect::fuzz
