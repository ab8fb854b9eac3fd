// What everything in one Azure store shares.
#pragma once
#include "rules/timings.hpp"
#include "stores/azure/azure_client.hpp"
#include "wire/azure_place.hpp"
#include <chrono>
#include <list>

namespace coelect::stores::azure {

/// On the store's strand, except that the store makes it.
struct commons {
  std::shared_ptr<store_context> context;
  rules::timings times;
  azure_client client;
  std::string container_path;  ///< "/account/container" or "/container"
  std::string container;
  std::string prefix;  ///< Before the blobs' names.
  bool create_container = false;
  std::chrono::milliseconds poll_min{}, poll_max{};

  wire::azure::blob_path path_of(std::string_view name) const {
    return {container_path, wire::azure::encode_path(prefix + std::string(name))};
  }
  /// Losers that asked together ask apart from then on.
  std::chrono::milliseconds next_poll() const {
    auto const span = static_cast<std::uint64_t>((poll_max - poll_min).count() + 1);
    return poll_min + std::chrono::milliseconds(context->env().random() % span);
  }
};

}  // namespace coelect::stores::azure
