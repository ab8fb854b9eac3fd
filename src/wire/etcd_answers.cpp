// Reads what etcd's JSON gateway answers, in each of its dialects. Nothing: the answer broke the protocol.
#include "wire/etcd_answers.hpp"
#include "base/base64.hpp"
#include "base/json.hpp"
#include <iterator>
#include <limits>
#include <utility>

namespace coelect::wire::etcd {
namespace {

using base::json_document;
using base::json_node;

/// Reads members of one object; what is absent is protobuf's default, what is there and wrong is remembered.
class members {
public:
  explicit members(json_node of) : of_(of) {}

  std::int64_t integer(std::string_view name) { return value(name, of_.integer(name), std::int64_t{0}); }
  /// Of what is sensible one more can be counted.
  std::int64_t revision(std::string_view name) {
    auto const value = integer(name);
    also(value >= 0 && value < std::numeric_limits<std::int64_t>::max());
    return value;
  }
  std::uint64_t natural(std::string_view name) { return value(name, of_.natural(name), std::uint64_t{0}); }
  std::string_view view(std::string_view name) { return value(name, of_.view(name), std::string_view()); }
  std::string text(std::string_view name) { return std::string(view(name)); }
  bool flag(std::string_view name) { return value(name, of_.flag(name), false); }
  std::string bytes(std::string_view name) {
    auto decoded = base::from_base64(view(name));
    if (!decoded) broken_ = true;
    return std::move(decoded).value_or(std::string());
  }
  void also(bool fine) { broken_ = broken_ || !fine; }
  bool fine() const noexcept { return !broken_; }

private:
  template <class T>
  T value(std::string_view name, std::optional<T> found, T otherwise) {
    if (!found && of_.has(name)) broken_ = true;
    return std::move(found).value_or(std::move(otherwise));
  }

  json_node of_;
  bool broken_ = false;
};

bool read(json_node node, answer_header& header) {
  members m(node);
  header.cluster_id = m.natural("cluster_id");
  header.member_id = m.natural("member_id");
  header.revision = m.revision("revision");
  header.raft_term = m.natural("raft_term");
  return m.fine();
}

bool read_header_of(json_node answer, answer_header& header) {
  auto const node = answer.child("header");
  return node && read(*node, header);
}

bool read(json_node node, key_value& kv) {
  members m(node);
  kv.key = m.bytes("key");
  kv.value = m.bytes("value");
  kv.create_revision = m.revision("create_revision");
  kv.mod_revision = m.revision("mod_revision");
  kv.lease = m.integer("lease");
  return m.fine() && !kv.key.empty();
}

bool read_all(json_node range, std::vector<key_value>& kvs) {
  for (auto const& node : range.children("kvs"))
    if (!read(node, kvs.emplace_back())) return false;
  return true;
}

std::optional<lease_answer> read_lease(json_node node) {
  lease_answer answer;
  members m(node);
  m.also(read_header_of(node, answer.header));
  answer.lease = m.integer("ID");
  answer.ttl = m.integer("TTL");
  if (!m.fine()) return std::nullopt;
  return answer;
}

bool read(json_node node, operation_answer& answer) {
  if (auto const range = node.child("response_range")) return read_all(*range, answer.kvs);
  if (auto const deletion = node.child("response_delete_range")) {
    members m(*deletion);
    answer.deleted = m.integer("deleted");
    return m.fine();
  }
  return node.child("response_put").has_value();
}

bool read(json_node node, txn_shape const& shape, txn_answer& answer) {
  members m(node);
  answer.succeeded = m.flag("succeeded");
  for (auto const& operation : node.children("responses")) m.also(read(operation, answer.operations.emplace_back()));
  return m.fine() && answer.operations.size() == (answer.succeeded ? shape.on_success : shape.on_failure);
}

bool read(json_node node, watch_event& event) {
  members m(node);
  auto const type = m.view("type");
  event.deleted = type == "DELETE";
  auto const kv = node.child("kv");
  bool const known = type.empty() || type == "PUT" || event.deleted;
  return m.fine() && known && kv && read(*kv, event.kv);
}

failure read_error(json_node node) {
  failure what;
  auto code = node.integer("code");
  if (!code) code = node.integer("grpc_code");
  constexpr int unknown = 2;  // gRPC's own; a number cut down to 32 bits would be another code
  what.code = std::in_range<int>(code.value_or(0)) ? static_cast<int>(code.value_or(0)) : unknown;
  what.message = node.text("message").value_or("");
  return what;
}

}  // namespace

std::optional<lease_answer> read_grant(std::string_view body) {
  auto const document = json_document::parse(body);
  if (!document) return std::nullopt;
  auto answer = read_lease(document->root());
  if (answer && (answer->lease == 0 || answer->ttl <= 0)) return std::nullopt;
  return answer;
}

std::optional<lease_answer> read_keepalive(std::string_view body) {
  auto const document = json_document::parse(body);
  if (!document) return std::nullopt;
  auto const result = document->root().child("result");
  return result ? read_lease(*result) : std::nullopt;
}

std::optional<range_answer> read_range(std::string_view body) {
  auto const document = json_document::parse(body);
  if (!document) return std::nullopt;
  range_answer answer;
  if (!read_header_of(document->root(), answer.header) || !read_all(document->root(), answer.kvs)) return std::nullopt;
  return answer;
}

std::optional<txn_answer> read_txn(std::string_view body, std::size_t on_success, std::size_t on_failure) {
  auto const document = json_document::parse(body);
  if (!document) return std::nullopt;
  txn_answer answer;
  bool const fine =
      read_header_of(document->root(), answer.header) && read(document->root(), {on_success, on_failure}, answer);
  if (!fine) return std::nullopt;
  return answer;
}

// The headers of nested answers are empty in some versions, and say nothing that the outer one does not.
std::optional<batch_answer> read_batch(std::string_view body, std::size_t ahead, std::vector<txn_shape> const& shapes,
                                       bool conditional) {
  auto const document = json_document::parse(body);
  if (!document) return std::nullopt;
  auto const root = document->root();
  batch_answer answer;
  members m(root);
  m.also(read_header_of(root, answer.header));
  bool const succeeded = m.flag("succeeded");
  auto const responses = root.children("responses");
  if (conditional && !succeeded && responses.empty() && m.fine()) {
    answer.parts.assign(shapes.size(), txn_answer{answer.header, false, {}});
    return answer;
  }
  m.also(succeeded);
  if (!m.fine() || responses.size() != ahead + shapes.size()) return std::nullopt;
  for (std::size_t i = 0; i < ahead; ++i)
    if (!responses[i].child("response_delete_range")) return std::nullopt;
  answer.parts.reserve(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    auto const inner = responses[ahead + i].child("response_txn");
    auto& part = answer.parts.emplace_back();
    part.header = answer.header;
    if (!inner || !read(*inner, shapes[i], part)) return std::nullopt;
  }
  return answer;
}

std::optional<batch_answer> read_joined(std::string_view body, std::size_t ahead,
                                        std::vector<txn_shape> const& shapes) {
  std::size_t operations = ahead;
  for (auto const& shape : shapes) operations += shape.on_success;
  auto all = read_txn(body, operations, 0);
  if (!all) return std::nullopt;
  batch_answer answer;
  answer.header = all->header;
  answer.parts.assign(shapes.size(), txn_answer{all->header, all->succeeded, {}});
  if (!all->succeeded) return answer;
  auto next = all->operations.begin() + static_cast<std::ptrdiff_t>(ahead);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    auto const end = next + static_cast<std::ptrdiff_t>(shapes[i].on_success);
    answer.parts[i].operations.assign(std::make_move_iterator(next), std::make_move_iterator(end));
    next = end;
  }
  return answer;
}

std::optional<answer_header> read_header(std::string_view body) {
  auto const document = json_document::parse(body);
  answer_header header;
  if (!document || !read_header_of(document->root(), header)) return std::nullopt;
  return header;
}

std::optional<std::string> read_token(std::string_view body) {
  auto const document = json_document::parse(body);
  auto token = document ? document->root().text("token") : std::nullopt;
  if (token && token->empty()) return std::nullopt;
  return token;
}

// {"error":M,"message":M,"code":N} or {"code":N,"message":M}; inside a stream {"error":{"grpc_code":N,...}} or
// {"error":{"code":N,...}}; the server's own pages (404, 405, 421) are plain text.
failure read_failure(int http_status, std::string_view body) {
  auto const document = json_document::parse(body);
  if (document) {
    auto const nested = document->root().child("error");
    auto what = read_error(nested ? *nested : document->root());
    if (what.message.empty()) what.message = document->root().text("error").value_or("");
    if (what.code != 0 || !what.message.empty()) return what;
  }
  auto const line = body.substr(0, body.find('\n'));
  return {0, "HTTP status " + std::to_string(http_status) + (line.empty() ? "" : ": ") + std::string(line)};
}

std::optional<watch_message> read_watch_line(std::string_view line) {
  auto const document = json_document::parse(line);
  if (!document) return std::nullopt;
  auto const root = document->root();
  watch_message message;
  if (root.has("error")) {
    message.error = read_failure(200, line);
    return message;
  }
  auto const result = root.child("result");
  if (!result) return std::nullopt;
  members m(*result);
  m.also(read_header_of(*result, message.header));
  message.watch_id = m.integer("watch_id");
  message.created = m.flag("created");
  message.canceled = m.flag("canceled");
  message.fragment = m.flag("fragment");
  message.compact_revision = m.revision("compact_revision");
  message.cancel_reason = m.text("cancel_reason");
  for (auto const& node : result->children("events")) m.also(read(node, message.events.emplace_back()));
  if (!m.fine()) return std::nullopt;
  return message;
}

}  // namespace coelect::wire::etcd
