// Writes and reads what stands in a lock file: who leads, the token counter, a request to resign.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coelect::wire {

/// A lock file is two slots of record_slot bytes and one of request_slot bytes behind them. Every write
/// goes into the slot that is not the newest, so that a write cut short by a crash leaves the other one.
inline constexpr std::size_t record_slot = 73'728;  // 64 KiB of value, 8 KiB of the rest
inline constexpr std::size_t request_slot = 128;
inline constexpr std::size_t request_offset = 2 * record_slot;

/// One slot's content.
struct lock_record {
  std::uint64_t sequence = 0;  ///< Grows with every write; the slot with the larger one counts.
  std::uint64_t token = 0;
  std::uint64_t pid = 0;
  std::chrono::microseconds since{};  ///< Of the win, since 1970.
  std::string candidate;
  std::string value;
};

/// Not longer than record_slot for a candidate of 255 and a value of 65536 bytes.
std::string write_record(lock_record const& record);
/// Nothing when the bytes are not a whole record with a right checksum.
std::optional<lock_record> read_record(std::string_view slot);

std::string write_request(std::uint64_t token);
/// Token of the leader that is asked to resign; nothing when there is no readable request.
std::optional<std::uint64_t> read_request(std::string_view slot);

/// What both slots say together.
struct lock_state {
  enum class kind {
    unused = 1,  ///< Nothing was ever written.
    known,
    damaged,  ///< Something was written and none of it can be read.
  };
  kind what = kind::unused;
  lock_record newest;         ///< With kind::known.
  std::size_t next_slot = 0;  ///< 0 or 1: where the next record goes.
  /// With kind::known: larger than every token that any process can have been given. If one slot is
  /// damaged it may have held the newest token, which is then one above what the other one says.
  std::uint64_t next_token = 0;
};

lock_state judge(std::string_view first_slot, std::string_view second_slot);

}  // namespace coelect::wire
