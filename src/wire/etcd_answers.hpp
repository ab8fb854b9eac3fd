// Reads what etcd's JSON gateway answers, in each of its dialects. Nothing: the answer broke the protocol.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coelect::wire::etcd {

/// Every answer's header. Absent numbers are 0, as protobuf has it.
struct answer_header {
  std::uint64_t cluster_id = 0;
  std::uint64_t member_id = 0;
  std::int64_t revision = 0;
  std::uint64_t raft_term = 0;
};

struct key_value {
  std::string key;
  std::string value;
  std::int64_t create_revision = 0;
  std::int64_t mod_revision = 0;
  std::int64_t lease = 0;
};

struct lease_answer {
  answer_header header;
  std::int64_t lease = 0;
  std::int64_t ttl = 0;  ///< Seconds; 0: the lease is gone.
};
std::optional<lease_answer> read_grant(std::string_view body);
std::optional<lease_answer> read_keepalive(std::string_view body);

struct range_answer {
  answer_header header;
  std::vector<key_value> kvs;
};
std::optional<range_answer> read_range(std::string_view body);

/// What one operation of a transaction gave; puts give nothing.
struct operation_answer {
  std::vector<key_value> kvs;
  std::int64_t deleted = 0;
};
struct txn_answer {
  answer_header header;
  bool succeeded = false;
  std::vector<operation_answer> operations;
};
/// Also nothing when the number of operations is not the one that was asked for.
std::optional<txn_answer> read_txn(std::string_view body, std::size_t on_success, std::size_t on_failure);

/// How many operations the two lists of a transaction have.
struct txn_shape {
  std::size_t on_success = 0, on_failure = 0;
};
/// Of a transaction whose operations are `ahead` deletions and then others as a whole, one for each shape. With a condition it
/// may have failed as a whole and done nothing: then so has each part.
struct batch_answer {
  answer_header header;  ///< The only one: keys made in any part share its revision as their create revision.
  std::vector<txn_answer> parts;
};
std::optional<batch_answer> read_batch(std::string_view body, std::size_t ahead, std::vector<txn_shape> const& shapes,
                                       bool conditional = false);
/// Of one whose operations are those deletions and then the first lists of all shapes, one after the other. All have succeeded,
/// or all have failed.
std::optional<batch_answer> read_joined(std::string_view body, std::size_t ahead, std::vector<txn_shape> const& shapes);

std::optional<answer_header> read_header(std::string_view body);  ///< revoke and whatever has nothing else.
std::optional<std::string> read_token(std::string_view body);     ///< authenticate.

/// A gRPC status as the gateway shows it.
struct failure {
  int code = 0;  ///< gRPC's, 0 when there was none.
  std::string message;
};
/// From an error body of any dialect, or else from the HTTP status and whatever text came.
failure read_failure(int http_status, std::string_view body);

struct watch_event {
  bool deleted = false;
  key_value kv;  ///< A deletion has key and mod_revision only.
};
/// One line of a watch stream, or one message of a WebSocket.
struct watch_message {
  answer_header header;
  std::int64_t watch_id = 0;  ///< -1: of none, as an answer to progress_body(), or of one that was refused.
  bool created = false;
  bool canceled = false;
  bool fragment = false;  ///< More events of the same revision follow.
  std::int64_t compact_revision = 0;
  std::string cancel_reason;
  std::vector<watch_event> events;
  std::optional<failure> error;  ///< The stream ends with this.
};
std::optional<watch_message> read_watch_line(std::string_view line);

}  // namespace coelect::wire::etcd
