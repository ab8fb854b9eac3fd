// The value of a candidate's key: who it is and what it publishes.
#include "wire/etcd_record.hpp"
#include "base/json.hpp"

namespace coelect::wire::etcd {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

}  // namespace

std::string write_record(std::string_view candidate, std::string_view value, system_clock::time_point since,
                         bool plain) {
  if (plain) return std::string(value.empty() ? candidate : value);
  base::json_writer object;
  object.add("candidate", candidate);
  if (!value.empty()) object.add("value", value);
  object.add("since_ms", std::chrono::duration_cast<milliseconds>(since.time_since_epoch()).count());
  return object.line();
}

leader_info read_record(key_value const& kv) {
  auto const token = static_cast<std::uint64_t>(kv.create_revision);
  auto const record = base::json_document::parse(kv.value);
  auto const candidate = record ? record->root().text("candidate") : std::nullopt;
  if (!candidate || candidate->empty()) return {kv.value, kv.value, token, system_clock::time_point()};
  auto const since = record->root().integer("since_ms").value_or(0);
  auto const value = record->root().text("value").value_or("");
  // system_clock counts nanoseconds and ends in 2262.
  constexpr std::int64_t end_of_time = 9'000'000'000'000;
  bool const sensible = since >= 0 && since <= end_of_time;
  return {*candidate, value, token, system_clock::time_point(milliseconds(sensible ? since : 0))};
}

}  // namespace coelect::wire::etcd
