// Keeps one watch open for as long as it is wanted: resumes where it was, and goes elsewhere when a server fails.
#include "stores/etcd/watch_stream.hpp"
#include <algorithm>
#include <utility>

namespace coelect::stores::etcd {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds server_is_late{1'000};  // after Grpc-Timeout, before the stream counts as dead
constexpr int deadline_exceeded = 4;           // gRPC's code for it

}  // namespace

watch_stream::watch_stream(etcd_client& client, rules::timings const& times, milliseconds span,
                           wire::etcd::key_range what, watch_position const& from, bool deletes_only,
                           watch_listener& to)
    : client_(client),
      times_(times),
      span_(span),
      what_(std::move(what)),
      deletes_only_(deletes_only),
      to_(to),
      next_(from.next),
      backoff_(times.retry_min, times.retry_max, client.context().env().random()),
      first_(from.first),
      gap_(from.gap),
      expected_(from.expected),
      unproven_(from.unproven),
      blind_since_(from.blind_since ? from.blind_since : client.context().now()) {
  open();
}

void watch_stream::open() try {
  auto& context = client_.context();
  endpoint_ = client_.current();
  status_ = 0;
  created_ = false;
  wire::etcd::watch_request how;
  how.what = what_;
  how.start_revision = next_;
  how.deletes_only = deletes_only_;
  // Streams that were opened together need not end together.
  auto const span = span_ - span_ * static_cast<int>(context.env().random() % 100) / 400;
  auto const head_by = context.now() + times_.request_timeout;
  stream_ = client_.watch(endpoint_, wire::etcd::watch_body(how), span, head_by, *this);
  // The head comes with the first message, `created`. An answer without it is as good as none.
  limit_ = context.at(head_by, [this] { reopen_later(outcome(errc::timed_out, "the watch does not begin")); });
  span_now_ = span;
} catch (...) {  // no memory
  close();
  retry_ = client_.context().after(times_.retry_max, [this] { open(); });
  throw;
}

void watch_stream::close() {
  limit_.clear();
  end_probe();
  retry_.clear();
  stream_.reset();
  created_ = false;
  if (!blind_since_) blind_since_ = client_.context().now();
}

// Open for so long that it was not refused.
bool watch_stream::has_worked() const {
  auto const enough = std::min(span_ / 2, milliseconds(1'000));
  return created_ && (opened_ + enough).reached(client_.context().now());
}

void watch_stream::reopen_at_once() {
  backoff_.reset();
  last_trouble_.clear();
  close();
  open();
}

void watch_stream::reopen_later(outcome const& why) {
  bool const had_worked = has_worked();
  close();
  // One that had worked is tried elsewhere at once: meanwhile our own key may be deleted.
  if (had_worked) backoff_.reset();
  auto const wait = had_worked ? std::chrono::nanoseconds(0) : backoff_.next();
  retry_ = client_.context().after(wait, [this] { open(); });
  client_.avoid(endpoint_, "watch: " + why.text());
  auto text = why.text();
  if (text != last_trouble_) {
    last_trouble_ = std::move(text);
    client_.context().log(severity::warning, "etcd: watch at " + client_.name_of(endpoint_) + ": " + last_trouble_);
  }
}

void watch_stream::on_head(http::response const& head) { status_ = head.status; }

// What a line said is lost when there is no memory for it, or for what somebody does about it: so all that is said from the
// last good one on is asked for again.
void watch_stream::on_line(std::string_view line) {
  std::weak_ptr<int> const life = life_;
  try {
    read(line);
  } catch (...) {
    if (!life.expired() && stream_) reopen_later(outcome(errc::unreachable, "no memory"));
    throw;
  }
}

void watch_stream::read(std::string_view line) {
  if (status_ != 200) {
    auto const v = wire::etcd::judge(status_, wire::etcd::read_failure(status_, line), {});
    if (v.next == wire::etcd::next_step::login) client_.forget_login(endpoint_);
    return reopen_later(outcome(v.ec, diagnostics(v.message, client_.name_of(endpoint_), {}, status_)));
  }
  auto const message = wire::etcd::read_watch_line(line);
  if (!message) return reopen_later(outcome(errc::bad_response, "a watch message that is not etcd's"));
  if (message->error) {
    bool const on_time = message->error->code == deadline_exceeded && created_;
    if (on_time) return;  // the end of the body follows
    return reopen_later(outcome(errc::unreachable, message->error->message));
  }
  if (message->canceled) return on_canceled(*message);  // before `created`: a refusal says both
  if (message->created) return on_created(*message);
  deliver(*message);
}

// A message cut in parts resumes at its own revision: only the last part completes it.
void watch_stream::deliver(wire::etcd::watch_message const& message) {
  std::weak_ptr<int> const life = life_;
  std::int64_t last = 0;
  for (auto const& event : message.events) {
    last = std::max(last, event.kv.mod_revision);
    to_.on_event(event);
    if (life.expired()) return;
  }
  if (last == 0) return;
  next_ = std::max(next_, message.fragment ? last : last + 1);
  if (expected_ >= next_) return;
  end_probe();
  if (std::exchange(unproven_, false)) blind_since_.reset();
}

void watch_stream::on_created(wire::etcd::watch_message const& message) {
  auto const doubt = client_.believe(endpoint_, message.header, false, 0);
  if (!doubt.ok()) return reopen_later(doubt);
  created_ = true;
  opened_ = client_.context().now();
  // `created` is a word only; once a watch was dead in spite of it, events have to show that it lives.
  if (!unproven_) blind_since_.reset();
  limit_ = client_.context().after(span_now_ + server_is_late, [this] {
    reopen_later(outcome(errc::timed_out, "the server does not end the watch in time"));
  });
  // Begun in the past: etcd's loop for that brings events up to 100 ms late. Whoever waits may look instead.
  bool const late = std::exchange(first_, false) && message.header.revision >= next_;
  std::weak_ptr<int> const life = life_;
  if (std::exchange(gap_, false) || late) to_.on_gap();
  if (!life.expired()) probe();  // what was expected before is expected still
}

// Compaction, or a refusal. The server leaves the HTTP stream open and silent.
void watch_stream::on_canceled(wire::etcd::watch_message const& message) {
  if (message.compact_revision > 0) {
    next_ = std::max(next_, message.compact_revision + 1);
    gap_ = true;
    return reopen_at_once();
  }
  bool const login = message.cancel_reason.find("Unauthenticated") != std::string::npos ||
                     message.cancel_reason.find("invalid auth token") != std::string::npos ||
                     message.cancel_reason.find("revision of auth store is old") != std::string::npos;
  if (login) client_.forget_login(endpoint_);
  bool const refused = message.cancel_reason.find("ermission") != std::string::npos;
  outcome const how(refused ? errc::unauthorized : errc::unreachable,
                    "the watch was canceled: " + message.cancel_reason);
  std::weak_ptr<int> const life = life_;
  reopen_later(how);
  if (refused && !life.expired()) to_.on_refused(how);
}

void watch_stream::on_skipped() { to_.on_gap(); }

void watch_stream::on_end(outcome how) {
  if (how.ok() && has_worked()) return reopen_at_once();
  reopen_later(how.ok() ? outcome(errc::unreachable, "the watch ended as soon as it had begun") : how);
}

void watch_stream::expect(std::int64_t revision) {
  expected_ = std::max(expected_, revision);
  probe();
}

// Not begun anew while one runs: several sessions that renew in turn would put it off for ever.
void watch_stream::probe() {
  if (expected_ < next_ || !created_ || probing_) return;
  probing_ = true;
  probe_ = client_.context().after(times_.request_timeout, [this, target = expected_] {
    probing_ = false;
    if (target >= next_) {
      unproven_ = true;
      return reopen_later(outcome(errc::timed_out, "the watch is behind or dead"));
    }
    probe();
  });
}

void watch_stream::end_probe() noexcept {
  probe_.clear();
  probing_ = false;
}

}  // namespace coelect::stores::etcd
