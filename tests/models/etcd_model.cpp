// The pretended etcd itself. Facts: etcd's API reference and transcripts of 3.4.23; held to real servers by etcd_exchanges.
#include "etcd_model.hpp"
#include <algorithm>

namespace coelect::test {

namespace {

json kv_of(std::string const& key, etcd_model::entry const& e, bool keys_only) {
  json kv{{"key", base::base64(key)},
          {"create_revision", said(e.created)},
          {"mod_revision", said(e.modified)},
          {"version", said(e.version)}};
  if (!keys_only && !e.value.empty()) kv["value"] = base::base64(e.value);
  if (e.lease != 0) kv["lease"] = said(e.lease);
  return kv;
}

json transaction_answer(json const& chosen, json responses) {
  json answer = json::object();
  if (!responses.empty()) answer["responses"] = std::move(responses);
  if (chosen.at("good").get<bool>()) answer["succeeded"] = true;
  return answer;
}

std::pair<int, json> no_such_lease() { return {404, grpc_error(5, "etcdserver: requested lease not found")}; }

}  // namespace

json etcd_model::header() const {
  return {{"cluster_id", cluster_id},
          {"member_id", "1"},
          {"revision", said(revision)},
          {"raft_term", std::to_string(raft_term)}};
}

std::vector<std::string> etcd_model::list(std::string const& prefix) const {
  std::vector<std::string> all;
  for (auto it = keys.lower_bound(prefix); it != keys.end() && it->first.starts_with(prefix); ++it)
    all.push_back(it->first);
  std::sort(all.begin(), all.end(),
            [&](auto const& a, auto const& b) { return keys.at(a).created < keys.at(b).created; });
  return all;
}

std::int64_t etcd_model::put(std::string const& key, std::string const& value, std::int64_t lease) {
  json const op{{"key", base::base64(key)}, {"value", base::base64(value)}, {"lease", said(lease)}};
  txn({{"success", json::array({{{"request_put", op}}})}});
  return revision;
}

void etcd_model::erase(std::string const& key) {
  txn({{"success", json::array({{{"request_delete_range", {{"key", base::base64(key)}}}}})}});
}

void etcd_model::expire(std::int64_t lease) {
  leases.erase(lease);
  json all = json::array();
  for (auto const& [key, e] : keys)
    if (e.lease == lease) all.push_back({{"request_delete_range", {{"key", base::base64(key)}}}});
  txn({{"success", all}});
}

// What was put at that very revision can still be watched from there; a deletion cannot.
void etcd_model::compact() {
  compacted = revision;
  std::erase_if(history_, [this](etcd_change const& c) { return c.deleted || c.revision < compacted; });
}

// --- Reading ------------------------------------------------------------------------------------------------------------

json etcd_model::range(key_map const& in, json const& how) {
  auto const from = text_at(how, "key"), end = text_at(how, "range_end");
  auto const up_to = number(how, "max_create_revision");
  auto const limit = number(how, "limit");
  bool const keys_only = how.value("keys_only", false);
  std::vector<key_map::const_iterator> found;
  std::int64_t count = 0;  // etcd's does not know of the limit, nor of max_create_revision
  for (auto it = in.lower_bound(from); it != in.end() && inside(it->first, from, end); ++it) {
    ++count;
    if (up_to == 0 || it->second.created <= up_to) found.push_back(it);
  }
  auto const order = how.value("sort_order", std::string());
  if (order == "ASCEND")
    std::sort(found.begin(), found.end(), [](auto a, auto b) { return a->second.created < b->second.created; });
  if (order == "DESCEND")
    std::sort(found.begin(), found.end(), [](auto a, auto b) { return a->second.created > b->second.created; });
  json answer = json::object();
  if (count > 0) answer["count"] = said(count);
  if (limit > 0 && found.size() > static_cast<std::size_t>(limit)) {
    answer["more"] = true;
    found.resize(static_cast<std::size_t>(limit));
  }
  for (auto const& it : found) answer["kvs"].push_back(kv_of(it->first, it->second, keys_only));
  return answer;
}

bool etcd_model::holds(key_map const& in, json const& compare) {
  bool const of_creation = compare.at("target") == "CREATE";
  auto const wanted = number(compare, of_creation ? "create_revision" : "mod_revision");
  bool const greater = compare.value("result", "EQUAL") == "GREATER";
  auto const fits = [&](entry const& e) {
    auto const is = of_creation ? e.created : e.modified;
    return greater ? is > wanted : is == wanted;
  };
  // All keys of a range; of none, one that does not exist.
  auto const from = text_at(compare, "key"), end = text_at(compare, "range_end");
  auto at = in.lower_bound(from);
  if (at == in.end() || !inside(at->first, from, end)) return fits(entry{});
  for (; at != in.end() && inside(at->first, from, end); ++at)
    if (!fits(at->second)) return false;
  return true;
}

bool etcd_model::only_reads(std::string const& path, json const& body) {
  if (path == "/v3/kv/range") return true;
  if (path != "/v3/kv/txn") return false;
  for (auto const* list : {"success", "failure"})
    for (auto const& op : list_of(body, list)) {
      bool const reads =
          op.contains("request_range") || (op.contains("request_txn") && only_reads(path, op.at("request_txn")));
      if (!reads) return false;
    }
  return true;
}

std::pair<int, json> etcd_model::read_from(key_map const& then, std::int64_t at, std::string const& path,
                                           json const& body) const {
  auto head = header();
  head["revision"] = said(at);
  if (path == "/v3/kv/range") {
    auto answer = range(then, body);
    answer["header"] = head;
    return {200, answer};
  }
  auto answer = read_chosen(then, choose(then, body));
  answer["header"] = head;
  return {200, answer};
}

json etcd_model::read_chosen(key_map const& in, json const& chosen) {
  json responses = json::array();
  for (auto const& op : chosen.at("list")) {
    if (op.contains("request_txn")) responses.push_back({{"response_txn", read_chosen(in, op.at("request_txn"))}});
    else responses.push_back({{"response_range", range(in, op.at("request_range"))}});
  }
  return transaction_answer(chosen, std::move(responses));
}

// All comparisons, also those of nested transactions, are made before anything is carried out.
json etcd_model::choose(key_map const& in, json const& body) {
  auto const& compare = list_of(body, "compare");
  bool const good = std::all_of(compare.begin(), compare.end(), [&](json const& c) { return holds(in, c); });
  json list = json::array();
  for (auto const& op : list_of(body, good ? "success" : "failure")) {
    if (op.contains("request_txn")) list.push_back({{"request_txn", choose(in, op.at("request_txn"))}});
    else list.push_back(op);
  }
  return {{"good", good}, {"list", list}};
}

// --- Writing ------------------------------------------------------------------------------------------------------------

void etcd_model::put_now(json const& op, std::int64_t next, json& responses) {
  auto const key = text_at(op, "key");
  auto& e = keys[key];
  if (e.created == 0) e.created = next;
  e.modified = next;
  ++e.version;
  e.value = text_at(op, "value");
  e.lease = number(op, "lease");
  json event{{"kv", kv_of(key, e, false)}};
  pending_.push_back({key, next, false, std::move(event)});
  responses.push_back({{"response_put", {{"header", {{"revision", said(next)}}}}}});
}

void etcd_model::delete_now(json const& op, std::int64_t next, json& responses) {
  auto const from = text_at(op, "key"), end = text_at(op, "range_end");
  std::int64_t n = 0;
  for (auto it = keys.lower_bound(from); it != keys.end() && inside(it->first, from, end); it = keys.erase(it), ++n) {
    json event{{"type", "DELETE"}, {"kv", {{"key", base::base64(it->first)}, {"mod_revision", said(next)}}}};
    pending_.push_back({it->first, next, true, std::move(event)});
  }
  auto const at = pending_.empty() ? revision : next;  // where nothing was there to delete, nothing changes
  responses.push_back({{"response_delete_range", {{"header", {{"revision", said(at)}}}}}});
  if (n > 0) responses.back()["response_delete_range"]["deleted"] = said(n);
}

bool etcd_model::leases_live(json const& chosen) const {
  auto const& list = chosen.at("list");
  return std::all_of(list.begin(), list.end(), [this](json const& op) {
    if (op.contains("request_txn")) return leases_live(op.at("request_txn"));
    auto const lease = op.contains("request_put") ? number(op.at("request_put"), "lease") : 0;
    return lease == 0 || leases.contains(lease);
  });
}

json etcd_model::carry_out_chosen(json const& chosen, std::int64_t next) {
  json responses = json::array();
  for (auto const& op : chosen.at("list")) {
    if (op.contains("request_put")) put_now(op.at("request_put"), next, responses);
    else if (op.contains("request_delete_range")) delete_now(op.at("request_delete_range"), next, responses);
    else if (op.contains("request_txn")) {
      auto inner = carry_out_chosen(op.at("request_txn"), next);
      inner["header"] = json::object();
      responses.push_back({{"response_txn", std::move(inner)}});
    } else {
      auto found = range(keys, op.at("request_range"));
      found["header"] = {{"revision", said(pending_.empty() ? revision : next)}};
      responses.push_back({{"response_range", std::move(found)}});
    }
  }
  return transaction_answer(chosen, std::move(responses));
}

std::pair<int, json> etcd_model::txn(json const& body) {
  auto const chosen = choose(keys, body);
  if (!leases_live(chosen)) return no_such_lease();
  auto const next = revision + 1;
  auto answer = carry_out_chosen(chosen, next);
  if (!pending_.empty()) revision = next;
  answer["header"] = header();
  commit();
  return {200, answer};
}

void etcd_model::commit() {
  auto const events = std::exchange(pending_, {});
  if (events.empty()) return;
  history_.insert(history_.end(), events.begin(), events.end());
  if (on_commit) on_commit(events);
}

std::pair<int, json> etcd_model::carry_out(std::string const& path, json const& body) {
  if (path == "/v3/kv/txn") return txn(body);
  if (path == "/v3/kv/range") return read_from(keys, revision, path, body);
  if (path == "/v3/kv/deleterange") {
    auto const [status, got] = txn({{"success", json::array({{{"request_delete_range", body}}})}});
    auto answer = got.at("responses").at(0).at("response_delete_range");
    answer["header"] = got.at("header");
    return {status, answer};
  }
  auto const lease = number(body, "ID");
  if (path == "/v3/lease/grant") {
    auto const ttl = std::max(number(body, "TTL"), least_ttl);
    if (!leases.emplace(lease, ttl).second) return {412, grpc_error(9, "etcdserver: lease already exists")};
    if (on_touch) on_touch(lease);
    return {200, {{"header", header()}, {"ID", said(lease)}, {"TTL", said(ttl)}}};
  }
  if (path == "/v3/lease/keepalive") {
    json result{{"header", header()}, {"ID", said(lease)}};
    auto const found = leases.find(lease);
    if (found != leases.end()) {
      result["TTL"] = said(found->second);
      if (on_touch) on_touch(lease);
    }
    return {200, {{"result", result}}};
  }
  if (path == "/v3/lease/revoke") {
    if (!leases.contains(lease)) return no_such_lease();
    expire(lease);
    return {200, {{"header", header()}}};
  }
  if (path == "/v3/auth/authenticate") return {200, {{"header", header()}, {"token", "AbCdEfGhIjKlMnOp.7"}}};
  return {404, grpc_error(5, "Not Found")};
}

// --- Watches --------------------------------------------------------------------------------------------------------------

json etcd_model::event_line(std::vector<etcd_change> const& events) const {
  json list = json::array();
  for (auto const& e : events) list.push_back(e.line);
  return {{"result", {{"header", header()}, {"events", list}}}};
}

std::string etcd_model::canceled_line() const {
  json const head{{"cluster_id", cluster_id}, {"member_id", "1"}, {"raft_term", std::to_string(raft_term)}};
  json const result{{"header", head}, {"canceled", true}, {"compact_revision", said(compacted)}};
  return json{{"result", result}}.dump();
}

etcd_watch::etcd_watch(json const& body) {
  auto const& create = body.at("create_request");
  from = text_at(create, "key");
  end = text_at(create, "range_end");
  start = number(create, "start_revision");
  deletes_only = create.contains("filters");
}

bool etcd_watch::wants(etcd_change const& c) const {
  return inside(c.key, from, end) && c.revision >= start && (c.deleted || !deletes_only);
}

// etcd's loop for watches that begin in the past sends all of it in one message.
std::vector<std::string> etcd_model::first_lines(etcd_watch const& wanted) const {
  std::vector<std::string> lines{created_line()};
  if (wanted.start == 0) return lines;
  if (wanted.start < compacted) {
    lines.push_back(canceled_line());
    return lines;
  }
  auto const old = wanted.chosen(history_);
  if (!old.empty()) lines.push_back(event_line(old).dump());
  return lines;
}

}  // namespace coelect::test
