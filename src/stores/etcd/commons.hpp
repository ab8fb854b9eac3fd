// What everything in one etcd store shares.
#pragma once
#include "rules/timings.hpp"
#include "stores/etcd/batches.hpp"
#include "stores/etcd/etcd_client.hpp"
#include "stores/etcd/slack_check.hpp"
#include "stores/etcd/watches.hpp"
#include "wire/etcd_keys.hpp"
#include <algorithm>

namespace coelect::stores::etcd {

/// Whether a candidate is likely to find nobody else in its election; a guess from how it went with the last few.
class solitude {
public:
  bool likely() const noexcept { return score_ > 0; }
  void found(bool alone) noexcept { score_ = std::clamp(score_ + (alone ? 1 : -2), -4, 4); }

private:
  int score_ = 1;
};

/// On the store's strand, except that it is made elsewhere.
struct commons {
  commons(std::shared_ptr<store_context> where, rules::timings const& t, std::string prefix, bool plain,
          client_options how, std::function<void()> store_was_reset)
      : context(std::move(where)),
        times(t),
        keys(std::move(prefix)),
        plain_values(plain),
        client(context, std::move(how), std::move(store_was_reset)),
        together(client, keys),
        watch(client, times, keys.prefix()),
        slack(client, times) {}

  std::shared_ptr<store_context> context;
  rules::timings times;
  wire::etcd::key_layout keys;
  bool plain_values;  ///< wire::etcd::write_record
  etcd_client client;
  batches together;
  watches watch;
  slack_check slack;
  solitude alone;
};

}  // namespace coelect::stores::etcd
