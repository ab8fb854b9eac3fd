// Where an etcd store keeps what: the key layout of etcd's own election package, and a room of our own beside it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace coelect::wire::etcd {

/// A key, or all keys from `key` up to but not including `end`.
struct key_range {
  std::string key;
  std::string end{};  ///< Empty: the one key.

  static key_range one(std::string key) { return {std::move(key), {}}; }
  /// All keys that begin with `prefix`; an empty one means all keys there are.
  static key_range all_under(std::string_view prefix);

  bool contains(std::string_view k) const noexcept;
  friend bool operator==(key_range const&, key_range const&) = default;
};

std::string lease_hex(std::int64_t lease);  ///< As Go's %x prints it.

/// The keys of one store: everything begins with its prefix, which is used as it is.
///
/// Candidates:   PREFIX ELECTION / LEASE      lowest create revision leads
/// Of a process: PREFIX @coelect / LEASE / anchor, generation, depose/ELECTION
/// Of nobody:    PREFIX @coelect / nothing
///
/// '@' cannot be part of an election's name, so the second kind never stands among the candidates.
class key_layout {
public:
  explicit key_layout(std::string prefix) : prefix_(std::move(prefix)) {}

  std::string const& prefix() const noexcept { return prefix_; }

  key_range candidates(std::string_view election) const;
  /// The election that `key`, found among the candidates of `election`, really belongs to when it is another
  /// one below it: "a/b/LEASE" counts as a candidate of "a", too. Else empty.
  std::string nested_election(std::string_view election, std::string_view key) const;
  std::string candidate(std::string_view election, std::int64_t lease) const;
  key_range rooms() const;  ///< Of all processes.
  key_range room(std::int64_t lease) const;
  std::string anchor(std::int64_t lease) const;
  std::string generation(std::int64_t lease) const;
  /// A key that nobody makes: its deletion goes through raft, changes nothing, and tells no watch anything.
  std::string nothing() const;
  std::string depose_request(std::string_view election, std::int64_t lease) const;
  /// The election that a key of room(lease) asks to resign from; empty for other keys.
  std::string deposed_election(std::string_view key, std::int64_t lease) const;

private:
  std::string in_room(std::int64_t lease, std::string_view rest) const;

  std::string prefix_;
};

}  // namespace coelect::wire::etcd
