// Measures what is read and written for each request: etcd's answers, Azure's signature, the lock file's record.
#include "base/base64.hpp"
#include "micro/micro.hpp"
#include "wire/azure_date.hpp"
#include "wire/azure_lease.hpp"
#include "wire/azure_place.hpp"
#include "wire/azure_signature.hpp"
#include "wire/etcd_answers.hpp"
#include "wire/lock_record.hpp"
#include <stdexcept>

namespace {

using namespace coelect;
using bench::repeat;

// As etcd 3.4's gateway wrote them.
constexpr char const* txn_answer =
    R"({"header":{"cluster_id":"14841639068965178418","member_id":"10276657743932975437","revision":"4711","raft_term":"2"},)"
    R"("succeeded":true,"responses":[{"response_put":{"header":{"revision":"4711"}}},{"response_range":{"header":)"
    R"({"revision":"4711"},"kvs":[{"key":"YXBwL2NsZWFuZXIvNjk0ZDlkMWYyYzNiNGE1ZQ==","create_revision":"4711",)"
    R"("mod_revision":"4711","version":"1","value":"eyJjYW5kaWRhdGUiOiJob3N0LjQ3MTEuMDEyMzQ1Njc4OWFiY2RlZiJ9",)"
    R"("lease":"7587862094850788958"}],"more":true,"count":"2"}}]})";

constexpr char const* watch_event =
    R"({"result":{"header":{"cluster_id":"14841639068965178418","member_id":"10276657743932975437","revision":"4712",)"
    R"("raft_term":"2"},"events":[{"type":"DELETE","kv":{"key":"YXBwL2NsZWFuZXIvNjk0ZDlkMWYyYzNiNGE1ZQ==",)"
    R"("mod_revision":"4712"}}]}})";

void decode_txn_answer(benchmark::State& state) {
  if (!wire::etcd::read_txn(txn_answer, 2, 2)) throw std::runtime_error("the example cannot be read");
  repeat(state, [] { return wire::etcd::read_txn(txn_answer, 2, 2); });
}
BENCHMARK(decode_txn_answer);

void decode_watch_event(benchmark::State& state) {
  if (!wire::etcd::read_watch_line(watch_event)) throw std::runtime_error("the example cannot be read");
  repeat(state, [] { return wire::etcd::read_watch_line(watch_event); });
}
BENCHMARK(decode_watch_event);

void sign_azure_renewal(benchmark::State& state) {
  namespace az = wire::azure;
  auto const key = base::secret(*base::from_base64(az::development_key));
  auto const date = az::http_date(std::chrono::system_clock::now());
  auto what = az::renew({"/devstoreaccount1/leases", "cleaner"}, "1f812371-a41d-49e6-b123-f4b542e851c5");
  az::add_common(what, date, "bench", 5);
  repeat(state, [&] { return az::shared_key_authorization(what, az::development_account, key); });
}
BENCHMARK(sign_azure_renewal);

void lock_record_round_trip(benchmark::State& state) {
  wire::lock_record record;
  record.sequence = record.token = 1'763'725'366'000'000;
  record.candidate = "host.1234.0123456789abcdef";
  record.value = "http://10.0.0.7:8080";
  repeat(state, [&] { return wire::read_record(wire::write_record(record)); });
}
BENCHMARK(lock_record_round_trip);

}  // namespace
