// Names: of this host and process, of candidates and elections.
#include "base/ids.hpp"
#include <algorithm>
#include <array>
#include <cstdio>
#include <unistd.h>

namespace coelect::base {
namespace {

constexpr std::size_t election_limit = 128;
constexpr std::size_t candidate_limit = 255;

bool election_character(char c) {
  bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  bool const digit = c >= '0' && c <= '9';
  return letter || digit || c == '.' || c == '_' || c == '-' || c == '/';
}

}  // namespace

std::string host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
  return buffer.data();
}

std::string unique_candidate_id(std::uint64_t random) {
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(random));
  return host_name() + "." + std::to_string(::getpid()) + "." + hex.data();
}

std::string what_is_wrong_with_election(std::string_view name) {
  if (name.empty()) return "election: a name is required";
  if (name.size() > election_limit)
    return "election: " + std::to_string(name.size()) + " characters are too many, 128 at most";
  if (!std::all_of(name.begin(), name.end(), election_character))
    return "election: only letters, digits and . _ - / may be used";
  bool const ends_open = name.front() == '/' || name.back() == '/';
  if (ends_open || name.find("//") != name.npos) return "election: no segment between slashes may be empty";
  return {};
}

std::string what_is_wrong_with_candidate(std::string_view name) {
  if (name.empty()) return "candidate: a name is required";
  if (name.size() > candidate_limit)
    return "candidate: " + std::to_string(name.size()) + " characters are too many, 255 at most";
  auto const fine = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; };
  if (!std::all_of(name.begin(), name.end(), fine)) return "candidate: blanks and control characters cannot be used";
  return {};
}

}  // namespace coelect::base
