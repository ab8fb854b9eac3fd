// W3, W4 and W5 on the floor: many elections through a few connections, and processes that stay.
#include "players/floor/floor.hpp"
#include <deque>
#include <memory>
#include <poll.h>
#include <sys/epoll.h>

namespace bench {
namespace {

constexpr int connections_at_most = 64;

/// One of the elections that run at the same time: grant (unless the lease is kept), stand, give back.
struct contest {
  enum class step { grant = 1, stand, give_back };
  step at = step::grant;
  std::string lease, election, key;
};

std::string next_request(gateway const& g, contest& e, bool kept, int ttl) {
  if (e.at == contest::step::grant) return g.grant(ttl);
  if (e.at == contest::step::give_back) return kept ? g.remove(e.key) : g.revoke(e.lease);
  e.key = e.election + hex(e.lease);
  return g.stand(e.election, e.key, e.lease);
}

/// True: one election is done.
bool take_answer(contest& e, std::string const& answer, bool kept) {
  using step = contest::step;
  if (e.at == step::grant) {
    e.lease = text_of(answer, "ID");
    e.at = step::stand;
    return false;
  }
  bool const done = e.at == step::give_back;
  if (!done) must_have_won(answer, e.key);
  e.at = !done ? step::give_back : kept ? step::stand : step::grant;
  return done;
}

/// Sends what is waiting over connections that are free.
class switchboard {
public:
  switchboard(std::string const& endpoint, int lines) : poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (int i = 0; i < lines; ++i) {
      lines_.push_back(std::make_unique<connection>(endpoint));
      epoll_event e{};
      e.events = EPOLLIN;
      e.data.u32 = static_cast<std::uint32_t>(i);
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, lines_.back()->fd(), &e);
      free_.push_back(i);
    }
    owner_.resize(static_cast<std::size_t>(lines), nullptr);
  }
  ~switchboard() { ::close(poll_); }
  switchboard(switchboard const&) = delete;
  switchboard& operator=(switchboard const&) = delete;

  bool has_free_line() const noexcept { return !free_.empty(); }
  bool idle() const noexcept { return free_.size() == lines_.size(); }
  void send(contest& e, std::string const& request) {
    auto const line = static_cast<std::size_t>(free_.front());
    free_.pop_front();
    owner_[line] = &e;
    lines_[line]->send(request);
  }
  template <class Answered>
  void wait(Answered const& answered) {
    epoll_event events[256];
    int const count = ::epoll_wait(poll_, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      auto const line = static_cast<std::size_t>(events[i].data.u32);
      auto& c = *lines_[line];
      if (!c.receive()) continue;
      if (c.status() != 200) throw std::runtime_error("HTTP " + std::to_string(c.status()) + " " + c.body());
      free_.push_back(static_cast<int>(line));
      answered(*owner_[line], c.body());
    }
  }

private:
  int poll_;
  std::vector<std::unique_ptr<connection>> lines_;
  std::vector<contest*> owner_;
  std::deque<int> free_;
};

/// Renews one lease until the harness closes our input.
void keep_until_told(connection& c, gateway const& g, std::string const& lease, int ttl) {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  auto const pause_ms = ttl * 1000 / 3;
  while (::poll(&in, 1, pause_ms) == 0) c.ask(g.keep_alive(lease));
}

}  // namespace

void throughput(options const& o) {
  gateway const g(o.endpoint);
  bool const kept = o.mode == "kept";
  switchboard lines(o.endpoint, std::min(o.n, connections_at_most));
  connection first(o.endpoint);
  std::string shared;
  if (kept) shared = text_of(first.ask(g.grant(o.ttl + static_cast<int>(o.seconds) + 10)), "ID");
  std::vector<contest> all(static_cast<std::size_t>(o.n));
  std::deque<contest*> waiting;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].election = o.prefix + "w4/" + std::to_string(i) + "/";
    all[i].lease = shared;
    if (kept) all[i].at = contest::step::stand;
    waiting.push_back(&all[i]);
  }
  cpu_meter cpu(o.server_pid);
  auto const begin = now();
  auto const stop_at = begin + o.seconds;
  long elections = 0;
  do {
    while (!waiting.empty() && lines.has_free_line()) {
      auto& e = *waiting.front();
      waiting.pop_front();
      lines.send(e, next_request(g, e, kept, o.ttl));
    }
    lines.wait([&](contest& e, std::string const& answer) {
      bool const done = take_answer(e, answer, kept);
      if (done) ++elections;
      if (!done || now() < stop_at) waiting.push_back(&e);
    });
  } while (!lines.idle() || !waiting.empty());
  auto const took = now() - begin;
  metrics m;
  m.put("elections", static_cast<double>(elections));
  m.put("elections_per_s", static_cast<double>(elections) / took);
  cpu.put(m, static_cast<double>(elections));
  m.print();
}

/// One lease for all. Mode "exact": the election's name itself is the key, as some recipes have it; "long": the lease
/// needs no renewal while others are measured.
void hold(options const& o) {
  gateway const g(o.endpoint);
  connection c(o.endpoint);
  bool const lasts = o.mode == "exact" || o.mode == "long";
  auto const lease = text_of(c.ask(g.grant(lasts ? 3600 : o.ttl)), "ID");
  auto next = now() + o.ttl / 3.0;
  for (int i = 0; i < o.n; ++i) {
    auto const election = o.prefix + "h/" + std::to_string(i);
    auto const key = o.mode == "exact" ? election : election + "/" + hex(lease);
    c.ask(g.stand(election + "/", key, lease));
    if (lasts || now() < next) continue;
    c.ask(g.keep_alive(lease));
    next = now() + o.ttl / 3.0;
  }
  std::puts("READY");
  std::fflush(stdout);
  if (lasts) until_input_ends();
  else keep_until_told(c, g, lease, o.ttl);
  c.ask(g.revoke(lease));
  metrics m;
  m.put("still_valid", o.n);
  m.print();
}

/// One lease and one watch over all; who waits costs nothing here.
void wait(options const& o) {
  gateway const g(o.endpoint);
  connection c(o.endpoint), watch(o.endpoint);
  auto const lease = text_of(c.ask(g.grant(o.ttl)), "ID");
  auto next = now() + o.ttl / 3.0;
  unsigned long long revision = 0;
  for (int i = 0; i < o.n; ++i) {
    auto const election = o.prefix + "h/" + std::to_string(i) + "/";
    revision = revision_in(c.ask(g.stand(election, election + hex(lease), lease)));
    if (now() < next) continue;
    c.ask(g.keep_alive(lease));
    next = now() + o.ttl / 3.0;
  }
  bool created = false;
  watch.on_chunk = [&created](std::string const& text) {
    created |= text.find("\"created\":true") != std::string::npos;
  };
  watch.send(g.watch(o.prefix, after_all_of(o.prefix), revision));
  while (!created) watch.receive();
  std::puts("READY");
  std::fflush(stdout);
  keep_until_told(c, g, lease, o.ttl);
  c.ask(g.revoke(lease));
  metrics m;
  m.put("still_valid", 0);
  m.print();
}

void stand(options const& o) {
  gateway const g(o.endpoint);
  connection c(o.endpoint);
  auto const lease = text_of(c.ask(g.grant(o.ttl)), "ID");
  auto const election = o.prefix + "stand/";
  auto const key = election + hex(lease);
  auto const answer = c.ask(g.stand(election, key, lease));
  if (oldest_in(answer) != base64(key)) {
    connection watch(o.endpoint);
    bool gone = false;
    watch.on_chunk = [&gone](std::string const& text) { gone |= text.find("\"DELETE\"") != std::string::npos; };
    watch.send(g.watch(election, after_all_of(election), revision_in(answer)));
    pollfd p{watch.fd(), POLLIN, 0};
    while (!gone) {
      if (::poll(&p, 1, o.ttl * 1000 / 3) > 0) watch.receive();
      else c.ask(g.keep_alive(lease));
    }
  }
  metrics m;
  m.put("leads_at_s", now());
  m.print();
  keep_until_told(c, g, lease, o.ttl);
}

/// Not a candidate: tells when the first key with the prefix vanishes.
void observe(options const& o) {
  gateway const g(o.endpoint);
  connection c(o.endpoint), watch(o.endpoint);
  auto const revision = revision_in(c.ask(g.look(o.prefix)));
  bool created = false, gone = false;
  watch.on_chunk = [&](std::string const& text) {
    created |= text.find("\"created\":true") != std::string::npos;
    gone |= text.find("\"DELETE\"") != std::string::npos;
  };
  watch.send(g.watch(o.prefix, after_all_of(o.prefix), revision));
  while (!created) watch.receive();
  std::puts("READY");
  std::fflush(stdout);
  while (!gone) watch.receive();
  metrics m;
  m.put("gone_at_s", now());
  m.print();
}

}  // namespace bench
