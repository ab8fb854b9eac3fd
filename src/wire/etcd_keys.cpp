// Where an etcd store keeps what: the key layout of etcd's own election package, and a room of our own beside it.
#include "wire/etcd_keys.hpp"
#include <array>
#include <charconv>

namespace coelect::wire::etcd {
namespace {

constexpr std::string_view room_name = "@coelect/";
constexpr std::string_view depose_name = "depose/";

// For a key of so many bytes, a lease and a slash.
std::string key_for(std::size_t bytes) {
  std::string text;
  text.reserve(bytes + 17);
  return text;
}

void append_hex(std::string& text, std::int64_t lease) {
  std::array<char, 16> digits{};
  auto const written =
      std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::uint64_t>(lease), 16);
  text.append(digits.data(), written.ptr);
}

}  // namespace

std::string lease_hex(std::int64_t lease) {
  std::string text;
  append_hex(text, lease);
  return text;
}

// The end of a prefix is the prefix with its last byte below 0xff raised by one; one zero byte means "no end".
key_range key_range::all_under(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return {prefix.empty() ? std::string(1, '\0') : std::string(prefix), std::string(1, '\0')};
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {std::string(prefix), std::move(end)};
}

bool key_range::contains(std::string_view k) const noexcept {
  if (end.empty()) return k == key;
  bool const no_end = end.size() == 1 && end.front() == '\0';
  return k >= key && (no_end || k < end);
}

key_range key_layout::candidates(std::string_view election) const {
  return key_range::all_under(prefix_ + std::string(election) + "/");
}

std::string key_layout::nested_election(std::string_view election, std::string_view key) const {
  auto const last = key.rfind('/');
  auto const own = prefix_.size() + election.size();  // where the slash of a candidate of its own stands
  return last == key.npos || last <= own ? std::string()
                                         : std::string(key.substr(prefix_.size(), last - prefix_.size()));
}

std::string key_layout::candidate(std::string_view election, std::int64_t lease) const {
  auto key = key_for(prefix_.size() + election.size());
  key.append(prefix_).append(election).append("/");
  append_hex(key, lease);
  return key;
}

std::string key_layout::in_room(std::int64_t lease, std::string_view rest) const {
  auto key = key_for(prefix_.size() + room_name.size() + rest.size());
  key.append(prefix_).append(room_name);
  append_hex(key, lease);
  key.append("/").append(rest);
  return key;
}

key_range key_layout::rooms() const { return key_range::all_under(prefix_ + std::string(room_name)); }
key_range key_layout::room(std::int64_t lease) const { return key_range::all_under(in_room(lease, {})); }
std::string key_layout::anchor(std::int64_t lease) const { return in_room(lease, "anchor"); }
std::string key_layout::generation(std::int64_t lease) const { return in_room(lease, "generation"); }

std::string key_layout::nothing() const { return prefix_ + std::string(room_name) + "nothing"; }

std::string key_layout::depose_request(std::string_view election, std::int64_t lease) const {
  return in_room(lease, std::string(depose_name) + std::string(election));
}

std::string key_layout::deposed_election(std::string_view key, std::int64_t lease) const {
  auto const begin = in_room(lease, depose_name);
  return key.starts_with(begin) ? std::string(key.substr(begin.size())) : std::string();
}

}  // namespace coelect::wire::etcd
