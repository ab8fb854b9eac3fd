// Builds the bodies of requests to etcd's JSON gateway. Numbers are written as strings: 64 bits fit no double.
#include "wire/etcd_requests.hpp"
#include "base/base64.hpp"
#include "base/json.hpp"
#include <array>
#include <charconv>
#include <utility>

namespace coelect::wire::etcd {
namespace {

/// One JSON object at the end of a text, member after member. Names are ours and need no escaping.
class object {
public:
  explicit object(std::string& text) : text_(text) { text_ += '{'; }

  /// The value of `name` is what comes next in the text.
  void begin(std::string_view name) { text_.append(text_.back() == '{' ? "\"" : ",\"").append(name).append("\":"); }

  object& raw(std::string_view name, std::string_view json) {
    begin(name);
    text_ += json;
    return *this;
  }
  object& word(std::string_view name, std::string_view value) {
    begin(name);
    text_.append("\"").append(value).append("\"");
    return *this;
  }
  object& number(std::string_view name, std::int64_t value) {
    std::array<char, 20> digits{};
    auto const written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return word(name, {digits.data(), written.ptr});
  }
  object& bytes(std::string_view name, std::string_view value) {
    begin(name);
    text_ += '"';
    base::append_base64(text_, value);
    text_ += '"';
    return *this;
  }
  object& yes(std::string_view name) { return raw(name, "true"); }
  object& range(key_range const& what) {
    bytes("key", what.key);
    return what.end.empty() ? *this : bytes("range_end", what.end);
  }
  /// A list of what `json` has between its commas; none without any.
  object& list(std::string_view name, std::string_view json) {
    if (json.empty()) return *this;
    begin(name);
    text_.append("[").append(json).append("]");
    return *this;
  }
  /// The object that is the value of `name`; closed before this one.
  object inner(std::string_view name) {
    begin(name);
    return object(text_);
  }
  void close() { text_ += '}'; }

private:
  std::string& text_;
};

// Names and numbers beside the bytes that are given, which grow by a third: one allocation is enough.
void make_room(std::string& text, std::size_t bytes) { text.reserve(text.size() + 160 + bytes * 4 / 3); }

std::string text_for(std::size_t bytes) {
  std::string text;
  make_room(text, bytes);
  return text;
}

std::size_t size_of(key_range const& what) { return what.key.size() + what.end.size(); }

void add_range(object& o, range_request const& how) {
  o.range(how.what);
  if (how.keys_only) o.yes("keys_only");
  if (how.limit > 0) o.number("limit", how.limit);
  if (how.created_up_to > 0) o.number("max_create_revision", how.created_up_to);
  if (how.by_creation != range_request::order::none) {
    bool const oldest = how.by_creation == range_request::order::oldest_first;
    o.word("sort_target", "CREATE").word("sort_order", oldest ? "ASCEND" : "DESCEND");
  }
}

/// {"NAME":{...}}, filled by `add`.
template <class Add>
std::string wrapped(std::string_view name, std::size_t bytes, Add const& add) {
  auto text = text_for(bytes);
  object all(text);
  auto o = all.inner(name);
  add(o);
  o.close();
  all.close();
  return text;
}

void append(std::string& list, std::string_view json) {
  if (!list.empty() && !json.empty()) list += ',';
  list += json;
}

}  // namespace

std::string grant_body(std::int64_t lease, std::int64_t ttl_seconds) {
  std::string text;
  object(text).number("TTL", ttl_seconds).number("ID", lease).close();
  return text;
}

std::string lease_body(std::int64_t lease) {
  std::string text;
  object(text).number("ID", lease).close();
  return text;
}

std::string authenticate_body(std::string_view user, base::secret const& password) {
  auto quoted = base::json_quoted(password.reveal());
  auto const name = base::json_quoted(user);
  auto text = text_for(quoted.size() + name.size());  // not moved while it grows: that would leave a copy behind
  object(text).raw("name", name).raw("password", quoted).close();
  base::wipe(quoted);
  return text;
}

std::string watch_body(watch_request const& how) {
  return wrapped("create_request", size_of(how.what), [&](object& o) {
    o.range(how.what);
    if (how.watch_id != 0) o.number("watch_id", how.watch_id);
    if (how.start_revision > 0) o.number("start_revision", how.start_revision);
    if (how.deletes_only) o.raw("filters", "[\"NOPUT\"]");
  });
}

std::string cancel_watch_body(std::int64_t watch_id) {
  return wrapped("cancel_request", 0, [&](object& o) { o.number("watch_id", watch_id); });
}

std::string progress_body() {
  return wrapped("progress_request", 0, [](object&) {});
}

std::string range_body(range_request const& how) {
  auto text = text_for(size_of(how.what));
  object o(text);
  add_range(o, how);
  o.close();
  return text;
}

std::string delete_body(key_range const& what) {
  auto text = text_for(size_of(what));
  object(text).range(what).close();
  return text;
}

operation operation::put(std::string_view key, std::string_view value, std::int64_t lease) {
  return operation(wrapped("request_put", key.size() + value.size(), [&](object& o) {
    o.bytes("key", key).bytes("value", value);
    if (lease != 0) o.number("lease", lease);
  }));
}

operation operation::range(range_request const& how) {
  return operation(wrapped("request_range", size_of(how.what), [&](object& o) { add_range(o, how); }));
}

operation operation::erase(key_range const& what) {
  return operation(wrapped("request_delete_range", size_of(what), [&](object& o) { o.range(what); }));
}

// Without what is protobuf's default: etcd's gateway reads each byte a dozen times, because at every level of nesting
// it parses all that is below.
transaction& transaction::compare(key_range const& what, std::string_view target, std::string_view result,
                                  std::string_view field, std::int64_t value) {
  make_room(compare_, size_of(what));
  ++comparisons_;
  if (!compare_.empty()) compare_ += ',';
  object o(compare_);
  o.range(what).word("target", target);
  if (result != "EQUAL") o.word("result", result);
  if (value != 0) o.number(field, value);
  o.close();
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

transaction& transaction::then(transaction const& what) {
  make_room(success_, what.size());
  if (!success_.empty()) success_ += ',';
  object all(success_);
  all.begin("request_txn");
  what.write(success_);
  all.close();
  return *this;
}

transaction& transaction::otherwise(operation const& what) {
  append(failure_, what.json());
  return *this;
}

transaction& transaction::join(transaction const& other) {
  append(compare_, other.compare_);
  append(success_, other.success_);
  comparisons_ += other.comparisons_;
  return *this;
}

transaction& transaction::first(operation const& what) {
  auto rest = std::exchange(success_, what.json());
  if (!rest.empty()) append(success_, rest);
  return *this;
}

void transaction::write(std::string& text) const {
  object(text).list("compare", compare_).list("success", success_).list("failure", failure_).close();
}

std::string transaction::body() const {
  auto text = text_for(size());
  write(text);
  return text;
}

}  // namespace coelect::wire::etcd
