// Builds requests to the Blob service for one blob, and reads what its answers mean.
#pragma once
#include "http/message.hpp"
#include <coelect/error.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coelect::wire::azure {

/// A container or a blob in it, as a request's path.
struct blob_path {
  std::string container;  ///< "/account/container" or "/container"
  std::string blob;       ///< Encoded, without the slash before it.
  std::string full() const { return container + "/" + blob; }
};

/// What leads, as it stands in the blob's metadata. Texts travel in base64: metadata is ASCII.
struct leader_record {
  std::uint64_t term = 0;
  std::string candidate;
  std::string value;
  std::int64_t since_ms = 0;  ///< Unix time.
  bool fresh = false;         ///< The blob was made by a candidate, and no term has been counted yet.
  std::string nonce;          ///< Of the write: tells our own one, whose answer was lost, from others.
};

// Requests without x-ms-date, x-ms-version and authorization, which are made anew for each try.
http::request create_container(blob_path const& where);
/// Only if there is none; its first term is `seed`.
http::request create_blob(blob_path const& where, std::uint64_t seed);
http::request acquire(blob_path const& where, std::string const& lease, int seconds);
http::request renew(blob_path const& where, std::string const& lease);
http::request release(blob_path const& where, std::string const& lease);
/// `at_once`: the lease is free now; else when it would have run out.
http::request break_lease(blob_path const& where, bool at_once);
http::request properties(blob_path const& where);
http::request write_record(blob_path const& where, std::string const& lease, std::string const& etag,
                           leader_record const& record);
/// A blob of the leader's own, written only if it is still as it was read; an empty etag: only if there is none.
http::request write_state(blob_path const& where, std::string const& etag, std::uint64_t term, std::string content);

/// Adds what every request carries. `limit`: whole seconds, at least 1, for the service itself.
void add_common(http::request& what, std::string const& date, std::string const& request_id, int limit);

struct blob_properties {
  bool leased = false;  ///< State "leased", not merely "breaking" or "expired".
  bool breaking = false;
  std::string etag;
  std::optional<leader_record> record;  ///< Nothing: the blob has no readable term.
  bool spent = false;  ///< It has one, but so large that none can follow it; beginning anew would take tokens back.
};
blob_properties read_properties(http::response const& answer);

/// What an answer other than success means.
enum class trouble {
  held = 1,  ///< Somebody else has the lease.
  not_mine,  ///< The lease is not, or not any more, ours.
  breaking,  ///< The lease is ours and being broken: it cannot be renewed.
  changed,   ///< If-Match or If-None-Match did not hold.
  no_blob,
  no_container,
  refused,        ///< Credentials or permissions.
  passing,        ///< Server busy, internal error: again later; it may have happened.
  wrong_request,  ///< Configuration or our mistake: again would be the same.
};
struct verdict {
  trouble what;
  error_code ec;
  std::string message;  ///< Code, and what the service says of it.
};
verdict judge(http::response const& answer);

bool already_there(http::response const& answer);  ///< create_blob and create_container: it exists.
std::string error_code_of(http::response const& answer);

}  // namespace coelect::wire::azure
