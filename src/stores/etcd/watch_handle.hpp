// One subscription to changes of keys, however it travels.
#pragma once
#include <chrono>
#include <coelect/clock.hpp>
#include <cstdint>
#include <optional>

namespace coelect::stores::etcd {

/// A watch, or a socket full of them, that nobody needs any more goes on for so long: who resigns often stands again at
/// once, and a connection, an upgrade and a watch cost etcd more than an election. Not longer, because a program that ends
/// when nothing is left to do waits for it.
constexpr std::chrono::milliseconds watch_linger{100};

/// Destroying it ends it. On the store's strand.
class watch_handle {
public:
  virtual ~watch_handle() = default;
  /// Since when nothing would be heard; nothing while the watch is open.
  virtual std::optional<instant> blind_since() const noexcept = 0;
  virtual void expect(std::int64_t revision) = 0;  ///< watch_stream::expect
};

}  // namespace coelect::stores::etcd
