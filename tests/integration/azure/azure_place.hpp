// The usual scene: an io_context on real time and electors on a real Azurite.
#pragma once
#include "support/azurite.hpp"
#include "support/one_process.hpp"
#include <coelect/coelect.hpp>
#include <memory>
#include <string>
#include <vector>

namespace coelect::test {

using namespace std::chrono_literals;

/// One process's side: its loop, its stores and electors. Without threads: until() runs it.
struct azure_process : one_process {
  /// Short polls, so that tests need not wait; a container of its own.
  static azure_blob_store_options options(std::string container = "leases") {
    azure_blob_store_options o;
    o.container = std::move(container);
    o.create_container = true;
    o.poll_min = 100ms;
    o.poll_max = 200ms;
    o.timing.ttl = 15s;
    return o;
  }

  std::shared_ptr<store> make_store(std::string const& connection_string, azure_blob_store_options how = options()) {
    how.log = log();
    return make_azure_blob_store(io.get_executor(), connection_string, std::move(how));
  }
};

}  // namespace coelect::test
