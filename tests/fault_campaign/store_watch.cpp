// What etcd itself says about the elections: all its changes from revision 1 on, as the first of its members tells them.
#include "store_watch.hpp"
#include "support/etcd_server.hpp"
#include <netinet/in.h>
#include <sys/socket.h>

namespace coelect::test {

namespace {

std::int64_t number(nlohmann::json const& object, char const* field) {
  return std::stoll(object.value(field, std::string("0")));
}

std::string lease_in(std::string const& key, std::string const& rooms, std::string const& end) {
  if (!key.starts_with(rooms) || !key.ends_with(end)) return {};
  return key.substr(rooms.size(), key.size() - rooms.size() - end.size());
}

int dial(std::uint16_t port) {
  int const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval const often{0, 200'000};  // so that the end of the campaign is seen
  ::setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &often, sizeof often);
  if (::connect(s, reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0) return s;
  ::close(s);
  return -1;
}

}  // namespace

std::string chunked_reader::feed(std::string_view bytes) {
  raw_ += bytes;
  if (!in_body_) {
    auto const end = raw_.find("\r\n\r\n");
    if (end == raw_.npos) return {};
    raw_.erase(0, end + 4);
    in_body_ = true;
  }
  std::string body;
  for (;;) {
    auto const line = raw_.find("\r\n");
    if (line == raw_.npos) return body;
    auto const size = std::strtoul(raw_.c_str(), nullptr, 16);
    if (raw_.size() < line + 2 + size + 2) return body;
    body.append(raw_, line + 2, size);
    raw_.erase(0, line + 2 + size + 2);
  }
}

store_watch::store_watch(run& in, std::vector<std::uint16_t> client_ports, std::string prefix, milliseconds trusted)
    : in_(in), out_(in.report / "etcd.store.jsonl"), prefix_(std::move(prefix)), trusted_(trusted) {
  for (auto const port : client_ports) threads_.emplace_back([this, port] { follow(port); });
}

store_watch::~store_watch() {
  over_ = true;
  for (auto& t : threads_) t.join();
}

void store_watch::follow(std::uint16_t port) {
  for (; !over_; std::this_thread::sleep_for(milliseconds(20))) {
    int const s = dial(port);
    if (s < 0) continue;
    nlohmann::json const from{{"create_request",
                               {{"key", base64_encode(std::string(1, '\0'))},
                                {"range_end", base64_encode(std::string(1, '\0'))},
                                {"start_revision", std::to_string(seen_ + 1)}}}};
    auto const body = from.dump();
    auto const ask =
        "POST /v3/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    if (::send(s, ask.data(), ask.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(ask.size())) listen(s);
    ::close(s);
  }
}

void store_watch::listen(int socket) {
  chunked_reader reader;
  std::string text;
  char bytes[65536];
  while (!over_) {
    auto const n = ::recv(socket, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return;
    auto const at = boot_now();
    text += reader.feed({bytes, static_cast<std::size_t>(n)});
    for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
      line(text.substr(0, end), at);
      text.erase(0, end + 1);
    }
  }
}

void store_watch::line(std::string const& text, nanoseconds at) {
  auto const json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("result")) return;
  auto const& result = json["result"];
  if (result.contains("compact_revision"))
    in_.log.complain("the store watch of the campaign itself came too late: " + text);
  std::map<std::int64_t, std::vector<change>> revisions;
  for (auto const& event : result.value("events", nlohmann::json::array())) {
    auto const& kv = event["kv"];
    change c;
    c.key = base64_decode(kv.value("key", ""));
    c.value = base64_decode(kv.value("value", ""));
    c.create_revision = number(kv, "create_revision");
    c.mod_revision = number(kv, "mod_revision");
    c.lease = number(kv, "lease");
    c.deleted = event.value("type", "PUT") == "DELETE";
    revisions[c.mod_revision].push_back(std::move(c));
  }
  std::lock_guard const lock(mutex_);
  for (auto const& [number, all] : revisions) {
    if (number <= seen_) continue;  // another member was first
    revision(all, std::max(at, last_note_));
    seen_ = number;
  }
}

std::string store_watch::election_of(std::string const& key) const {
  auto const slash = key.rfind('/');
  if (!key.starts_with(prefix_) || key.starts_with(prefix_ + "@") || slash < prefix_.size()) return {};
  return key.substr(prefix_.size(), slash - prefix_.size());
}

/// All that one revision changed. Called with the mutex held.
void store_watch::revision(std::vector<change> const& all, nanoseconds at) {
  last_note_ = at;
  auto const ours = operators_doing(all);
  auto const rooms = prefix_ + "@coelect/";
  auto const written = prefix_ + "@written/";
  for (auto const& c : all) {
    auto const lease = lease_in(c.key, rooms, "/anchor");
    if (!lease.empty() && !c.deleted) renewed_[lease] = at;
    if (!lease.empty() && c.deleted && ours.empty()) look_for_early_revocation(lease, at);
  }
  std::set<std::string> changed;
  for (auto const& c : all) {
    if (auto const election = election_of(c.key); !election.empty()) {
      candidate_changed(election, c);
      changed.insert(election);
    } else if (c.key.starts_with(written) && !c.deleted) {
      testing::event e;
      e.what = testing::happening::accepted;
      e.at = at;
      e.token = std::strtoull(c.value.c_str(), nullptr, 10);
      e.detail = c.value;
      e.election = c.key.substr(written.size()) + " (guarded key)";  // another resource, with an order of its own
      out_.note(e);
    }
  }
  for (auto const& election : changed) {
    auto const& queue = queues_[election];
    auto& leads = leading_[election];
    auto const token = queue.empty() ? 0 : queue.begin()->second.token;
    if (token == leads) continue;
    testing::event e;
    e.at = at;
    e.election = election;
    if (e.token = leads; leads != 0) {
      e.what = testing::happening::dropped;
      out_.note(e);
      if (!ours.empty()) excuse(election, at, at + trusted_, ours);
    }
    if (e.token = token; token != 0) {
      e.what = testing::happening::granted;
      e.candidate = queue.begin()->second.candidate;
      out_.note(e);
    }
    leads = token;
  }
}

void store_watch::candidate_changed(std::string const& election, change const& what) {
  auto& queue = queues_[election];
  if (what.deleted) {
    std::erase_if(queue, [&](auto const& entry) { return entry.second.key == what.key; });
    return;
  }
  auto const record = nlohmann::json::parse(what.value, nullptr, false);
  auto const candidate = record.is_object() ? record.value("candidate", "") : "";
  queue[what.create_revision] = {candidate, what.key, what.lease, static_cast<std::uint64_t>(what.create_revision)};
}

void store_watch::look_for_early_revocation(std::string const& lease, nanoseconds at) {
  auto const renewed = renewed_.find(lease);
  if (renewed == renewed_.end()) return;
  // A renewal is confirmed within two requests, a fifth of the trusted time each, after it was asked for.
  auto const deadline = renewed->second + trusted_;
  auto const age = std::chrono::duration_cast<milliseconds>(at - renewed->second);
  renewed_.erase(renewed);
  if (at >= deadline - milliseconds(100)) return;
  ++early_;
  in_.log.remark(
      "etcd", "the store let lease " + lease + " go " + std::to_string(age.count()) + " ms after a confirmed renewal");
  for (auto const& [election, queue] : queues_)
    if (!queue.empty() && queue.begin()->second.key.ends_with("/" + lease))
      excuse(election, at, deadline, "the store let lease " + lease + " go too early");
}

/// Why an operator has made this revision; empty: he has not.
std::string store_watch::operators_doing(std::vector<change> const& all) {
  for (auto const& c : all) {
    auto const found = taken_by_us_.find(c.key);
    if (!c.deleted || found == taken_by_us_.end()) continue;
    auto why = std::move(found->second);
    taken_by_us_.erase(found);
    return why;
  }
  return {};
}

/// `at`: when it was seen here. Others may have seen it before.
void store_watch::excuse(std::string const& election, nanoseconds at, nanoseconds until, std::string const& why) {
  in_.log.excuse(election, at - std::chrono::seconds(1), until, why);
}

std::map<std::string, store_watch::holder> store_watch::holders() const {
  std::lock_guard const lock(mutex_);
  std::map<std::string, holder> all;
  for (auto const& [election, queue] : queues_)
    if (!queue.empty()) all[election] = queue.begin()->second;
  return all;
}

bool store_watch::wait_until_seen(std::int64_t revision, milliseconds limit) const {
  for (auto const end = boot_now() + limit; seen_ < revision; std::this_thread::sleep_for(milliseconds(5)))
    if (boot_now() > end) return false;
  return true;
}

void store_watch::will_go(std::string const& key, std::string why) {
  std::lock_guard const lock(mutex_);
  taken_by_us_[key] = std::move(why);
}

void store_watch::was_not_there(std::string const& key) {
  std::lock_guard const lock(mutex_);
  taken_by_us_.erase(key);
}

bool store_watch::awaits(std::string const& key) const {
  std::lock_guard const lock(mutex_);
  return taken_by_us_.contains(key);
}

std::string store_watch::anchor_of(std::int64_t lease) const {
  char hex[20];
  std::snprintf(hex, sizeof hex, "%llx", static_cast<unsigned long long>(lease));
  return prefix_ + "@coelect/" + hex + "/anchor";
}

}  // namespace coelect::test
