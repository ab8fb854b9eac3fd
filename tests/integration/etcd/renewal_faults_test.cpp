// A raft leader that was stopped acknowledges keep-alives it must not: no term may rely on one (R13).
#include "fault_place.hpp"
#include <atomic>
#include <mutex>
#include <set>

using namespace coelect;
using namespace coelect::test;

namespace {

/// Notes, from a member that is never stopped, when keys under a prefix were first missing.
class key_witness {
public:
  key_witness(etcd_client client, std::string prefix) : thread_([this, client, prefix] { look(client, prefix); }) {}
  ~key_witness() {
    stop_ = true;
    thread_.join();
  }
  std::map<std::string, clock::time_point> gone() const {
    std::lock_guard const lock(mutex_);
    return gone_;
  }

private:
  void look(etcd_client client, std::string const& prefix) {
    std::set<std::string> there;
    client.limit = 3s;
    while (!stop_) {
      try {
        std::set<std::string> now;
        for (auto const& k : client.list(prefix)) now.insert(k.key);
        std::lock_guard const lock(mutex_);
        for (auto const& k : there)
          if (!now.contains(k)) gone_.emplace(k, clock::now());
        there = std::move(now);
      } catch (std::exception const&) {  // no raft leader just now
      }
      std::this_thread::sleep_for(5ms);
    }
  }

  mutable std::mutex mutex_;
  std::map<std::string, clock::time_point> gone_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct holder {
  std::shared_ptr<store> where;
  std::unique_ptr<elector> candidate;
  catcher<leadership> won;
  clock::time_point latest{};
  std::string key;
};

struct round_result {
  int in_doubt = 0, overlaps = 0, confirmed = 0;
  double worst_ms = -1e9;
};

round_result stale_acknowledgements(etcd_cluster& cluster, int number) {
  constexpr int how_many = 10;
  auto const raft = cluster.wait_for_leader();
  auto& follower = cluster.member((raft + 1) % 3);
  fault_proxy proxy(cluster.member(raft).client_port());
  etcd_process p;
  auto how = p.options({proxy.url()}, 8s);
  how.timing.clock_rate_error = 0;  // one host, one clock; V = 7 s, so the terms outlast the stop
  how.timing.store_slack = 1s;
  how.timing.renew_every = 400ms;
  how.timing.request_timeout = 1400ms;
  how.timing.retry_min = 20ms;
  how.timing.retry_max = 60ms;
  std::vector<holder> all(how_many);
  for (int i = 0; i < how_many; ++i) {
    auto& h = all[static_cast<std::size_t>(i)];
    auto const election = "r13." + std::to_string(number) + "/" + std::to_string(i);
    h.where = p.make_store(how);
    h.candidate = std::make_unique<elector>(p.make_elector(h.where, "H" + std::to_string(i), election));
    h.candidate->campaign(h.won.handler());
  }
  REQUIRE(p.until([&] { return std::all_of(all.begin(), all.end(), [](auto& h) { return h.won.result.valid(); }); }));
  auto const prefix = "r13." + std::to_string(number) + "/";
  for (auto const& k : follower.client().list(prefix)) {
    auto const index = std::stoul(k.key.substr(prefix.size()));
    all[index].key = k.key;
  }
  key_witness witness(follower.client(), prefix);
  auto const sample = [&] {
    for (auto& h : all)
      if (h.won.result.valid()) h.latest = std::max(h.latest, h.won.result.valid_until());
    return true;
  };
  observe_for(p, 1s, sample);  // renewals spread out
  cluster.member(raft).stop();
  observe_for(p, 6500ms, sample);
  round_result r;
  for (auto& h : all) r.in_doubt += h.won.result.valid() ? 1 : 0;
  auto const before = clock::now();
  // What waits in the socket of the stopped member is answered; later keep-alives are not even asked.
  proxy.hold_request("/v3/lease/keepalive", 10'000);
  cluster.member(raft).cont();
  auto const all_gone = [&] { return witness.gone().size() == how_many; };
  auto const end = std::chrono::steady_clock::now() + 20s;
  while (!all_gone() && std::chrono::steady_clock::now() < end) observe_for(p, 20ms, sample);
  auto const gone = witness.gone();
  CHECK(gone.size() == how_many);
  for (auto& h : all) {
    auto const died = gone.find(h.key);
    if (died == gone.end()) continue;
    auto const late = std::chrono::duration<double, std::milli>(h.latest - died->second).count();
    r.worst_ms = std::max(r.worst_ms, late);
    r.overlaps += late > 0 ? 1 : 0;
    r.confirmed += h.latest > before + 1s ? 1 : 0;
  }
  return r;
}

}  // namespace

TEST_CASE("etcd faults: R13 what a stopped raft leader acknowledges when it goes on extends no term",
          "[S2][S11][etcd]") {
  etcd_cluster cluster(3);
  for (int i = 0; i < rounds(1); ++i) {
    auto const r = stale_acknowledgements(cluster, i);
    std::cout << "R13 round " << i << ": " << r.in_doubt << " of 10 terms valid when it goes on, " << r.confirmed
              << " renewed after that, " << r.overlaps << " deadlines after the key's deletion, the latest "
              << r.worst_ms << " ms\n";
    CHECK(r.in_doubt >= 5);
    CHECK(r.overlaps == 0);
  }
}
