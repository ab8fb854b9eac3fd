// W1, W2 and W6 on the floor: one thing after the other, by blocking calls.
#include "players/floor/floor.hpp"

namespace bench {
namespace {

std::string granted(connection& c, gateway const& g, int ttl) { return text_of(c.ask(g.grant(ttl)), "ID"); }

/// Opens the watch and waits until etcd says that it is there.
void watch_open(connection& c, std::string const& request, std::string& seen) {
  c.on_chunk = [&seen](std::string const& text) { seen += text; };
  c.send(request);
  while (seen.find("\"created\":true") == std::string::npos) c.receive();
  seen.clear();
}

}  // namespace

void campaigns(options const& o) {
  gateway const g(o.endpoint);
  connection c(o.endpoint);
  bool const kept = o.mode == "kept";
  std::string lease;
  if (kept) lease = granted(c, g, o.ttl + 60);
  auto const election = o.prefix + "w1/";
  std::vector<double> lead_us, cycle_us;
  cpu_meter cpu(o.server_pid);
  for (int i = 0; i < o.rounds + warm_up; ++i) {
    if (i == warm_up) cpu.restart();
    auto const begin = now();
    if (!kept) lease = granted(c, g, o.ttl);
    auto const key = election + hex(lease);
    must_have_won(c.ask(g.stand(election, key, lease)), key);
    auto const leads_at = now();
    c.ask(kept ? g.remove(key) : g.revoke(lease));
    if (i < warm_up) continue;
    lead_us.push_back((leads_at - begin) * 1e6);
    cycle_us.push_back((now() - begin) * 1e6);
  }
  metrics m;
  cpu.put(m, o.rounds);
  m.put_all("lead_us", std::move(lead_us));
  m.put_all("cycle_us", std::move(cycle_us));
  m.print();
}

/// The next leader takes the deletion's event for its win: nothing is verified.
void hand_over(options const& o) {
  gateway const g(o.endpoint);
  connection a(o.endpoint), b(o.endpoint);
  connection* const side[2] = {&a, &b};
  std::string const lease[2] = {granted(a, g, 600), granted(b, g, 600)};
  auto const election = o.prefix + "w2/";
  std::string const key[2] = {election + hex(lease[0]), election + hex(lease[1])};
  must_have_won(a.ask(g.stand(election, key[0], lease[0])), key[0]);
  std::vector<double> took_us;
  cpu_meter cpu(o.server_pid);
  for (int i = 0; i < o.rounds; ++i) {
    int const leads = i % 2, next = 1 - leads;
    auto const revision = revision_in(side[next]->ask(g.stand(election, key[next], lease[next])));
    connection watch(o.endpoint);
    std::string seen;
    watch_open(watch, g.watch(key[leads], {}, revision), seen);
    ::usleep(static_cast<unsigned>(o.settle_ms) * 1000U);
    auto const begin = now();
    side[leads]->send(g.remove(key[leads]));
    while (seen.find("\"DELETE\"") == std::string::npos) watch.receive();
    took_us.push_back((now() - begin) * 1e6);
    while (!side[leads]->receive()) {
    }
  }
  metrics m;
  cpu.put(m, o.rounds);
  for (int i : {0, 1}) side[i]->ask(g.revoke(lease[i]));
  m.put_all("handover_us", std::move(took_us));
  m.print();
}

/// One lease and one watch for all: a hand-over is a deletion and its event. The order is known from the set-up.
void contention(options const& o) {
  gateway const g(o.endpoint);
  connection c(o.endpoint), watch(o.endpoint);
  auto const lease = granted(c, g, 600);
  auto const election = o.prefix + "w6/";
  std::vector<std::string> keys;
  unsigned long long revision = 0;
  for (int i = 0; i <= o.n; ++i) {
    keys.push_back(election + hex(lease) + "-" + std::to_string(i));
    revision = revision_in(c.ask(g.stand(election, keys.back(), lease)));
  }
  std::string seen;
  watch_open(watch, g.watch(election, after_all_of(election), revision), seen);
  ready_and_wait();
  std::vector<double> took_us;
  cpu_meter cpu(o.server_pid);
  auto const begin = now();
  auto last = begin;
  for (int i = 0; i < o.n; ++i) {
    auto const gone = base64(keys[static_cast<std::size_t>(i)]);
    seen.clear();
    c.send(g.remove(keys[static_cast<std::size_t>(i)]));
    while (seen.find(gone) == std::string::npos) watch.receive();
    auto const at = now();
    took_us.push_back((at - last) * 1e6);
    last = at;
    while (!c.receive()) {
    }
  }
  metrics m;
  m.put("handovers_per_s", o.n / (last - begin));
  cpu.put(m, o.n);
  c.ask(g.revoke(lease));
  m.put("rss_mb", own_rss_mb());
  m.put_all("handover_us", std::move(took_us));
  m.print();
}

}  // namespace bench
