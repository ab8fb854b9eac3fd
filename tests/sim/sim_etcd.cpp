// How the simulated cluster's members, raft leader and leases behave over time.
#include "sim/sim_etcd.hpp"
#include <algorithm>
#include <cstring>
#include <utility>

namespace coelect::sim {

using namespace std::chrono_literals;
using test::grpc_error;
using test::json;
using test::number;

namespace {

constexpr char const* keepalive = "/v3/lease/keepalive";

http::response response_of(int status, json const& body) {
  http::response r;
  r.status = status;
  r.body = body.dump();
  return r;
}

}  // namespace

std::string etcd_quirks::text() const {
  std::string all;
  if (acks_dead_leases) all += " acks_dead_leases";
  if (stale_reads) all += " stale_reads";
  if (missing_events) all += " missing_events";
  if (hasty) all += " hasty";
  if (slow_revoke) all += " slow_revoke";
  return all.empty() ? " none" : all;
}

sim_etcd::sim_etcd(testing::world& world, etcd_quirks quirks, std::size_t members)
    : world_(world), quirks_(quirks), members_(members) {
  for (auto& m : members_) m.permille = 990 + static_cast<int>(world_.below(21));
  state.least_ttl = 2;  // ceil(1.5 election timeouts)
  state.on_touch = [this](std::int64_t lease) { touch(lease); };
  state.on_commit = [this](auto const& events) {
    if (quirks_.stale_reads) {
      earlier_.emplace_back(state.keys, state.revision);
      if (earlier_.size() > 6) earlier_.pop_front();
    }
    tell(events);
    if (on_commit) on_commit(events);
  };
}

char const* sim_etcd::name_of(http::request const& what) const {
  static constexpr std::pair<char const*, char const*> names[] = {
      {"/v3/kv/txn", "etcd txn"},    {"/v3/kv/range", "etcd range"},      {"/v3/lease/grant", "etcd grant"},
      {keepalive, "etcd keepalive"}, {"/v3/lease/revoke", "etcd revoke"}, {"/v3/watch", "etcd watch"},
  };
  for (auto const& [path, name] : names)
    if (what.target == path) return name;
  return "etcd request";
}

// Keys and values are in base64; everything else can be read as it is.
std::string sim_etcd::body_of(std::string const& text) const {
  std::function<void(json&)> const open = [&open](json& part) {
    for (auto& [name, value] : part.items()) {
      bool const bytes = name == "key" || name == "range_end" || name == "value";
      if (bytes && value.is_string()) value = test::decoded(value);
      else if (value.is_structured() && name != "header") open(value);
    }
  };
  auto body = json::parse(text, nullptr, false);
  if (!body.is_object()) return text;
  open(body);
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

// --- Leases -------------------------------------------------------------------------------------------------------------

void sim_etcd::touch(std::int64_t lease) {
  touched_[lease] = world_.now();
  set_deadline(lease, 0s);
}

bool sim_etcd::renewed_since(std::int64_t lease, nanoseconds moment) const {
  auto const found = touched_.find(lease);
  return found != touched_.end() && found->second >= moment;
}

void sim_etcd::set_deadline(std::int64_t lease, nanoseconds extra) {
  auto const ttl = nanoseconds(std::chrono::seconds(state.leases.at(lease))) * 1000 / members_[leader_].permille;
  auto const early = quirks_.hasty ? world_.below(nanoseconds(900ms)) : nanoseconds(0);
  auto const when = world_.now() + ttl + extra - early;
  deadlines_[lease] = when;
  auto const found = when + (quirks_.slow_revoke ? world_.below(nanoseconds(500ms)) : nanoseconds(0));
  world_.at(found, [this, lease] { look_for_expired(lease); });
}

void sim_etcd::look_for_expired(std::int64_t lease) {
  auto const it = deadlines_.find(lease);
  if (it == deadlines_.end() || it->second > world_.now()) return;
  if (!has_leader()) return;  // whoever leads next gives it a whole ttl
  deadlines_.erase(it);
  if (!state.leases.contains(lease)) return;
  world_.note("lease expired", static_cast<std::uint64_t>(lease));
  state.expire(lease);
}

// --- Members ------------------------------------------------------------------------------------------------------------

void sim_etcd::after(std::size_t which, nanoseconds span, void (sim_etcd::*what)(std::size_t)) {
  auto const episode = ++members_[which].episode;
  world_.after(span, [this, which, what, episode] {
    if (members_[which].episode == episode) (this->*what)(which);
  });
}

void sim_etcd::kill_member(std::size_t which, nanoseconds span) {
  auto& m = members_[which];
  if (!well(m)) return;
  world_.note("member killed", which);
  m.up = false;
  m.waiting.clear();
  for (auto const& w : watches_)
    if (w.endpoint == which) w.to->end(outcome(errc::unreachable, "the member is gone"));
  std::erase_if(watches_, [which](auto const& w) { return w.endpoint == which; });
  if (which == leader_) leader_is_gone();
  after(which, span, &sim_etcd::recover);
}

void sim_etcd::stop_member(std::size_t which, nanoseconds span) {
  auto& m = members_[which];
  if (!well(m)) return;
  world_.note("member stopped", which);
  m.stopped = true;
  m.old_term = state.raft_term;
  m.old_leases = deadlines_;
  if (which == leader_) leader_is_gone();
  after(which, span, &sim_etcd::recover_stopped);
}

void sim_etcd::cut_member(std::size_t which, nanoseconds span) {
  auto& m = members_[which];
  if (!well(m)) return;
  world_.note("member cut off", which);
  m.cut = true;
  m.old_term = state.raft_term;
  m.old_revision = state.revision;
  m.old_leases = deadlines_;
  // CheckQuorum looks once per election timeout, so it may take two to notice.
  if (which == leader_) {
    m.leads_until = world_.now() + election_timeout + world_.below(election_timeout);
    leader_is_gone();
  }
  after(which, span, &sim_etcd::recover_cut);
}

void sim_etcd::recover(std::size_t which) {
  auto& m = members_[which];
  m.up = true;
  m.stopped = m.cut = false;
  world_.note("member is well", which);
  if (!has_leader() && !electing_) leader_is_gone();
  for (auto& w : watches_) {
    if (w.endpoint != which) continue;
    for (auto& line : std::exchange(w.held, {})) w.to->line(std::move(line));
  }
  for (auto const& request : std::exchange(m.waiting, {})) request();
}

// It does not know yet that others have elected somebody, and answers what waits in its socket as the
// leader it was: decisions of a stale lessor.
void sim_etcd::recover_stopped(std::size_t which) {
  auto& m = members_[which];
  if (m.old_term != state.raft_term) m.leads_until = world_.now() + world_.below(nanoseconds(1s));
  recover(which);
}

void sim_etcd::recover_cut(std::size_t which) {
  members_[which].leads_until = nanoseconds(-1);
  recover(which);
}

void sim_etcd::leader_is_gone() {
  if (electing_) return;
  electing_ = true;
  no_leader_until_ = world_.now() + election_timeout + world_.below(election_timeout);
  world_.at(no_leader_until_, [this] { promote(); });
}

void sim_etcd::promote() {
  electing_ = false;
  auto const good = std::count_if(members_.begin(), members_.end(), [this](auto const& m) { return well(m); });
  if (2 * static_cast<std::size_t>(good) <= members_.size()) return leader_is_gone();
  if (well(members_[leader_])) {  // it was back before anybody else stood, and looks for expired leases again
    for (auto const& [lease, when] : deadlines_) world_.at(when, [this, lease = lease] { look_for_expired(lease); });
    return;
  }
  auto next = static_cast<std::size_t>(world_.below(members_.size()));
  while (!well(members_[next])) next = (next + 1) % members_.size();
  leader_ = next;
  ++state.raft_term;
  world_.note("raft leader", next, state.raft_term);
  // Every lease begins anew, extended by an election timeout or, in some versions, not.
  auto const extra = world_.chance(50) ? election_timeout : nanoseconds(0);
  for (auto const& [lease, ttl] : state.leases) set_deadline(lease, extra);
}

void sim_etcd::heal() {
  healed_ = true;
  quirks_.stale_reads = quirks_.missing_events = false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    ++members_[i].episode;
    members_[i].leads_until = nanoseconds(-1);
    if (!well(members_[i])) recover(i);
  }
}

// --- Requests -----------------------------------------------------------------------------------------------------------

void sim_etcd::arrive(std::size_t endpoint, message what, reply answer) {
  auto& m = members_[endpoint];
  if (!m.up) return;  // its connection is gone with it
  if (m.stopped) {
    m.waiting.emplace_back(
        [this, endpoint, what = std::move(what), answer = std::move(answer)] { handle(endpoint, what, answer); });
    return;
  }
  handle(endpoint, what, answer);
}

void sim_etcd::say_unavailable(nanoseconds wait, reply const& answer) {
  world_.after(wait, [answer] { answer(response_of(503, grpc_error(14, "etcdserver: request timed out"))); });
}

void sim_etcd::handle(std::size_t endpoint, message const& what, reply const& answer) {
  auto& m = members_[endpoint];
  if (world_.now() < m.leads_until && answer_as_old_leader(m, what, answer)) return;
  if (m.cut) return say_unavailable(world_.below(nanoseconds(7s)), answer);
  if (has_leader()) return carry_out(what, answer);
  // Held until there is a leader and done then, perhaps long after its sender gave up; or refused.
  if (world_.chance(50)) return say_unavailable(world_.below(nanoseconds(7s)), answer);
  world_.after(election_timeout / 2, [this, endpoint, what, answer] { arrive(endpoint, what, answer); });
}

bool sim_etcd::answer_as_old_leader(member& m, message const& what, reply const& answer) {
  if (what->target != keepalive) return false;
  auto const lease = number(json::parse(what->body), "ID");
  auto const known = m.old_leases.find(lease);
  if (known == m.old_leases.end() || known->second <= world_.now()) return false;
  auto const ttl = state.leases.find(lease);
  json head = state.header();
  head["raft_term"] = std::to_string(m.old_term);
  json result{{"header", head}, {"ID", test::said(lease)}};
  result["TTL"] = test::said(ttl == state.leases.end() ? 6 : ttl->second);
  world_.note("stale ack", static_cast<std::uint64_t>(lease));
  // Nobody has been elected yet: should it be back before, its lessor is the one that counts.
  if (m.old_term == state.raft_term && ttl != state.leases.end()) touch(lease);
  answer(response_of(200, {{"result", result}}));
  return true;
}

void sim_etcd::carry_out(message const& what, reply const& answer) {
  auto const body = json::parse(what->body);
  auto const& path = what->target;
  if (path == keepalive && quirks_.acks_dead_leases && !state.leases.contains(number(body, "ID"))) {
    json const result{{"header", state.header()}, {"ID", body.at("ID")}, {"TTL", "6"}};
    return answer(response_of(200, {{"result", result}}));
  }
  if (quirks_.stale_reads && !earlier_.empty() && world_.chance(20) && test::etcd_model::only_reads(path, body)) {
    auto const& [keys, revision] = earlier_[world_.below(earlier_.size())];
    auto const [status, got] = state.read_from(keys, revision, path, body);
    return answer(response_of(status, got));
  }
  auto const [status, got] = state.carry_out(path, body);
  answer(response_of(status, got));
}

// --- Watches --------------------------------------------------------------------------------------------------------------

void sim_etcd::subscribe(std::size_t endpoint, message what, std::shared_ptr<stream_sink> to) {
  auto& m = members_[endpoint];
  if (!m.up) return to->end(outcome(errc::unreachable, "the member is gone"));
  if (m.stopped) {
    m.waiting.emplace_back(
        [this, endpoint, what = std::move(what), to = std::move(to)] { begin_watch(endpoint, what, to); });
    return;
  }
  begin_watch(endpoint, what, to);
}

void sim_etcd::begin_watch(std::size_t endpoint, message const& what, std::shared_ptr<stream_sink> const& to) {
  if (!to->open()) return;
  subscription sub{endpoint, test::etcd_watch(json::parse(what->body)), to};
  to->head(200);
  for (auto& line : state.first_lines(sub.wanted)) to->line(std::move(line));
  if (sub.wanted.start != 0 && sub.wanted.start < state.compacted) return;  // silent from now on
  watches_.push_back(std::move(sub));
  for (auto const& field : what->fields) {
    if (field.name != "Grpc-Timeout") continue;
    auto const span = std::chrono::milliseconds(std::stoll(field.value));
    world_.after(span, [to] {
      to->line(R"({"error":{"grpc_code":4,"http_code":504,"message":"context deadline exceeded"}})");
      to->end({});
    });
  }
}

void sim_etcd::welcome(std::size_t endpoint, std::shared_ptr<stream_sink> on) {
  auto& m = members_[endpoint];
  if (!m.up) return on->end(outcome(errc::unreachable, "the member is gone"));
  if (m.stopped) m.waiting.emplace_back([on = std::move(on)] { on->head(101); });
  else on->head(101);
}

void sim_etcd::hear(std::size_t endpoint, message what, std::shared_ptr<stream_sink> on) {
  auto& m = members_[endpoint];
  if (!m.up) return on->end(outcome(errc::unreachable, "the member is gone"));
  if (!m.stopped) return answer_on_socket(endpoint, what, on);
  m.waiting.emplace_back([this, endpoint, what = std::move(what), on = std::move(on)] {
    if (on->open()) answer_on_socket(endpoint, what, on);
  });
}

// A member that is cut off answers as ever, as of what it has seen.
json sim_etcd::head_of(member const& m) const {
  auto head = state.header();
  if (!m.cut) return head;
  head["revision"] = test::said(m.old_revision);
  head["raft_term"] = std::to_string(m.old_term);
  return head;
}

void sim_etcd::answer_on_socket(std::size_t endpoint, message const& what, std::shared_ptr<stream_sink> const& on) {
  auto const& m = members_[endpoint];
  auto const body = json::parse(what->body);
  auto const say = [&](json more) {
    more["header"] = head_of(m);
    on->line(json{{"result", more}}.dump());
  };
  if (body.contains("progress_request")) return say({{"watch_id", "-1"}});
  if (body.contains("cancel_request")) {
    auto const number = body.at("cancel_request").at("watch_id").get<std::string>();
    auto const gone = std::erase_if(watches_, [&](auto const& w) { return w.to == on && w.number == number; });
    if (gone != 0) say({{"watch_id", number}, {"canceled", true}});
    return;
  }
  subscription sub{endpoint, test::etcd_watch(body), on};
  sub.number = body.at("create_request").at("watch_id").get<std::string>();
  say({{"watch_id", sub.number}, {"created", true}});
  auto lines = state.first_lines(sub.wanted);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto text = json::parse(lines[i]);
    text["result"]["watch_id"] = sub.number;
    if (well(m)) on->line(text.dump());
    else sub.held.push_back(text.dump());
  }
  if (sub.wanted.start == 0 || sub.wanted.start >= state.compacted) watches_.push_back(std::move(sub));
}

void sim_etcd::tell(std::vector<test::etcd_change> const& events) {
  std::erase_if(watches_, [](auto const& w) { return !w.to->open(); });
  for (auto& w : watches_) {
    auto const some = w.wanted.chosen(events);
    if (some.empty() || (quirks_.missing_events && world_.chance(3))) continue;
    auto event = state.event_line(some);
    if (!w.number.empty()) event["result"]["watch_id"] = w.number;
    auto line = event.dump();
    if (well(members_[w.endpoint])) w.to->line(std::move(line));
    else w.held.push_back(std::move(line));
  }
}

}  // namespace coelect::sim
