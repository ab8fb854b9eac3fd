// Who takes part, how each one is started, and who is missing and why.
#pragma once
#include "harness/settings.hpp"
#include <string>
#include <vector>

namespace bench {

struct participant {
  std::string name;                  ///< Short, for tables: "ours", "floor", "go".
  std::string what;                  ///< In full, with its version.
  std::vector<std::string> command;  ///< Before the workload.
  bool is_peer = false;              ///< Neither ours nor the floor.
  std::string key_prefix{};          ///< What it puts before our prefix by itself.
  bool queues = true;                ///< Waiting candidates have keys in the store.
};

struct missing {
  std::string name, why;
  bool azure = false;  ///< Would play on Azure; else on etcd.
};

struct field {
  std::vector<participant> etcd, azure;
  std::vector<missing> absent;
};

/// Looks who is installed and asked for. Peers that no registry of ours has are named as missing, too.
field look_who_is_there(settings const& s);

}  // namespace bench
