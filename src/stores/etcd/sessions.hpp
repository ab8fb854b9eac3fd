// The sessions of one store: usually one, and another one for each further candidate of the same election.
#pragma once
#include "stores/etcd/session.hpp"

namespace coelect::stores::etcd {

/// On the store's strand.
class sessions {
public:
  explicit sessions(std::shared_ptr<commons> shared) : shared_(std::move(shared)) {}

  /// One that `election` can be entered with. Two candidates of one election in one process must not
  /// share a lease: they would share their key, and both would win.
  std::shared_ptr<session> take(std::string const& election);

  void end_all(error_code why, std::string const& detail);
  void revoke_all();
  void close() noexcept { all_.clear(); }
  commons& shared() const noexcept { return *shared_; }

private:
  std::shared_ptr<commons> shared_;
  std::vector<std::shared_ptr<session>> all_;
};

}  // namespace coelect::stores::etcd
