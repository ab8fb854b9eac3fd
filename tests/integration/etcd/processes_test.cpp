// Candidates as processes, killed and stopped on a cluster in trouble: what each noted shows never two leaders at once.
#include "process_stage.hpp"
#include <set>

using namespace coelect;
using namespace coelect::test;

namespace {

struct overlap_count {
  int early_revocations = 0, wrong = 0;
  double longest_ms = 0;
};

/// Terms of different processes that were valid at the same time. If the store let the older one's key go too early
/// (etcd#15247), the watch of that key ended the term: anything else is ours.
overlap_count overlaps(history const& h) {
  overlap_count count;
  std::set<std::uint64_t> seen;
  for (auto const& a : h.valid)
    for (auto const& b : h.valid) {
      if (a.who == b.who || a.token >= b.token || std::min(a.end, b.end) <= std::max(a.begin, b.begin)) continue;
      auto const both = ms(std::min(a.end, b.end) - std::max(a.begin, b.begin));
      auto const how = h.ends.contains(a.token) ? h.ends.at(a.token) : "";
      bool const early = how.find("our key was deleted") != how.npos || how.find("let the lease go") != how.npos;
      std::cout << "  overlap " << both << " ms: token " << a.token << " of P" << a.who << " with " << b.token
                << " of P" << b.who << "; the first one ended" << how << "\n";
      count.longest_ms = std::max(count.longest_ms, both);
      if (seen.insert(a.token).second) ++(early ? count.early_revocations : count.wrong);
    }
  return count;
}

bool tokens_grow(history h) {
  std::sort(h.valid.begin(), h.valid.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
  std::uint64_t last = 0;
  for (auto const& v : h.valid) {
    if (v.token < last && v.begin > 0) {
      bool const continued =
          std::any_of(h.valid.begin(), h.valid.end(), [&](auto& o) { return o.token == v.token && o.begin < v.begin; });
      if (!continued) return false;  // a term that begins with an old token
    }
    last = std::max(last, v.token);
  }
  return true;
}

/// Somebody makes trouble for the raft leader while candidates are killed and stopped.
class raft_trouble {
public:
  explicit raft_trouble(etcd_cluster& cluster) : cluster_(cluster) {}
  ~raft_trouble() { heal(true); }
  void make(int round) {
    if (round % 3 != 2 || under_way()) return;
    auto const raft = cluster_.leader();
    if (!raft) return;
    victim_ = static_cast<int>(*raft);
    stopped_ = round % 2 == 0;
    until_ = std::chrono::steady_clock::now() + (stopped_ ? 2000ms + 400ms * (round % 6) : 1000ms);
    if (stopped_) member().stop();
    else member().kill();
    ++count;
  }
  void heal(bool now = false) {
    if (!under_way() || (!now && std::chrono::steady_clock::now() < until_)) return;
    if (stopped_) member().cont();
    else member().start(false);
    victim_ = -1;
  }
  bool under_way() const { return victim_ >= 0; }
  int count = 0;

private:
  etcd_server& member() { return cluster_.member(static_cast<std::size_t>(victim_)); }

  etcd_cluster& cluster_;
  int victim_ = -1;
  bool stopped_ = false;
  std::chrono::steady_clock::time_point until_;
};

/// The tokens that the guarded counter was written under, in the order of their revisions.
bool counter_went_back(etcd_client const& client, std::int64_t from, std::int64_t to, int& writes) {
  std::int64_t last = 0;
  for (auto revision = to; revision >= from;) {
    nlohmann::json answer;
    try {
      answer = client.call("kv/range", {{"key", base64_encode("counter")}, {"revision", std::to_string(revision)}});
    } catch (std::exception const&) {
      break;
    }
    auto const kvs = answer.value("kvs", nlohmann::json::array());
    if (kvs.empty()) break;
    ++writes;
    auto const token = std::stoll(base64_decode(kvs[0].value("value", "")));
    if (last != 0 && token > last) return true;
    last = token;
    revision = std::stoll(kvs[0].value("mod_revision", "0")) - 1;
  }
  return false;
}

}  // namespace

TEST_CASE("etcd cluster: killed and stopped candidates on a cluster in trouble never hold valid terms at the same time",
          "[P1][P2][S2][etcd]") {
  etcd_options quick;
  quick.quick = true;
  etcd_cluster cluster(3, quick);
  stage s(cluster, 3, 3s, 500ms);
  std::vector<double> killed, stopped;
  std::uint64_t token = 0;
  int const how_many = rounds(6);
  int without_leader = 0;
  {
    raft_trouble trouble(cluster);
    for (int round = 0; round < how_many; ++round) {
      auto const leads = s.leader_after(token, 30s);
      if (!leads) {
        ++without_leader;
        break;
      }
      auto const victim = leads->who;
      s.reign(leads->token, 1ms * (round * 137 % 800));
      trouble.make(round);
      bool const calm = !trouble.under_way();
      bool const kill = round % 2 == 0;
      auto const at = boottime();
      s.actor(victim).signal(kill ? SIGKILL : SIGSTOP);
      auto const limit = std::chrono::steady_clock::now() + 30s;
      std::optional<interval> next;
      while (!next && std::chrono::steady_clock::now() < limit) {
        trouble.heal();
        next = s.leader_after(leads->token, 20ms);
      }
      if (!next) {
        ++without_leader;
        break;
      }
      token = leads->token;
      if (calm) (kill ? killed : stopped).push_back(ms(next->begin - at));
      if (kill) {
        s.start(victim);
        continue;
      }
      while (boottime() - at < 3'600'000'000) {  // longer than the ttl, whatever happened meanwhile
        trouble.heal();
        std::this_thread::sleep_for(10ms);
      }
      auto const resumed = [&] { return s.read().resumed_false + s.read().resumed_true; };
      auto const before = resumed();
      s.actor(victim).signal(SIGCONT);
      auto const noted = [&] { return resumed() > before; };
      auto const end = std::chrono::steady_clock::now() + 3s;
      while (!noted() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(5ms);
      trouble.heal();
    }
    std::cout << "processes: raft leader in trouble " << trouble.count << " times\n";
  }
  auto const last = s.leader_after(token, 30s);
  CHECK(last);
  auto const h = s.read();
  if (!last || without_leader)
    for (int i = 0; i < 3; ++i) {
      std::ifstream in(s.file(i));
      for (std::string line; std::getline(in, line);)
        if (line.rfind("log", 0) == 0) std::cout << "P" << i << ": " << line << "\n";
    }
  s.stop_all();
  auto const count = overlaps(h);
  cluster.wait_for_leader();
  auto const client = cluster.member(cluster.wait_for_leader()).client();
  int writes = 0;
  bool const back = counter_went_back(client, 1, client.revision(), writes);
  std::cout << "processes: " << how_many << " rounds, " << h.owner.size() << " terms, " << count.wrong << " overlaps, "
            << count.early_revocations << " early revocations (longest overlap " << count.longest_ms
            << " ms); guarded writes " << h.accepted << " accepted, " << h.refused << " refused, " << h.unknown
            << " unknown, " << writes << " on record; first valid() after a stop: " << h.resumed_false << " no, "
            << h.resumed_true << " yes; take-over after kill: median " << middle(killed) << " max " << largest(killed)
            << " ms, after stop: median " << middle(stopped) << " max " << largest(stopped) << " ms (ttl 3000)\n";
  CHECK(without_leader == 0);
  CHECK(count.wrong == 0);
  CHECK(tokens_grow(h));
  CHECK_FALSE(back);
  CHECK(h.resumed_true == 0);
  CHECK(h.resumed_false > 0);
  CHECK(h.refused > 0);
  CHECK(h.accepted > 0);
}

TEST_CASE("etcd cluster: after a crash another process leads within the ttl and 1.5 s", "[P1][etcd]") {
  etcd_cluster cluster(3);
  stage s(cluster, 2, 4s, 1s);
  std::vector<double> times;
  std::uint64_t token = 0;
  for (int round = 0; round < rounds(3); ++round) {
    auto const leads = s.leader_after(token, 20s);
    REQUIRE(leads);
    auto const both_stand = [&] { return cluster.member(0).client().list("leader/").size() == 2; };
    auto const end = std::chrono::steady_clock::now() + 10s;
    while (!both_stand() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(5ms);
    auto const at = boottime();
    s.actor(leads->who).signal(SIGKILL);
    auto const next = s.leader_after(leads->token, 20s);
    REQUIRE(next);
    times.push_back(ms(next->begin - at));
    CHECK(times.back() < 5'500);
    token = leads->token;
    s.start(leads->who);
  }
  std::cout << "crash take-over, ttl 4000 ms: median " << middle(times) << " max " << largest(times) << " ms\n";
}

TEST_CASE("etcd cluster: after a resignation the next store leads within milliseconds") {
  etcd_cluster cluster(3);
  etcd_process p;
  std::vector<std::unique_ptr<elector>> electors;
  for (auto const* name : {"A", "B"}) {
    auto const where = p.make_store(p.options(cluster.endpoints()));
    electors.push_back(std::make_unique<elector>(p.make_elector(where, name)));
  }
  std::vector<double> times;
  auto term = p.win(*electors[0]);
  for (std::size_t i = 0; i < 20; ++i) {
    catcher<leadership> won;
    clock_ns at = 0;
    electors[(i + 1) % 2]->campaign([&](error_code ec, leadership next) {
      at = boottime();
      won.handler()(ec, std::move(next));
    });
    REQUIRE(p.until([&] { return cluster.member(0).client().list("leader/").size() == 2; }));
    observe_for(p, 20ms, [] { return true; });  // it has found its predecessor, or will look at once
    auto const begin = boottime();
    CHECK(p.resign(term) == error_code());
    REQUIRE(p.until([&] { return won.done(); }));
    REQUIRE(won.result.valid());
    times.push_back(ms(at - begin));
    term = std::move(won.result);
  }
  std::cout << "take-over after a resignation: median " << middle(times) << " max " << largest(times) << " ms\n";
  CHECK(middle(times) < 20);
}
