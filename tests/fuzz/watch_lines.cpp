// Watch streams and sockets: the same lines however their bytes are cut, and a watch that goes forward only, whatever they say.
#include "fuzz.hpp"
#include "http/line_splitter.hpp"
#include "still_world.hpp"
#include "stores/etcd/watch_socket.hpp"
#include "stores/etcd/watch_stream.hpp"
#include "wire/etcd_answers.hpp"
#include <optional>
#include <string>
#include <vector>

namespace coelect::fuzz {
namespace {

using lines = std::vector<std::optional<std::string>>;  // empty: skipped

lines cut(std::string_view bytes, unsigned seed, std::size_t limit) {
  lines all;
  http::line_splitter splitter(limit);
  auto const take_all = [&] {
    while (auto const piece = splitter.take()) {
      if (piece->skipped) all.emplace_back(std::nullopt);
      else all.emplace_back(std::string(piece->line));
    }
  };
  in_slices(bytes, seed, [&](std::string_view some) {
    splitter.push(some);
    take_all();
  });
  splitter.push_end();
  take_all();
  return all;
}

// What the splitter should do, in the plainest words.
lines expected(std::string_view bytes, std::size_t limit) {
  lines all;
  while (!bytes.empty()) {
    auto const end = bytes.find('\n');
    auto const line = bytes.substr(0, end);
    if (line.size() > limit) all.emplace_back(std::nullopt);
    else all.emplace_back(std::string(line));
    bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  }
  return all;
}

class listener final : public stores::etcd::watch_listener {
public:
  void on_event(wire::etcd::watch_event const& what) override {
    must(!what.kv.key.empty(), "an event names a key");
    ++heard;
  }
  void on_gap() override { ++heard; }
  void on_refused(outcome const& how) override { must(!how.ok(), "a refusal is one"); }
  int heard = 0;
};

void decode(std::string_view line) {
  auto const message = wire::etcd::read_watch_line(line);
  if (!message || message->error) return;
  must(message->header.revision >= 0, "a revision is not negative");
  for (auto const& e : message->events) must(!e.kv.key.empty(), "an event names a key");
}

rules::timings const times{.ttl = std::chrono::seconds(15),
                           .validity = std::chrono::seconds(12),
                           .renew_every = std::chrono::seconds(5),
                           .request_timeout = std::chrono::seconds(2),
                           .retry_min = std::chrono::milliseconds(200),
                           .retry_max = std::chrono::seconds(5)};

stores::etcd::client_options one_server(one_input const& in) {
  stores::etcd::client_options how;
  how.network = in.env->net;
  how.endpoints = {{false, "h", 2379}};
  return how;
}

void run_watch(lines const& all, int status) {
  one_input in;
  stores::etcd::etcd_client client(in.context, one_server(in), [] {});
  listener hears;
  stores::etcd::watch_stream watch(client, times, std::chrono::seconds(30), wire::etcd::key_range::all_under("app/"), 1,
                                   false, hears);
  auto& server = *in.env->net->servers.front();
  http::response head;
  head.status = status;
  if (server.reader() != nullptr) server.reader()->on_head(head);
  for (auto const& line : all) {
    auto const before = watch.next_revision();
    auto* const to = server.reader();
    if (to == nullptr) break;
    if (line) to->on_line(*line);
    else to->on_skipped();
    must(watch.next_revision() >= before, "a watch never goes back");
  }
  if (server.reader() != nullptr) server.reader()->on_end({});
}

/// Two watches on one socket; their numbers there are 16777217 and 16777218.
void run_socket(lines const& all) {
  one_input in;
  stores::etcd::etcd_client client(in.context, one_server(in), [] {});
  auto& server = *in.env->net->servers.front();
  server.has_sockets = true;
  listener first, second;
  stores::etcd::watch_socket socket(client, times);
  auto one = socket.add(wire::etcd::key_range::one("a"), 1, true, times.renew_every, first);
  auto const two = socket.add(wire::etcd::key_range::all_under("app/"), 1, false, times.renew_every, second);
  if (server.socket() != nullptr) server.socket()->on_open();
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto* const to = server.socket();
    if (to == nullptr) break;
    if (i == 8) one.reset();
    if (i == 9) two->expect(7);
    if (server.socket() == nullptr) break;
    if (all[i]) to->on_message(*all[i]);
    else to->on_skipped();
    must(server.socket() != nullptr || two->blind_since().has_value(), "no watch sees without a socket");
  }
  auto* const to = server.socket();
  if (to != nullptr) to->on_end(outcome(errc::unreachable, "closed"), http::socket_end::broken);
  must(two->blind_since().has_value(), "no watch sees without a socket");
}

}  // namespace

void watch_lines(std::string_view bytes) {
  constexpr std::size_t limits[] = {std::size_t{256} * 1024, 300, 64, 8, 1, 0};
  constexpr int statuses[] = {200, 101, 401, 503, 0, 0};  // 101: a socket; 0: neither, the lines alone
  dealer input(bytes);
  auto const one = input.choice(64), other = input.choice(64);
  auto const limit = limits[input.choice(6)];
  auto const status = statuses[input.choice(6)];
  auto const all = cut(input.rest(), one, limit);
  must(all == cut(input.rest(), other, limit), "lines do not depend on how their bytes are cut");
  must(all == expected(input.rest(), limit), "lines are what stands between newlines");
  if (status == 101) return run_socket(all);
  if (status != 0) return run_watch(all, status);
  for (auto const& line : all)
    if (line) decode(*line);
}

}  // namespace coelect::fuzz
