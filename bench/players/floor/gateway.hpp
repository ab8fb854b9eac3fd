// Requests to etcd's JSON gateway as texts, and numbers found in its answers: no JSON library, no checks.
#pragma once
#include "players/floor/http.hpp"
#include "players/player.hpp"
#include <stdexcept>
#include <string>

namespace bench {

inline std::string base64(std::string const& bytes) {
  static char const letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const left = bytes.size() - i;
    auto const byte = [&](std::size_t k) { return k < left ? static_cast<unsigned char>(bytes[i + k]) : 0U; };
    unsigned const v = byte(0) << 16 | byte(1) << 8 | byte(2);
    text += letters[v >> 18];
    text += letters[v >> 12 & 63];
    text += left > 1 ? letters[v >> 6 & 63] : '=';
    text += left > 2 ? letters[v & 63] : '=';
  }
  return text;
}

/// The text of "name":"..." where it first comes; empty without one.
inline std::string text_of(std::string const& json, char const* name) {
  auto const key = std::string("\"") + name + "\":\"";
  auto const at = json.find(key);
  if (at == std::string::npos) return {};
  auto const begin = at + key.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

inline std::string after_all_of(std::string prefix) {
  ++prefix.back();
  return prefix;
}

/// What the floor asks of one server.
class gateway {
public:
  explicit gateway(std::string endpoint) : endpoint_(std::move(endpoint)) {}

  std::string grant(int ttl) const { return to("/v3/lease/grant", "{\"TTL\":" + std::to_string(ttl) + "}"); }
  std::string revoke(std::string const& lease) const { return to("/v3/lease/revoke", "{\"ID\":" + lease + "}"); }
  std::string keep_alive(std::string const& lease) const { return to("/v3/lease/keepalive", "{\"ID\":" + lease + "}"); }
  std::string remove(std::string const& key) const {
    return to("/v3/kv/deleterange", "{\"key\":\"" + base64(key) + "\"}");
  }
  std::string look(std::string const& key) const { return to("/v3/kv/range", "{\"key\":\"" + base64(key) + "\"}"); }
  /// Puts the candidate's key if there is none, and shows the oldest one of the election.
  std::string stand(std::string const& election, std::string const& key, std::string const& lease) const {
    return to("/v3/kv/txn",
              "{\"compare\":[{\"key\":\"" + base64(key) +
                  "\",\"target\":\"CREATE\",\"create_revision\":0}],\"success\":[{\"request_put\":{\"key\":\"" +
                  base64(key) + "\",\"value\":\"bWU=\",\"lease\":" + lease + "}},{\"request_range\":{\"key\":\"" +
                  base64(election) + "\",\"range_end\":\"" + base64(after_all_of(election)) +
                  "\",\"sort_order\":\"ASCEND\",\"sort_target\":\"CREATE\",\"limit\":1}}]}");
  }
  /// Deletions only; from the revision after `revision` on, so that etcd serves it at once.
  std::string watch(std::string const& key, std::string const& range_end, unsigned long long revision) const {
    auto const end = range_end.empty() ? "" : "\"range_end\":\"" + base64(range_end) + "\",";
    return to("/v3/watch", "{\"create_request\":{\"key\":\"" + base64(key) + "\"," + end +
                               "\"start_revision\":" + std::to_string(revision + 1) + ",\"filters\":[\"NOPUT\"]}}");
  }
  std::string const& endpoint() const noexcept { return endpoint_; }

private:
  std::string to(char const* path, std::string const& body) const { return post(endpoint_, path, body); }
  std::string endpoint_;
};

inline unsigned long long revision_in(std::string const& answer) {
  return std::strtoull(text_of(answer, "revision").c_str(), nullptr, 10);
}

inline std::string hex(std::string const& number) {
  char text[32];
  std::snprintf(text, sizeof text, "%llx", std::strtoull(number.c_str(), nullptr, 10));
  return text;
}

/// The key of the oldest candidate, in base64, as stand() showed it.
inline std::string oldest_in(std::string const& answer) {
  return text_of(answer.substr(std::min(answer.find("\"kvs\""), answer.size())), "key");
}

inline void must_have_won(std::string const& answer, std::string const& key) {
  if (answer.find("\"succeeded\":true") == std::string::npos || oldest_in(answer) != base64(key))
    throw std::runtime_error("the floor did not win: " + answer);
}

}  // namespace bench
