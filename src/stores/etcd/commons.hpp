// What everything in one etcd store shares.
#pragma once
#include "rules/timings.hpp"
#include "stores/etcd/batches.hpp"
#include "stores/etcd/etcd_client.hpp"
#include "stores/etcd/slack_check.hpp"
#include "stores/etcd/watches.hpp"
#include "wire/etcd_keys.hpp"

namespace coelect::stores::etcd {

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
  hunch alone;  ///< That a candidate will find nobody else in its election.
};

}  // namespace coelect::stores::etcd
