// Builds the bodies of requests to etcd's JSON gateway. Numbers are written as strings: 64 bits fit no double.
#include "wire/etcd_requests.hpp"
#include "base/base64.hpp"
#include "base/json.hpp"
#include <utility>

namespace coelect::wire::etcd {
namespace {

/// One JSON object, member after member. Names are ours and need no escaping.
class object {
public:
  object& raw(std::string_view name, std::string_view json) {
    text_ += text_.size() == 1 ? "\"" : ",\"";
    text_.append(name).append("\":").append(json);
    return *this;
  }
  object& number(std::string_view name, std::int64_t value) { return raw(name, "\"" + std::to_string(value) + "\""); }
  object& bytes(std::string_view name, std::string_view value) { return raw(name, "\"" + base::base64(value) + "\""); }
  object& word(std::string_view name, std::string_view value) { return raw(name, "\"" + std::string(value) + "\""); }
  object& yes(std::string_view name) { return raw(name, "true"); }
  object& range(key_range const& what) {
    bytes("key", what.key);
    return what.end.empty() ? *this : bytes("range_end", what.end);
  }
  std::string json() { return text_ + "}"; }

private:
  std::string text_ = "{";
};

void append(std::string& list, std::string_view json) {
  if (!list.empty()) list += ',';
  list += json;
}

std::string array(std::string const& list) { return "[" + list + "]"; }

}  // namespace

std::string grant_body(std::int64_t lease, std::int64_t ttl_seconds) {
  return object().number("TTL", ttl_seconds).number("ID", lease).json();
}

std::string lease_body(std::int64_t lease) { return object().number("ID", lease).json(); }

std::string authenticate_body(std::string_view user, base::secret const& password) {
  auto quoted = base::json_quoted(password.reveal());
  auto body = object().raw("name", base::json_quoted(user)).raw("password", quoted).json();
  base::wipe(quoted);
  return body;
}

std::string watch_body(watch_request const& how) {
  object create;
  create.range(how.what);
  if (how.watch_id != 0) create.number("watch_id", how.watch_id);
  if (how.start_revision > 0) create.number("start_revision", how.start_revision);
  if (how.deletes_only) create.raw("filters", "[\"NOPUT\"]");
  return object().raw("create_request", create.json()).json();
}

std::string cancel_watch_body(std::int64_t watch_id) {
  return object().raw("cancel_request", object().number("watch_id", watch_id).json()).json();
}

std::string progress_body() { return object().raw("progress_request", "{}").json(); }

std::string range_body(range_request const& how) {
  object o;
  o.range(how.what);
  if (how.keys_only) o.yes("keys_only");
  if (how.limit > 0) o.number("limit", how.limit);
  if (how.created_up_to > 0) o.number("max_create_revision", how.created_up_to);
  if (how.by_creation != range_request::order::none) {
    bool const oldest = how.by_creation == range_request::order::oldest_first;
    o.word("sort_target", "CREATE").word("sort_order", oldest ? "ASCEND" : "DESCEND");
  }
  return o.json();
}

std::string delete_body(key_range const& what) { return object().range(what).json(); }

operation operation::put(std::string_view key, std::string_view value, std::int64_t lease) {
  object o;
  o.bytes("key", key).bytes("value", value);
  if (lease != 0) o.number("lease", lease);
  return operation(object().raw("request_put", o.json()).json());
}

operation operation::range(range_request const& how) {
  return operation(object().raw("request_range", range_body(how)).json());
}

operation operation::erase(key_range const& what) {
  return operation(object().raw("request_delete_range", object().range(what).json()).json());
}

operation operation::nested(transaction const& what) {
  return operation(object().raw("request_txn", what.body()).json());
}

// Without what is protobuf's default: etcd's gateway reads each byte a dozen times, because at every level of nesting
// it parses all that is below.
transaction& transaction::compare(key_range const& what, std::string_view target, std::string_view result,
                                  std::string_view field, std::int64_t value) {
  object o;
  o.range(what).word("target", target);
  if (result != "EQUAL") o.word("result", result);
  if (value != 0) o.number(field, value);
  append(compare_, o.json());
  return *this;
}

transaction& transaction::when_created_at(std::string_view key, std::int64_t revision) {
  return compare(key_range::one(std::string(key)), "CREATE", "EQUAL", "create_revision", revision);
}

transaction& transaction::when_empty(key_range const& what) {
  return compare(what, "CREATE", "EQUAL", "create_revision", 0);
}

transaction& transaction::when_modified_at(std::string_view key, std::int64_t revision) {
  return compare(key_range::one(std::string(key)), "MOD", "EQUAL", "mod_revision", revision);
}

transaction& transaction::when_exists(std::string_view key) {
  return compare(key_range::one(std::string(key)), "CREATE", "GREATER", "create_revision", 0);
}

transaction& transaction::then(operation const& what) {
  append(success_, what.json());
  return *this;
}

transaction& transaction::otherwise(operation const& what) {
  append(failure_, what.json());
  return *this;
}

transaction& transaction::first(operation const& what) {
  auto rest = std::exchange(success_, what.json());
  if (!rest.empty()) append(success_, rest);
  return *this;
}

std::string transaction::body() const {
  object o;
  if (!compare_.empty()) o.raw("compare", array(compare_));
  if (!success_.empty()) o.raw("success", array(success_));
  if (!failure_.empty()) o.raw("failure", array(failure_));
  return o.json();
}

}  // namespace coelect::wire::etcd
