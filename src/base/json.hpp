// Writes flat JSON objects and reads any; the only door to the JSON library.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coelect::base {

/// Builds one JSON object on one line, members in the order they were added. Text that is not UTF-8
/// is repaired with replacement characters, never refused.
class json_writer {
public:
  json_writer();
  json_writer(json_writer&&) noexcept;
  json_writer& operator=(json_writer&&) noexcept;
  ~json_writer();
  json_writer& add(std::string_view key, std::string_view value);
  json_writer& add(std::string_view key, char const* value) { return add(key, std::string_view(value)); }
  json_writer& add(std::string_view key, std::uint64_t value);
  json_writer& add(std::string_view key, std::int64_t value);
  json_writer& add(std::string_view key, bool value);
  std::string line() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// One parsed JSON object. Wrong types read as missing.
class json_reader {
public:
  /// Nothing when `text` is not one JSON object, or nests deeper than 16.
  static std::optional<json_reader> parse(std::string_view text);
  json_reader(json_reader&&) noexcept;
  json_reader& operator=(json_reader&&) noexcept;
  ~json_reader();
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::uint64_t> number(std::string_view key) const;  ///< Integers from 0 to 2^64-1 only.

private:
  struct impl;
  explicit json_reader(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// `text` as a JSON string, with its quotes. Text that is not UTF-8 is repaired.
std::string json_quoted(std::string_view text);

/// A value inside a json_document, which must outlive it. Wrong types read as missing.
class json_node {
public:
  bool has(std::string_view key) const;
  std::optional<json_node> child(std::string_view key) const;   ///< A member that is an object.
  std::vector<json_node> children(std::string_view key) const;  ///< The objects in a member that is an array.
  std::optional<std::string> text(std::string_view key) const;
  /// A whole number, written as one or, as protobuf does with 64 bits, as a string of digits.
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<std::uint64_t> natural(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;

private:
  friend class json_document;
  explicit json_node(void const* value) noexcept : value_(value) {}
  void const* value_;
};

/// One parsed JSON object of any shape.
class json_document {
public:
  /// Nothing when `text` is not one JSON object, or nests deeper than 16.
  static std::optional<json_document> parse(std::string_view text);
  json_document(json_document&&) noexcept;
  json_document& operator=(json_document&&) noexcept;
  ~json_document();
  json_node root() const noexcept;

private:
  struct impl;
  explicit json_document(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace coelect::base
