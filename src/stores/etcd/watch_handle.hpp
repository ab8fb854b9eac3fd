// One subscription to changes of keys, however it travels.
#pragma once
#include <coelect/clock.hpp>
#include <cstdint>
#include <optional>

namespace coelect::stores::etcd {

/// Destroying it ends it. On the store's strand.
class watch_handle {
public:
  virtual ~watch_handle() = default;
  /// Since when nothing would be heard; nothing while the watch is open.
  virtual std::optional<instant> blind_since() const noexcept = 0;
  virtual void expect(std::int64_t revision) = 0;  ///< watch_stream::expect
};

}  // namespace coelect::stores::etcd
