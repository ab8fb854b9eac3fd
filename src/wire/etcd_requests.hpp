// Builds the bodies of requests to etcd's JSON gateway. Numbers are written as strings: 64 bits fit no double.
#pragma once
#include "base/secret.hpp"
#include "wire/etcd_keys.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace coelect::wire::etcd {

std::string grant_body(std::int64_t lease, std::int64_t ttl_seconds);
std::string lease_body(std::int64_t lease);  ///< keepalive and revoke.
std::string authenticate_body(std::string_view user, base::secret const& password);

/// How a watch is to begin. One create per POST: of a body with several objects etcd handles only the
/// first 512 bytes for sure.
struct watch_request {
  key_range what;
  std::int64_t start_revision = 0;  ///< 0: from now on.
  bool deletes_only = false;
  std::int64_t watch_id = 0;  ///< Ours, where several share a stream. 0: the server's.
};
std::string watch_body(watch_request const& how);
std::string cancel_watch_body(std::int64_t watch_id);
/// Answered with the member's revision; since 3.4.25 and 3.5.8 only while no watch of the stream lags behind.
std::string progress_body();

struct range_request {
  key_range what;
  bool keys_only = false;  ///< A stranger's huge value must harm nobody.
  enum class order { none = 1, oldest_first, newest_first } by_creation = order::none;
  std::int64_t limit = 0;          ///< 0: all.
  std::int64_t created_up_to = 0;  ///< 0: whenever.
};
std::string range_body(range_request const& how);
std::string delete_body(key_range const& what);

/// One operation of a transaction.
class operation {
public:
  static operation put(std::string_view key, std::string_view value, std::int64_t lease);
  static operation range(range_request const& how);
  static operation erase(key_range const& what);
  std::string const& json() const noexcept { return json_; }

private:
  explicit operation(std::string json) : json_(std::move(json)) {}
  std::string json_;
};

/// A transaction: if all comparisons hold, the first list is carried out, else the second.
class transaction {
public:
  transaction& when_created_at(std::string_view key, std::int64_t revision);  ///< 0: the key does not exist.
  /// No key is there. A comparison of a range holds for all its keys; without any, for one that does not exist.
  transaction& when_empty(key_range const& what);
  transaction& when_modified_at(std::string_view key, std::int64_t revision);
  transaction& when_exists(std::string_view key);
  transaction& then(operation const& what);
  /// A whole transaction as one operation; etcd weighs all comparisons before it carries anything out.
  transaction& then(transaction const& what);
  transaction& otherwise(operation const& what);
  /// Takes over the comparisons and the first list of `other`: either both are carried out or neither.
  transaction& join(transaction const& other);
  /// Goes before all operations of the first list so far.
  transaction& first(operation const& what);
  std::string body() const;
  void write(std::string& text) const;  ///< Adds the body to the end of `text`.
  std::size_t comparisons() const noexcept { return comparisons_; }
  std::size_t size() const noexcept { return compare_.size() + success_.size() + failure_.size(); }  ///< Bytes, about.

private:
  transaction& compare(key_range const& what, std::string_view target, std::string_view result, std::string_view field,
                       std::int64_t value);
  std::string compare_, success_, failure_;
  std::size_t comparisons_ = 0;
};

}  // namespace coelect::wire::etcd
