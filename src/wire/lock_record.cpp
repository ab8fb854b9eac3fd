// Writes and reads what stands in a lock file: who leads, the token counter, a request to resign.
#include "wire/lock_record.hpp"
#include "base/json.hpp"
#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <charconv>
#include <cstdio>
#include <limits>

namespace coelect::wire {
namespace {

constexpr std::string_view record_magic = "coelect-lock 1 ";
constexpr std::string_view request_magic = "coelect-resign 1 ";
// Numbers above this cannot come from counting; they would run over soon.
constexpr std::uint64_t end_of_time = 9'000'000'000'000'000;  // in us; system_clock counts nanoseconds and ends in 2262
constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max() / 2;

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

bool blank(std::string_view slot) {
  return std::all_of(slot.begin(), slot.end(), [](char c) { return c == '\0'; });
}

// Takes an unsigned number and the one character behind it off the front of `text`.
template <class Number>
std::optional<Number> take(std::string_view& text, char end, int base) {
  Number value{};
  auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  bool const good = error == std::errc() && stop != text.data() + text.size() && *stop == end;
  if (!good) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  return value;
}

}  // namespace

std::string write_record(lock_record const& record) {
  base::json_writer meta;
  meta.add("sequence", record.sequence).add("token", record.token).add("candidate", record.candidate);
  meta.add("pid", record.pid).add("since_us", static_cast<std::uint64_t>(record.since.count()));
  auto const text = meta.line();
  auto const body = text + "\n" + record.value;
  std::array<char, 64> head{};
  auto const* const format = "%s%08x %zu %zu\n";
  std::snprintf(head.data(), head.size(), format, record_magic.data(), checksum(body), text.size(),
                record.value.size());
  return head.data() + body;
}

std::optional<lock_record> read_record(std::string_view slot) {
  if (!slot.starts_with(record_magic)) return std::nullopt;
  slot.remove_prefix(record_magic.size());
  auto const sum = take<std::uint32_t>(slot, ' ', 16);
  auto const text_size = sum ? take<std::size_t>(slot, ' ', 10) : std::nullopt;
  auto const value_size = text_size ? take<std::size_t>(slot, '\n', 10) : std::nullopt;
  if (!value_size || *text_size > record_slot || *value_size > record_slot) return std::nullopt;
  auto const size = *text_size + 1 + *value_size;
  if (slot.size() < size || checksum(slot.substr(0, size)) != *sum) return std::nullopt;
  auto const meta = base::json_reader::parse(slot.substr(0, *text_size));
  if (!meta) return std::nullopt;
  auto const sequence = meta->number("sequence");
  auto const token = meta->number("token");
  auto const candidate = meta->text("candidate");
  if (!sequence || !token || !candidate) return std::nullopt;
  if (*token == 0 || *token > largest || *sequence > largest) return std::nullopt;
  lock_record record;
  record.sequence = *sequence;
  record.token = *token;
  record.candidate = *candidate;
  record.pid = meta->number("pid").value_or(0);
  auto const since = meta->number("since_us").value_or(0);
  record.since = std::chrono::microseconds(since <= end_of_time ? static_cast<std::int64_t>(since) : 0);
  record.value = slot.substr(*text_size + 1, *value_size);
  return record;
}

std::string write_request(std::uint64_t token) {
  auto const number = std::to_string(token);
  std::array<char, request_slot> text{};
  std::snprintf(text.data(), text.size(), "%s%08x %s\n", request_magic.data(), checksum(number), number.c_str());
  return {text.data(), text.size()};
}

std::optional<std::uint64_t> read_request(std::string_view slot) {
  if (!slot.starts_with(request_magic)) return std::nullopt;
  slot.remove_prefix(request_magic.size());
  auto const sum = take<std::uint32_t>(slot, ' ', 16);
  auto const token = sum ? take<std::uint64_t>(slot, '\n', 10) : std::nullopt;
  if (!token || checksum(std::to_string(*token)) != *sum) return std::nullopt;
  return token;
}

lock_state judge(std::string_view first_slot, std::string_view second_slot) {
  auto first = read_record(first_slot);
  auto second = read_record(second_slot);
  lock_state state;
  if (!first && !second) {
    bool const empty = blank(first_slot) && blank(second_slot);
    state.what = empty ? lock_state::kind::unused : lock_state::kind::damaged;
    return state;
  }
  bool const first_is_newest = first && (!second || first->sequence > second->sequence);
  bool const other_is_damaged = first_is_newest ? !second && !blank(second_slot) : !first && !blank(first_slot);
  state.what = lock_state::kind::known;
  state.newest = first_is_newest ? std::move(*first) : std::move(*second);
  state.next_slot = first_is_newest ? 1 : 0;
  state.next_token = state.newest.token + (other_is_damaged ? 2 : 1);
  return state;
}

}  // namespace coelect::wire
