// One list of exchanges with etcd, in the store's own words: what a real server answers to them, the model must answer too.
#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace coelect::test {

/// What a step's request is made from: revisions count from where the script began.
struct etcd_exchange_place {
  std::string prefix;      ///< Of all keys of this run of the script.
  std::int64_t base = 0;   ///< The store's revision before the script.
  std::int64_t lease = 0;  ///< The first of ten lease ids that nobody else uses.
  std::string key(std::string const& name) const { return prefix + name; }
  std::int64_t at(std::int64_t revision) const { return base + revision; }
};

struct etcd_exchange_step {
  enum class kind { ask, watch, compact };
  kind what = kind::ask;
  std::string path;  ///< "/v3/kv/txn"
  std::function<std::string(etcd_exchange_place const&)> body;
  std::size_t lines = 0;  ///< Of a watch: how many messages to wait for.
};

struct etcd_exchange_script {
  std::string name;
  std::vector<etcd_exchange_step> steps;
};

std::vector<etcd_exchange_script> const& etcd_exchanges();

/// Whoever can be asked: the model, or a real server.
class etcd_exchange_partner {
public:
  virtual ~etcd_exchange_partner() = default;
  virtual std::pair<int, std::string> ask(std::string const& path, std::string const& body) = 0;
  /// The first `lines` messages of a watch.
  virtual std::vector<std::string> watch(std::string const& body, std::size_t lines) = 0;
  virtual void compact(std::int64_t revision) = 0;
};

/// What each step was answered: status and body without what differs between two servers (ids, terms, wording), and
/// with revisions relative to the script's beginning.
std::vector<std::string> run_script(etcd_exchange_script const& script, etcd_exchange_partner& with,
                                    std::size_t number);

}  // namespace coelect::test
