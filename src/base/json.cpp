// Writes flat JSON objects and reads any; the only door to the JSON library.
#include "base/json.hpp"
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace coelect::base {
namespace {

// Asked beforehand: the parser's own way to watch itself costs a third of its time.
bool nests_deeper_than(int most, std::string_view text) noexcept {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      else quoted = c != '"';
    } else if (c == '"') quoted = true;
    else if (c == '{' || c == '[') {
      if (++depth > most) return true;
    } else if (c == '}' || c == ']') --depth;
  }
  return false;
}

nlohmann::json parse_object(std::string_view text) {
  constexpr int deepest = 16;
  if (nests_deeper_than(deepest, text)) return {};
  auto parsed = nlohmann::json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : nlohmann::json();
}

nlohmann::json const* member(void const* object, std::string_view key) {
  auto const& json = *static_cast<nlohmann::json const*>(object);
  auto const found = json.find(std::string(key));
  return found == json.end() ? nullptr : &*found;
}

template <class Number>
std::optional<Number> whole_number(nlohmann::json const* found) {
  if (found == nullptr) return std::nullopt;
  Number value{};
  if (found->is_string()) {
    auto const& digits = found->get_ref<std::string const&>();
    auto const* const end = digits.data() + digits.size();
    auto const [rest, trouble] = std::from_chars(digits.data(), end, value);
    if (trouble != std::errc() || rest != end) return std::nullopt;
    return value;
  }
  if (found->is_number_unsigned() && std::in_range<Number>(found->get<std::uint64_t>()))
    return static_cast<Number>(found->get<std::uint64_t>());
  if (found->is_number_integer() && !found->is_number_unsigned() && std::in_range<Number>(found->get<std::int64_t>()))
    return static_cast<Number>(found->get<std::int64_t>());
  return std::nullopt;
}

}  // namespace

struct json_writer::impl {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
};

json_writer::json_writer() : impl_(std::make_unique<impl>()) {}
json_writer::json_writer(json_writer&&) noexcept = default;
json_writer& json_writer::operator=(json_writer&&) noexcept = default;
json_writer::~json_writer() = default;

json_writer& json_writer::add(std::string_view key, std::string_view value) {
  impl_->object[std::string(key)] = std::string(value);
  return *this;
}
json_writer& json_writer::add(std::string_view key, std::uint64_t value) {
  impl_->object[std::string(key)] = value;
  return *this;
}
json_writer& json_writer::add(std::string_view key, std::int64_t value) {
  impl_->object[std::string(key)] = value;
  return *this;
}
json_writer& json_writer::add(std::string_view key, bool value) {
  impl_->object[std::string(key)] = value;
  return *this;
}

std::string json_writer::line() const {
  return impl_->object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

struct json_reader::impl {
  nlohmann::json object;
};

json_reader::json_reader(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
json_reader::json_reader(json_reader&&) noexcept = default;
json_reader& json_reader::operator=(json_reader&&) noexcept = default;
json_reader::~json_reader() = default;

std::optional<json_reader> json_reader::parse(std::string_view text) {
  auto parsed = parse_object(text);
  if (!parsed.is_object()) return std::nullopt;
  auto made = std::make_unique<impl>();
  made->object = std::move(parsed);
  return json_reader(std::move(made));
}

std::optional<std::string> json_reader::text(std::string_view key) const {
  auto const found = impl_->object.find(std::string(key));
  if (found == impl_->object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::uint64_t> json_reader::number(std::string_view key) const {
  auto const found = impl_->object.find(std::string(key));
  if (found == impl_->object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::string json_quoted(std::string_view text) {
  return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool json_node::has(std::string_view key) const { return member(value_, key) != nullptr; }

std::optional<json_node> json_node::child(std::string_view key) const {
  auto const* const found = member(value_, key);
  if (found == nullptr || !found->is_object()) return std::nullopt;
  return json_node(found);
}

std::vector<json_node> json_node::children(std::string_view key) const {
  std::vector<json_node> all;
  auto const* const found = member(value_, key);
  if (found == nullptr || !found->is_array()) return all;
  all.reserve(found->size());
  for (auto const& item : *found)
    if (item.is_object()) all.push_back(json_node(&item));
  return all;
}

std::optional<std::string> json_node::text(std::string_view key) const {
  auto const* const found = member(value_, key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::int64_t> json_node::integer(std::string_view key) const {
  return whole_number<std::int64_t>(member(value_, key));
}

std::optional<std::uint64_t> json_node::natural(std::string_view key) const {
  return whole_number<std::uint64_t>(member(value_, key));
}

std::optional<bool> json_node::flag(std::string_view key) const {
  auto const* const found = member(value_, key);
  if (found == nullptr || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

struct json_document::impl {
  nlohmann::json object;
};

json_document::json_document(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
json_document::json_document(json_document&&) noexcept = default;
json_document& json_document::operator=(json_document&&) noexcept = default;
json_document::~json_document() = default;

json_node json_document::root() const noexcept { return json_node(&impl_->object); }

std::optional<json_document> json_document::parse(std::string_view text) {
  auto parsed = parse_object(text);
  if (!parsed.is_object()) return std::nullopt;
  auto made = std::make_unique<impl>();
  made->object = std::move(parsed);
  return json_document(std::move(made));
}

}  // namespace coelect::base
