// What a leader writes into the store itself, under the condition that its term is not over.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coelect {

/// A list of writes that are carried out together or not at all. A value; leadership::guarded_txn()
/// takes it. Not an aggregate on purpose: g++ 12 destroys those twice inside awaited expressions.
class guarded_writes {
public:
  struct write {
    std::string name;                      ///< etcd: the key, used as it is.
    std::optional<std::string> content{};  ///< Nothing: erase it.
  };

  guarded_writes() = default;
  /// Later writes to the same name are refused by the store: write a name once.
  guarded_writes& put(std::string name, std::string content) {
    all_.push_back({std::move(name), std::move(content)});
    return *this;
  }
  guarded_writes& erase(std::string name) {
    all_.push_back({std::move(name), std::nullopt});
    return *this;
  }
  std::vector<write> const& all() const noexcept { return all_; }

private:
  std::vector<write> all_;
};

}  // namespace coelect
