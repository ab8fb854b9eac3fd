// The pretended etcd itself: keys, leases and transactions, as far as the store uses them.
#include "fake_etcd.hpp"
#include "base/base64.hpp"
#include "fake_json.hpp"
#include <algorithm>

namespace coelect::test {

namespace {

json said(std::int64_t n) { return std::to_string(n); }

json list_of(json const& from, char const* name) { return from.contains(name) ? from.at(name) : json::array(); }

json kv_of(std::string const& key, fake_etcd::entry const& e, bool keys_only) {
  json kv{{"key", base::base64(key)},
          {"create_revision", said(e.created)},
          {"mod_revision", said(e.modified)},
          {"version", said(e.version)}};
  if (!keys_only && !e.value.empty()) kv["value"] = base::base64(e.value);
  if (e.lease != 0) kv["lease"] = said(e.lease);
  return kv;
}

json grpc_error(int code, std::string const& message) {
  return {{"error", message}, {"message", message}, {"code", code}};
}

}  // namespace

std::string decoded(json const& base64_text) {
  return base::from_base64(base64_text.get<std::string>()).value_or(std::string());
}

// --- What is kept -------------------------------------------------------------------------------------------------------

json fake_etcd::header() const {
  return {{"cluster_id", cluster_id},
          {"member_id", "1"},
          {"revision", said(revision)},
          {"raft_term", std::to_string(raft_term)}};
}

std::vector<std::string> fake_etcd::list(std::string const& prefix) const {
  std::vector<std::string> all;
  for (auto const& [key, e] : keys)
    if (key.starts_with(prefix)) all.push_back(key);
  std::sort(all.begin(), all.end(),
            [&](auto const& a, auto const& b) { return keys.at(a).created < keys.at(b).created; });
  return all;
}

std::int64_t fake_etcd::put(std::string const& key, std::string const& value, std::int64_t lease) {
  carry_out(
      "/v3/kv/txn",
      {{"success",
        {{{"request_put", {{"key", base::base64(key)}, {"value", base::base64(value)}, {"lease", said(lease)}}}}}}});
  return revision;
}

void fake_etcd::erase(std::string const& key) {
  carry_out("/v3/kv/txn", {{"success", {{{"request_delete_range", {{"key", base::base64(key)}}}}}}});
}

void fake_etcd::expire(std::int64_t lease) {
  leases.erase(lease);
  json all = json::array();
  for (auto const& [key, e] : keys)
    if (e.lease == lease) all.push_back({{"request_delete_range", {{"key", base::base64(key)}}}});
  carry_out("/v3/kv/txn", {{"success", all}});
}

std::vector<fake_call> fake_etcd::calls_to(std::string const& path) const {
  std::vector<fake_call> found;
  for (auto const& c : calls)
    if (c.path == path) found.push_back(c);
  return found;
}

json fake_etcd::range(json const& how, bool) const {
  auto const from = text_at(how, "key"), end = text_at(how, "range_end");
  auto const up_to = number(how, "max_create_revision");
  auto const limit = number(how, "limit");
  std::vector<std::string> found;
  for (auto const& [key, e] : keys)
    if (inside(key, from, end) && (up_to == 0 || e.created <= up_to)) found.push_back(key);
  auto const order = how.value("sort_order", std::string());
  std::sort(found.begin(), found.end(), [&](auto const& a, auto const& b) {
    if (order == "ASCEND") return keys.at(a).created < keys.at(b).created;
    if (order == "DESCEND") return keys.at(a).created > keys.at(b).created;
    return a < b;
  });
  json answer{{"count", said(static_cast<std::int64_t>(found.size()))}};
  for (auto const& key : found) {
    if (limit > 0 && static_cast<std::int64_t>(answer["kvs"].size()) == limit) break;
    answer["kvs"].push_back(kv_of(key, keys.at(key), how.value("keys_only", false)));
  }
  return answer;
}

bool fake_etcd::holds(json const& compare) const {
  auto const found = keys.find(text_at(compare, "key"));
  entry const e = found == keys.end() ? entry{} : found->second;
  bool const of_creation = compare.at("target") == "CREATE";
  auto const is = of_creation ? e.created : e.modified;
  auto const wanted = number(compare, of_creation ? "create_revision" : "mod_revision");
  if (compare.at("result") == "GREATER") return is > wanted;
  return is == wanted;
}

std::pair<int, json> fake_etcd::txn(json const& body) {
  auto const compare = list_of(body, "compare");
  bool const good = std::all_of(compare.begin(), compare.end(), [this](json const& c) { return holds(c); });
  auto const list = list_of(body, good ? "success" : "failure");
  for (auto const& op : list) {
    if (!op.contains("request_put")) continue;
    auto const lease = number(op.at("request_put"), "lease");
    if (lease != 0 && !leases.contains(lease)) return {404, grpc_error(5, "etcdserver: requested lease not found")};
  }
  json responses = json::array();
  auto const next = revision + 1;
  for (auto const& op : list) {
    if (op.contains("request_put")) {
      auto const& p = op.at("request_put");
      auto const key = text_at(p, "key");
      auto& e = keys[key];
      if (e.created == 0) e.created = next;
      e.modified = next;
      ++e.version;
      e.value = text_at(p, "value");
      e.lease = number(p, "lease");
      pending_.push_back({key, next, false, {{"kv", kv_of(key, e, false)}}});
      responses.push_back({{"response_put", {{"header", {{"revision", said(next)}}}}}});
    } else if (op.contains("request_delete_range")) {
      auto const& d = op.at("request_delete_range");
      std::int64_t n = 0;
      for (auto it = keys.begin(); it != keys.end();) {
        if (!inside(it->first, text_at(d, "key"), text_at(d, "range_end"))) {
          ++it;
          continue;
        }
        json const kv{{"key", base::base64(it->first)}, {"mod_revision", said(next)}};
        pending_.push_back({it->first, next, true, {{"type", "DELETE"}, {"kv", kv}}});
        it = keys.erase(it);
        ++n;
      }
      responses.push_back({{"response_delete_range", {{"header", {{"revision", said(next)}}}}}});
      if (n > 0) responses.back()["response_delete_range"]["deleted"] = said(n);
    } else {
      responses.push_back({{"response_range", range(op.at("request_range"))}});
    }
  }
  if (!pending_.empty()) revision = next;
  json answer{{"header", header()}, {"responses", responses}};
  if (good) answer["succeeded"] = true;
  commit();
  return {200, answer};
}

std::pair<int, json> fake_etcd::carry_out(std::string const& path, json const& body) {
  auto const lease = number(body, "ID");
  auto const gone = std::pair<int, json>(404, grpc_error(5, "etcdserver: requested lease not found"));
  if (path == "/v3/kv/txn") return txn(body);
  if (path == "/v3/kv/range") {
    auto answer = range(body);
    answer["header"] = header();
    return {200, answer};
  }
  if (path == "/v3/lease/grant") {
    if (!leases.insert(lease).second) return {412, grpc_error(9, "etcdserver: lease already exists")};
    return {200, {{"header", header()}, {"ID", said(lease)}, {"TTL", said(std::max(number(body, "TTL"), least_ttl))}}};
  }
  if (path == "/v3/lease/keepalive") {
    json result{{"header", header()}, {"ID", said(lease)}};
    if (leases.contains(lease)) result["TTL"] = "10";
    return {200, {{"result", result}}};
  }
  if (path == "/v3/lease/revoke") {
    if (!leases.contains(lease)) return gone;
    expire(lease);
    return {200, {{"header", header()}}};
  }
  if (path == "/v3/auth/authenticate") return {200, {{"header", header()}, {"token", "AbCdEfGhIjKlMnOp.7"}}};
  return {404, grpc_error(0, "Not Found")};
}

// --- Tests on calls ---------------------------------------------------------------------------------------------------

namespace {

bool put_in(json const& list, std::string const& ending) {
  return std::any_of(list.begin(), list.end(), [&](json const& op) {
    return op.contains("request_put") && text_at(op.at("request_put"), "key").ends_with(ending);
  });
}

bool has_range(json const& list) {
  return std::any_of(list.begin(), list.end(), [](json const& op) { return op.contains("request_range"); });
}

}  // namespace

bool puts_key(fake_call const& c, std::string const& ending) {
  return c.path == "/v3/kv/txn" && put_in(list_of(c.body, "success"), ending);
}

bool is_campaign(fake_call const& c) {
  if (c.path != "/v3/kv/txn") return false;
  auto const compare = list_of(c.body, "compare");
  return compare.size() == 2 && compare[1].at("target") == "MOD" && number(compare[0], "create_revision") == 0;
}

bool is_anchor_put(fake_call const& c) {
  return puts_key(c, "/anchor") && !c.body.contains("compare") && c.body.at("success").size() == 1;
}

bool is_verification(fake_call const& c) {
  return puts_key(c, "/anchor") && c.body.contains("compare") && has_range(c.body.at("success"));
}

bool is_search(fake_call const& c) {
  return c.path == "/v3/kv/txn" && c.raw_body.find("max_create_revision") != std::string::npos;
}

bool is_void(fake_call const& c) {
  return puts_key(c, "/generation") && !c.body.contains("compare") && c.body.at("success").size() == 1;
}

std::string etcd_scene::oldest(std::string const& election) const {
  auto const all = etcd->list(how.prefix + election + "/");
  return all.empty() ? std::string() : all.front();
}

}  // namespace coelect::test
