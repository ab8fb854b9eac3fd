// Writes flat JSON objects and reads any; the only door to the JSON library.
#include "base/json.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace coelect::base {

enum class json_kind : std::uint8_t { other, object, array, text, natural, negative, flag };

/// A part of json_values' texts.
struct json_span {
  std::uint32_t at = 0, size = 0;
};

/// One value: a name in the object around it, and what it holds.
struct json_value {
  json_span name, text;
  std::uint64_t number = 0;  // or the flag; a negative one as two's complement
  std::uint32_t after = 0;   // the place behind it and all that is in it
  json_kind kind = json_kind::other;
};

/// All values of a document in the order of its text, and all texts in one: a handful of allocations, where a tree
/// has three for each member. Filled by the library's parser, whose events these functions are named after.
class json_values {
public:
  explicit json_values(std::size_t bytes) {
    all_.reserve(bytes / 24 + 4);  // etcd's answers have one for 25 bytes or more
    texts_.reserve(bytes);
  }

  json_value const& at(std::size_t place) const noexcept { return all_[place]; }
  std::string_view text_of(json_value const& v) const noexcept { return part(v.text); }
  json_value const* member(std::size_t of, std::string_view name) const noexcept {
    json_value const* found = nullptr;
    if (at(of).kind != json_kind::object) return found;
    for (std::size_t i = of + 1; i < at(of).after; i = at(i).after)
      if (part(at(i).name) == name) found = &at(i);
    return found;
  }
  std::size_t place_of(json_value const& v) const noexcept { return static_cast<std::size_t>(&v - all_.data()); }

  bool null() { return single(json_kind::other, 0); }
  bool boolean(bool value) { return single(json_kind::flag, value ? 1 : 0); }
  bool number_integer(std::int64_t value) { return single(json_kind::negative, static_cast<std::uint64_t>(value)); }
  bool number_unsigned(std::uint64_t value) { return single(json_kind::natural, value); }
  bool number_float(double, std::string const&) { return single(json_kind::other, 0); }
  bool string(std::string const& value) {
    add(json_kind::text).text = keep(value);
    return true;
  }
  bool binary(std::vector<std::uint8_t> const&) { return false; }  // JSON has none
  bool key(std::string const& name) {
    name_ = keep(name);
    return true;
  }
  bool start_object(std::size_t) { return open(json_kind::object); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(json_kind::array); }
  bool end_array() { return close(); }
  static bool parse_error(std::size_t, std::string const&, nlohmann::detail::exception const&) { return false; }

private:
  static constexpr std::size_t deepest = 16;

  json_span keep(std::string const& text) {
    json_span const kept{static_cast<std::uint32_t>(texts_.size()), static_cast<std::uint32_t>(text.size())};
    texts_ += text;
    return kept;
  }
  std::string_view part(json_span which) const noexcept { return {texts_.data() + which.at, which.size}; }
  json_value& add(json_kind kind) {
    auto& v = all_.emplace_back();
    v.kind = kind;
    v.name = name_;
    v.after = static_cast<std::uint32_t>(all_.size());
    return v;
  }
  bool single(json_kind kind, std::uint64_t number) {
    add(kind).number = number;
    return true;
  }
  bool open(json_kind kind) {
    if (depth_ == deepest) return false;
    open_[depth_++] = all_.size();
    add(kind);
    return true;
  }
  bool close() {
    all_[open_[--depth_]].after = static_cast<std::uint32_t>(all_.size());
    return true;
  }

  std::vector<json_value> all_;
  std::string texts_;
  std::array<std::size_t, deepest> open_{};
  std::size_t depth_ = 0;
  json_span name_;
};

namespace {

template <class Number>
std::optional<Number> whole_number(json_values const& all, json_value const* found) noexcept {
  if (found == nullptr) return std::nullopt;
  Number value{};
  if (found->kind == json_kind::text) {
    auto const digits = all.text_of(*found);
    auto const* const end = digits.data() + digits.size();
    auto const [rest, trouble] = std::from_chars(digits.data(), end, value);
    if (trouble != std::errc() || rest != end) return std::nullopt;
    return value;
  }
  auto const negative = static_cast<std::int64_t>(found->number);
  if (found->kind == json_kind::natural && std::in_range<Number>(found->number))
    return static_cast<Number>(found->number);
  if (found->kind == json_kind::negative && std::in_range<Number>(negative)) return static_cast<Number>(negative);
  return std::nullopt;
}

}  // namespace

json_writer& json_writer::raw(std::string_view key, std::string_view json) {
  text_.append(text_.size() > 1 ? ",\"" : "\"").append(key).append("\":").append(json);
  return *this;
}
json_writer& json_writer::add(std::string_view key, std::string_view value) { return raw(key, json_quoted(value)); }
json_writer& json_writer::add(std::string_view key, std::uint64_t value) { return raw(key, std::to_string(value)); }
json_writer& json_writer::add(std::string_view key, std::int64_t value) { return raw(key, std::to_string(value)); }
json_writer& json_writer::add(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }

std::string json_quoted(std::string_view text) {
  auto const plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (!std::all_of(text.begin(), text.end(), plain))
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string quoted;
  quoted.reserve(text.size() + 2);
  quoted.append("\"").append(text).append("\"");
  return quoted;  // itself: it may be a password, and whoever asked wipes it
}

bool json_node::has(std::string_view key) const noexcept { return all_->member(place_, key) != nullptr; }

std::optional<json_node> json_node::child(std::string_view key) const noexcept {
  auto const* const found = all_->member(place_, key);
  if (found == nullptr || found->kind != json_kind::object) return std::nullopt;
  return json_node(*all_, all_->place_of(*found));
}

std::vector<json_node> json_node::children(std::string_view key) const {
  std::vector<json_node> all;
  auto const* const found = all_->member(place_, key);
  if (found == nullptr || found->kind != json_kind::array) return all;
  for (auto i = all_->place_of(*found) + 1; i < found->after; i = all_->at(i).after)
    if (all_->at(i).kind == json_kind::object) all.push_back(json_node(*all_, i));
  return all;
}

std::optional<std::string_view> json_node::view(std::string_view key) const noexcept {
  auto const* const found = all_->member(place_, key);
  if (found == nullptr || found->kind != json_kind::text) return std::nullopt;
  return all_->text_of(*found);
}

std::optional<std::string> json_node::text(std::string_view key) const {
  auto const found = view(key);
  if (!found) return std::nullopt;
  return std::string(*found);
}

std::optional<std::int64_t> json_node::integer(std::string_view key) const noexcept {
  return whole_number<std::int64_t>(*all_, all_->member(place_, key));
}

std::optional<std::uint64_t> json_node::natural(std::string_view key) const noexcept {
  return whole_number<std::uint64_t>(*all_, all_->member(place_, key));
}

std::optional<std::uint64_t> json_node::number(std::string_view key) const noexcept {
  auto const* const found = all_->member(place_, key);
  if (found == nullptr || found->kind != json_kind::natural) return std::nullopt;
  return found->number;
}

std::optional<bool> json_node::flag(std::string_view key) const noexcept {
  auto const* const found = all_->member(place_, key);
  if (found == nullptr || found->kind != json_kind::flag) return std::nullopt;
  return found->number != 0;
}

json_document::json_document(std::unique_ptr<json_values> values) : values_(std::move(values)) {}
json_document::json_document(json_document&&) noexcept = default;
json_document& json_document::operator=(json_document&&) noexcept = default;
json_document::~json_document() = default;

json_node json_document::root() const noexcept { return json_node(*values_, 0); }

std::optional<json_document> json_document::parse(std::string_view text) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;  // places have 32 bits
  auto values = std::make_unique<json_values>(text.size());
  if (!nlohmann::json::sax_parse(text, values.get())) return std::nullopt;
  if (values->at(0).kind != json_kind::object) return std::nullopt;
  return json_document(std::move(values));
}

std::optional<json_reader> json_reader::parse(std::string_view text) {
  auto all = json_document::parse(text);
  if (!all) return std::nullopt;
  return json_reader(std::move(*all));
}

}  // namespace coelect::base
