// What the fault tests share: several candidates on one loop, requests told apart by what they do, bounds and figures.
#pragma once
#include "etcd_place.hpp"
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <thread>

namespace coelect::test {

/// COELECT_ROUNDS, or what is fit for every build.
inline int rounds(int usually) {
  auto const* const asked = std::getenv("COELECT_ROUNDS");
  return asked ? std::max(1, std::atoi(asked)) : usually;
}

/// What a transaction's body does, keys decoded.
struct txn_shape {
  std::vector<std::string> compared, put, erased;
  bool if_absent = false;  ///< Some key must not exist.

  explicit txn_shape(std::string const& body) {
    auto const json = nlohmann::json::parse(body, nullptr, false);
    if (!json.is_object()) return;
    for (auto const& c : json.value("compare", nlohmann::json::array())) {
      compared.push_back(base64_decode(c.value("key", "")));
      auto const revision = c.value("create_revision", "0");  // a default may be left out
      if (c.value("target", "") == "CREATE" && c.value("result", "EQUAL") == "EQUAL" && revision == "0")
        if_absent = true;
    }
    for (auto const& op : json.value("success", nlohmann::json::array())) {
      if (op.contains("request_put")) put.push_back(base64_decode(op["request_put"].value("key", "")));
      if (op.contains("request_delete_range"))
        erased.push_back(base64_decode(op["request_delete_range"].value("key", "")));
    }
  }
  static bool any(std::vector<std::string> const& keys, std::string const& part) {
    return std::any_of(keys.begin(), keys.end(), [&](auto const& k) { return k.find(part) != k.npos; });
  }
};

/// Fits transactions that `so` says yes to.
inline request_test is_txn(std::function<bool(txn_shape const&)> so) {
  return [so = std::move(so)](proxy_request const& r) { return r.path == "/v3/kv/txn" && so(txn_shape(r.body)); };
}

/// The transaction that makes a candidate's key in an election whose name begins like this.
inline request_test is_campaign(std::string election) {
  return is_txn([election = std::move(election)](txn_shape const& t) { return t.if_absent && t.any(t.put, election); });
}

/// One candidate that stands again whenever its term has ended, and what became of it.
class persistent {
public:
  persistent(etcd_process& p, std::shared_ptr<store> where, std::string name, std::string election = "leader")
      : elector_(p.make_elector(std::move(where), std::move(name), std::move(election))) {
    stand();
  }

  leadership& term() { return term_; }
  bool valid() const { return term_.valid(); }
  int terms = 0, at_risk = 0, ended = 0;
  std::vector<std::string> ends;
  std::vector<std::uint64_t> tokens;
  error_code trouble;

private:
  void stand() {
    elector_.campaign([this](error_code ec, leadership won) {
      if (ec) {
        trouble = ec;
        return;
      }
      term_ = std::move(won);
      ++terms;
      tokens.push_back(term_.fencing_token());
      term_.at_risk([this](error_code e, risk why) {
        if (!e && why == risk::overdue) ++at_risk;
      });
      term_.lost([this](error_code e, term_end const& how) {
        if (e || how.code() == errc::stopped) return;
        ++ended;
        ends.push_back(std::string(to_string(how.how())) + ": " + how.detail());
        stand();
      });
    });
  }

  elector elector_;
  leadership term_;
};

/// Runs the loop for that long and calls `look` after every step; ends early when `look` says false.
inline bool observe_for(etcd_process& p, std::chrono::milliseconds span, std::function<bool()> const& look) {
  auto const end = std::chrono::steady_clock::now() + span;
  while (std::chrono::steady_clock::now() < end) {
    if (p.io.stopped()) p.io.restart();
    p.io.run_one_for(std::chrono::milliseconds(5));
    if (!look()) return false;
  }
  return true;
}

inline std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

inline double middle(std::vector<double> all) {
  if (all.empty()) return 0;
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}
inline double largest(std::vector<double> const& all) {
  return all.empty() ? 0 : *std::max_element(all.begin(), all.end());
}

}  // namespace coelect::test
