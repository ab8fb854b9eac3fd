// Writes flat JSON objects and reads any; the only door to the JSON library.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coelect::base {

/// Builds one JSON object on one line, members in the order they were added. Text that is not UTF-8
/// is repaired with replacement characters, never refused. Keys are ours, each added once.
class json_writer {
public:
  json_writer& add(std::string_view key, std::string_view value);
  json_writer& add(std::string_view key, char const* value) { return add(key, std::string_view(value)); }
  json_writer& add(std::string_view key, std::uint64_t value);
  json_writer& add(std::string_view key, std::int64_t value);
  json_writer& add(std::string_view key, bool value);
  std::string line() const { return text_ + '}'; }

private:
  json_writer& raw(std::string_view key, std::string_view json);

  std::string text_ = "{";
};

/// `text` as a JSON string, with its quotes. Text that is not UTF-8 is repaired.
std::string json_quoted(std::string_view text);

class json_values;

/// A value inside a json_document, which must outlive it. Wrong types read as missing; of members with the same name
/// the last one counts.
class json_node {
public:
  bool has(std::string_view key) const noexcept;
  std::optional<json_node> child(std::string_view key) const noexcept;  ///< A member that is an object.
  std::vector<json_node> children(std::string_view key) const;          ///< The objects in a member that is an array.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::string_view> view(std::string_view key) const noexcept;  ///< The same, as long as the document.
  /// A whole number, written as one or, as protobuf does with 64 bits, as a string of digits.
  std::optional<std::int64_t> integer(std::string_view key) const noexcept;
  std::optional<std::uint64_t> natural(std::string_view key) const noexcept;
  std::optional<std::uint64_t> number(std::string_view key) const noexcept;  ///< One from 0 to 2^64-1, not in quotes.
  std::optional<bool> flag(std::string_view key) const noexcept;

private:
  friend class json_document;
  json_node(json_values const& all, std::size_t place) noexcept : all_(&all), place_(place) {}
  json_values const* all_;
  std::size_t place_;
};

/// One parsed JSON object of any shape.
class json_document {
public:
  /// Nothing when `text` is not one JSON object, nests deeper than 16, or has 4 GiB or more.
  static std::optional<json_document> parse(std::string_view text);
  json_document(json_document&&) noexcept;
  json_document& operator=(json_document&&) noexcept;
  ~json_document();
  json_node root() const noexcept;

private:
  explicit json_document(std::unique_ptr<json_values> values);
  std::unique_ptr<json_values> values_;
};

/// A flat one, of which members are asked for by name.
class json_reader {
public:
  /// As json_document does.
  static std::optional<json_reader> parse(std::string_view text);
  std::optional<std::string> text(std::string_view key) const { return all_.root().text(key); }
  std::optional<std::uint64_t> number(std::string_view key) const noexcept { return all_.root().number(key); }

private:
  explicit json_reader(json_document all) : all_(std::move(all)) {}
  json_document all_;
};

}  // namespace coelect::base
