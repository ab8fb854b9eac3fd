// A process whose every word is kept, and looked through for passwords and tokens.
#pragma once
#include "etcd_place.hpp"
#include <regex>

namespace coelect::test {

/// A password that must never be seen again.
inline std::string const canary = "canary-4711-password";

/// etcd's simple tokens: sixteen letters, a dot, a number.
inline bool holds_a_secret(std::string const& text) {
  static std::regex const token("[A-Za-z]{16}\\.[0-9]+");
  return text.find(canary) != std::string::npos || std::regex_search(text, token);
}

/// Looks through its log at its end. Whatever else the library said goes through heard().
struct discreet_process : etcd_process {
  ~discreet_process() {
    for (auto const& line : lines) {
      INFO(line);
      CHECK_FALSE(holds_a_secret(line));
    }
  }

  std::string heard(std::string const& text) const {
    INFO(text);
    CHECK_FALSE(holds_a_secret(text));
    return text;
  }
  std::string said_by(elector const& e) const { return heard(e.last_answer().message()); }
  std::string said_by(leadership const& term) const { return heard(term.ended().detail()); }

  std::string log() const {
    std::string all;
    for (auto const& line : lines) all += line + '\n';
    return all;
  }
  /// How often a line with this part was logged.
  std::size_t times_logged(std::string_view part) const {
    std::size_t n = 0;
    for (auto const& line : lines) n += line.find(part) != std::string::npos ? 1 : 0;
    return n;
  }

  /// What the library throws for these settings; empty when it does not.
  std::string refusal(etcd_store_options how) {
    try {
      make_store(std::move(how));
    } catch (election_error const& e) {
      CHECK(e.code() == errc::bad_options);
      return heard(e.details().message());
    }
    return {};
  }
};

}  // namespace coelect::test
