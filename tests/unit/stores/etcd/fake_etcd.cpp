// The tests on calls to the pretended etcd: which of the store's requests one is.
#include "fake_etcd.hpp"
#include <algorithm>

namespace coelect::test {

std::vector<fake_call> fake_etcd::calls_to(std::string const& path) const {
  std::vector<fake_call> found;
  for (auto const& c : calls)
    if (c.path == path) found.push_back(c);
  return found;
}

// --- Tests on calls ---------------------------------------------------------------------------------------------------

namespace {

bool put_in(json const& list, std::string const& ending) {
  return std::any_of(list.begin(), list.end(), [&](json const& op) {
    return op.contains("request_put") && text_at(op.at("request_put"), "key").ends_with(ending);
  });
}

bool deletion_in(json const& list, std::string const& ending) {
  return std::any_of(list.begin(), list.end(), [&](json const& op) {
    return op.contains("request_delete_range") && text_at(op.at("request_delete_range"), "key").ends_with(ending);
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

bool writes_nothing(fake_call const& c) {
  return c.path == "/v3/kv/txn" && deletion_in(list_of(c.body, "success"), "@coelect/nothing");
}

bool is_verification(fake_call const& c) {
  return writes_nothing(c) && c.body.contains("compare") && has_range(c.body.at("success"));
}

bool is_own_key_question(fake_call const& c) {
  return writes_nothing(c) && c.body.contains("compare") && !has_range(c.body.at("success"));
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
