// One watch among the many of a WebSocket, and the table that finds it by the number it has there.
#pragma once
#include "stores/etcd/watch_handle.hpp"
#include "stores/etcd/watch_socket.hpp"
#include <memory>
#include <utility>
#include <vector>

namespace coelect::stores::etcd {

/// There may be ten thousands of them: about 160 bytes, its key if that is longer than 15, and 16 in the table.
class watch_socket::watch final : public watch_handle {
public:
  watch(watch_socket& socket, wire::etcd::key_range range, std::int64_t from, bool deletes, std::chrono::milliseconds s,
        watch_listener& listener)
      : to(&listener),
        what(std::move(range)),
        next(from),
        span(static_cast<std::int32_t>(s.count())),
        deletes_only(deletes),
        blind(socket.client_.context().now()) {}
  watch(watch const&) = delete;
  watch& operator=(watch const&) = delete;
  ~watch() override {
    if (on != nullptr) on->remove(*this);
  }
  std::optional<instant> blind_since() const noexcept override { return stream ? stream->blind_since() : blind; }
  void expect(std::int64_t revision) override {
    if (on != nullptr) on->expect(*this, revision);
  }

  watch_position position() const { return {next, expected, first, gap, false, blind}; }
  void stand_at(watch_position const& p) {
    next = p.next;
    expected = p.expected;
    first = p.first;
    gap = p.gap;
    blind = p.blind_since;
  }

  watch_socket* on = nullptr;  // while we are in its table
  watch_listener* to;
  wire::etcd::key_range what;
  std::int64_t next;
  std::int64_t expected = 0;
  std::uint32_t place = 0;  // in the table
  std::int32_t span;        // ms; of a stream of its own
  bool deletes_only;
  bool asked = false;              // on this socket
  bool created = false;            // on this socket
  bool first = true, gap = false;  // watch_position
  std::optional<instant> blind;
  std::unique_ptr<watch_stream> stream;  // while the server has no WebSocket
};

/// A watch is numbered anew each time it begins: what an answer of before still says is not taken for its own.
class watch_socket::table {
public:
  static constexpr int place_bits = 24;

  void add(watch& w) {
    if (free_.empty()) {
      slots_.push_back({});
      free_.reserve(slots_.capacity());  // remove() must not fail
      free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    w.place = free_.back();
    free_.pop_back();
    slots_[w.place].who = &w;
    ++count_;
  }
  void remove(watch const& w) noexcept {
    slots_[w.place].who = nullptr;
    free_.push_back(w.place);
    --count_;
  }
  void renumber(watch const& w) noexcept { ++slots_[w.place].serial; }
  std::int64_t number(watch const& w) const noexcept {
    return (std::int64_t{slots_[w.place].serial} << place_bits) + w.place + 1;  // 0 would be the server's choice
  }
  /// Null: gone, or an earlier number of one that is there.
  watch* find(std::int64_t number) const noexcept {
    if (number <= 0) return nullptr;
    auto const place = static_cast<std::size_t>((number - 1) & ((1 << place_bits) - 1));
    if (place >= slots_.size() || slots_[place].who == nullptr) return nullptr;
    return this->number(*slots_[place].who) == number ? slots_[place].who : nullptr;
  }

  std::size_t count() const noexcept { return count_; }
  std::size_t places() const noexcept { return slots_.size(); }
  watch* at(std::size_t place) const noexcept { return slots_[place].who; }

private:
  struct slot {
    watch* who = nullptr;
    std::uint32_t serial = 0;
  };
  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t count_ = 0;
};

}  // namespace coelect::stores::etcd
