// The usual scene: an io_context on real time, electors on a real etcd, and what was logged.
#pragma once
#include "support/etcd_server.hpp"
#include "support/fault_proxy.hpp"
#include "support/one_process.hpp"
#include <boost/asio/bind_cancellation_slot.hpp>
#include <coelect/coelect.hpp>
#include <memory>
#include <string>
#include <vector>

namespace coelect::test {

using namespace std::chrono_literals;

/// One process's side: its loop, its stores and electors. Without threads: run_until() runs it.
struct etcd_process : one_process {
  static etcd_store_options options(std::vector<std::string> endpoints, std::chrono::seconds ttl = 15s) {
    etcd_store_options o;
    o.endpoints = std::move(endpoints);
    o.timing.ttl = ttl;
    return o;
  }

  std::shared_ptr<store> make_store(etcd_store_options how) {
    how.log = log();
    return make_etcd_store(io.get_executor(), std::move(how));
  }
};

}  // namespace coelect::test
