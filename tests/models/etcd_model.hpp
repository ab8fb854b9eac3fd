// What etcd keeps and how it answers, as far as the store uses it: keys, revisions, leases, transactions, watches.
#pragma once
#include "etcd_json.hpp"
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace coelect::test {

/// One key changed.
struct etcd_change {
  std::string key;
  std::int64_t revision = 0;
  bool deleted = false;
  json line;  ///< As an event of a watch.
};

/// What a watch wants to see.
struct etcd_watch {
  explicit etcd_watch(json const& body);
  bool wants(etcd_change const& c) const;
  template <class Changes>
  std::vector<etcd_change> chosen(Changes const& all) const {
    std::vector<etcd_change> some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some), [this](auto const& c) { return wants(c); });
    return some;
  }

  std::string from, end;
  std::int64_t start = 0;
  bool deletes_only = false;
};

/// The state that raft agrees on, without any time: leases end when somebody says so.
class etcd_model {
public:
  std::string cluster_id = "7001";
  std::uint64_t raft_term = 2;
  std::int64_t revision = 10;
  std::int64_t least_ttl = 1;
  std::int64_t compacted = 0;  ///< What is older than this cannot be watched any more.

  struct entry {
    std::string value;
    std::int64_t created = 0, modified = 0, version = 0, lease = 0;
  };
  using key_map = std::map<std::string, entry>;
  key_map keys;
  std::map<std::int64_t, std::int64_t> leases;  ///< And their ttl in seconds.

  std::function<void(std::int64_t lease)> on_touch{};  ///< Granted or kept alive: its time begins anew.
  std::function<void(std::vector<etcd_change> const&)> on_commit{};

  std::vector<std::string> list(std::string const& prefix) const;  ///< Oldest first.
  std::int64_t put(std::string const& key, std::string const& value, std::int64_t lease = 0);
  void erase(std::string const& key);
  void expire(std::int64_t lease);  ///< And its keys.
  void compact();                   ///< Forgets all history up to now.

  json header() const;
  /// Status and answer of what is carried out now.
  std::pair<int, json> carry_out(std::string const& path, json const& body);
  /// The same as of earlier keys, for what only reads; a stale member's answer.
  std::pair<int, json> read_from(key_map const& then, std::int64_t at, std::string const& path, json const& body) const;
  /// Neither puts nor deletes nor touches a lease.
  static bool only_reads(std::string const& path, json const& body);

  /// What a watch begins with, and the history it asks for. A watch of what is compacted: its end.
  std::string created_line() const { return json{{"result", {{"header", header()}, {"created", true}}}}.dump(); }
  std::string canceled_line() const;
  /// What a watch that begins now is told at once: created, then a line per commit of the history it asks for, or the
  /// end if that is compacted.
  std::vector<std::string> first_lines(etcd_watch const& wanted) const;
  std::deque<etcd_change> const& history() const noexcept { return history_; }
  json event_line(std::vector<etcd_change> const& events) const;

private:
  static json range(key_map const& in, json const& how);
  static bool holds(key_map const& in, json const& compare);
  std::pair<int, json> txn(json const& body);
  static json choose(key_map const& in, json const& body);
  bool leases_live(json const& chosen) const;
  json carry_out_chosen(json const& chosen, std::int64_t next);
  static json read_chosen(key_map const& in, json const& chosen);
  void put_now(json const& op, std::int64_t next, json& responses);
  void delete_now(json const& op, std::int64_t next, json& responses);
  void commit();

  std::deque<etcd_change> history_;
  std::vector<etcd_change> pending_;
};

}  // namespace coelect::test
