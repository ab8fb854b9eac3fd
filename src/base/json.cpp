// Writes and reads flat JSON objects; the only door to the JSON library.
#include "base/json.hpp"
#include <nlohmann/json.hpp>

namespace coelect::base {

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
  constexpr int deepest = 16;
  bool too_deep = false;
  auto const guard = [&too_deep](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > deepest) too_deep = true;
    return !too_deep;
  };
  auto parsed = nlohmann::json::parse(text, guard, false);
  if (too_deep || !parsed.is_object()) return std::nullopt;
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

}  // namespace coelect::base
