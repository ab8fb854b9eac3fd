// All watches of a store on one WebSocket: begun, ended and resumed there, and moved elsewhere when the server fails.
#include "stores/etcd/watch_socket.hpp"
#include "base/first_exception.hpp"
#include "stores/etcd/socket_watch.hpp"
#include <algorithm>
#include <utility>

namespace coelect::stores::etcd {
namespace {

using std::chrono::milliseconds;

// Questions on their way at a time: few enough that even a slow server answers the last one within a request's time
// limit, and enough to keep it busy (it takes about 60 us each).
constexpr std::size_t most_asked = 512;
// Messages given to the network at a time.
constexpr std::size_t most_queued = 64;
// Some proxies accept an upgrade, or let it hang, and pass nothing on.
constexpr int most_in_vain = 2;
// An endpoint that refused may have been an old server, or a proxy that was restarted.
constexpr std::chrono::minutes refusal_counts_for{1};
// The watch that is begun for the sake of its answer is numbered above all others.
constexpr std::int64_t first_number_of_ours = std::int64_t{1} << 62;

}  // namespace

watch_socket::watch_socket(etcd_client& client, rules::timings const& times)
    : client_(client), times_(times), watches_(std::make_unique<table>()), last_number_(first_number_of_ours) {}

watch_socket::~watch_socket() {
  for (std::size_t i = 0; i < watches_->places(); ++i)
    if (auto* const w = watches_->at(i)) w->on = nullptr;
}

// --- Watches --------------------------------------------------------------------------------------------------------

std::unique_ptr<watch_handle> watch_socket::add(wire::etcd::key_range what, std::int64_t from, bool deletes_only,
                                                milliseconds span, watch_listener& to) {
  auto made = std::make_unique<watch>(*this, std::move(what), from, deletes_only, span, to);
  watches_->add(*made);
  made->on = this;
  linger_.clear();
  if (mode_ == mode::streams) {
    made->stream =
        std::make_unique<watch_stream>(client_, times_, span, made->what, made->position(), deletes_only, to);
  } else if (mode_ == mode::open) {
    or_anew([&] { begin_anew(*made); });
  } else if (watches_->count() == 1) {
    open();
  }
  return made;
}

void watch_socket::remove(watch& w) noexcept {
  bool const told = mode_ == mode::open && w.asked;
  auto const number = watches_->number(w);
  stop_waiting_for(w);
  watches_->renumber(w);
  watches_->remove(w);
  bool const last = watches_->count() == 0;
  if (last && mode_ != mode::open && mode_ != mode::opening) return rest();
  try {
    if (told) end_soon(number);
    if (last) linger_ = client_.context().after(watch_linger, [this] { rest(); });
  } catch (std::exception const&) {  // no memory: what the server goes on to say is for nobody
    if (last) rest();
  }
}

void watch_socket::rest() noexcept {
  close();
  retry_.clear();
  mode_ = mode::idle;
}

void watch_socket::expect(watch& w, std::int64_t revision) {
  if (w.stream) return w.stream->expect(revision);
  w.expected = std::max(w.expected, revision);
  if (w.created) wait_for(w);
  probe(false);
}

// Later, because often others go with it.
void watch_socket::end_soon(std::int64_t number) {
  to_end_.push_back(number);
  if (to_end_.size() > 1) return;
  client_.context().post([this, life = std::weak_ptr<int>(life_)] {
    if (life.expired() || mode_ != mode::open) return;
    or_anew([this] {
      forget_answered();
      pump();
    });
  });
}

/// Takes its place among those that are to begin.
void watch_socket::begin_anew(watch& w) {
  w.asked = w.created = false;
  if (!w.blind) w.blind = client_.context().now();
  to_begin_.push_back(w.place);
  pump();
}

void watch_socket::pump() {
  while (mode_ == mode::open && !to_end_.empty() && queued_ < most_queued) {
    ++queued_;
    socket_->send(wire::etcd::cancel_watch_body(to_end_.front()));
    to_end_.pop_front();
  }
  while (mode_ == mode::open && !to_begin_.empty() && asked_.size() < most_asked && queued_ < most_queued) {
    auto* const w = watches_->at(to_begin_.front());
    to_begin_.pop_front();
    if (w != nullptr && !w->asked) begin(*w);
  }
}

void watch_socket::begin(watch& w) {
  watches_->renumber(w);
  w.asked = true;
  wire::etcd::watch_request how;
  how.what = w.what;
  how.watch_id = watches_->number(w);
  how.start_revision = w.next;
  how.deletes_only = w.deletes_only;
  ++queued_;
  socket_->send(wire::etcd::watch_body(how));
  auto const by = client_.context().now() + times_.request_timeout;
  asked_.push_back({how.watch_id, by});
  if (asked_.size() == 1) limit_ = client_.context().at(by, [this] { look_at_limit(); });
}

void watch_socket::forget_answered() {
  while (!asked_.empty()) {
    auto const* const w = watches_->find(asked_.front().number);
    if (w != nullptr && !w->created) break;
    asked_.pop_front();
  }
  if (asked_.empty()) limit_.clear();
}

void watch_socket::look_at_limit() {
  forget_answered();
  if (asked_.empty()) return;
  auto const by = asked_.front().by;
  if (by.reached(client_.context().now())) return reopen_later(outcome(errc::timed_out, "a watch does not begin"));
  limit_ = client_.context().at(by, [this] { look_at_limit(); });
}

template <class Tell>
void watch_socket::tell_all(Tell const& tell) {
  std::weak_ptr<int> const life = life_;
  base::first_exception trouble;
  for (std::size_t i = 0; !life.expired() && i < watches_->places(); ++i)
    if (auto* const w = watches_->at(i)) trouble.from([&] { tell(*w->to); });
  trouble.rethrow();
}

// What came is lost when there is no memory for it, or for what somebody does about it: so all that is said from the last
// good message on is asked for again.
template <class Work>
void watch_socket::or_anew(Work const& work) {
  std::weak_ptr<int> const life = life_;
  try {
    work();
  } catch (...) {
    if (!life.expired() && mode_ == mode::open) reopen_later(outcome(errc::unreachable, "no memory"));
    throw;
  }
}

// --- The socket -----------------------------------------------------------------------------------------------------

bool watch_socket::refused(std::size_t endpoint) const {
  auto const found = refused_until_.find(endpoint);
  return found != refused_until_.end() && !found->second.reached(client_.context().now());
}

void watch_socket::open() try {
  endpoint_ = client_.current();
  if (refused(endpoint_)) return fall_back();
  mode_ = mode::opening;
  socket_ = client_.watch_socket(endpoint_, client_.context().now() + times_.request_timeout, *this);
  if (socket_) return;
  fall_back();
  retry_.clear();
} catch (...) {
  again_in_a_while();
  throw;
}

// There was no memory for what had to be done, and others may wait for it.
void watch_socket::again_in_a_while() {
  if (mode_ == mode::streams) {
    retry_ = client_.context().after(times_.retry_max, [this] { fall_back(); });
    return;
  }
  close();
  mode_ = mode::idle;
  retry_ = client_.context().after(times_.retry_max, [this] { open(); });
}

void watch_socket::close() noexcept {
  linger_.clear();
  limit_.clear();
  probe_.clear();
  tick_.clear();
  reading_.reset();
  looking_.reset();
  socket_.reset();
  to_begin_.clear();
  to_end_.clear();
  asked_.clear();
  awaited_.clear();
  queued_ = 0;
  seen_ = floor_ = 0;
  probing_ = worked_ = false;
  auto const now = client_.context().now();
  for (std::size_t i = 0; i < watches_->places(); ++i) {
    auto* const w = watches_->at(i);
    if (w == nullptr) continue;
    w->asked = w->created = false;
    if (!w->blind && !w->stream) w->blind = now;
  }
}

void watch_socket::say(outcome const& why) {
  auto text = why.text();
  if (text == last_trouble_) return;
  last_trouble_ = std::move(text);
  client_.context().log(severity::warning, "etcd: watch at " + client_.name_of(endpoint_) + ": " + last_trouble_);
}

// `reached`: the server was, so that it may be the kind that has no WebSocket.
void watch_socket::reopen_later(outcome const& why, bool reached) try {
  if (watches_->count() == 0) return rest();
  auto const now = client_.context().now();
  bool const had_worked = worked_ && (opened_ + milliseconds(1'000)).reached(now);
  if (reached && !worked_) ++in_vain_;
  close();
  if (in_vain_ >= most_in_vain) {
    say(why);
    refused_until_[endpoint_] = now + refusal_counts_for;
    return fall_back();
  }
  mode_ = mode::idle;
  // One that had worked is tried elsewhere at once: meanwhile our own keys may be deleted.
  if (had_worked || !backoff_) backoff_.emplace(times_.retry_min, times_.retry_max, client_.context().env().random());
  auto const wait = had_worked ? std::chrono::nanoseconds(0) : backoff_->next();
  retry_ = client_.context().after(wait, [this] { open(); });
  say(why);
  client_.avoid(endpoint_, "watch: " + why.text());
} catch (...) {
  again_in_a_while();
  throw;
}

void watch_socket::fall_back() try {
  mode_ = mode::streams;
  in_vain_ = 0;
  for (std::size_t i = 0; i < watches_->places(); ++i) {
    auto* const w = watches_->at(i);
    if (w == nullptr || w->stream) continue;
    auto from = w->position();
    from.unproven = unproven_;
    w->stream =
        std::make_unique<watch_stream>(client_, times_, milliseconds(w->span), w->what, from, w->deletes_only, *w->to);
  }
  try_again_later();
} catch (...) {
  again_in_a_while();
  throw;
}

// Meanwhile the streams may have gone to another endpoint.
void watch_socket::try_again_later() {
  retry_ = client_.context().after(times_.renew_every, [this] {
    endpoint_ = client_.current();
    if (refused(endpoint_)) return try_again_later();
    socket_ = client_.watch_socket(endpoint_, client_.context().now() + times_.request_timeout, *this);
  });
}

void watch_socket::leave_streams() {
  if (mode_ != mode::streams) return;
  unproven_ = false;
  for (std::size_t i = 0; i < watches_->places(); ++i) {
    auto* const w = watches_->at(i);
    if (w == nullptr || !w->stream) continue;
    auto const from = w->stream->position();
    unproven_ = unproven_ || from.unproven;
    w->stand_at(from);
    w->stream.reset();
  }
}

void watch_socket::on_open() {
  leave_streams();
  mode_ = mode::open;
  or_anew([this] { begin_all(); });
}

void watch_socket::begin_all() {
  opened_ = looked_ = client_.context().now();
  for (std::size_t i = 0; i < watches_->places(); ++i) {
    auto* const w = watches_->at(i);
    if (w == nullptr) continue;
    if (!w->blind) w->blind = opened_;
    to_begin_.push_back(w->place);
  }
  pump();
  tick_ = client_.context().after(times_.renew_every, [this] { tick(); });
}

void watch_socket::on_drained() {
  queued_ = 0;
  or_anew([this] { pump(); });
}

void watch_socket::on_end(outcome how, http::socket_end kind) try {
  using http::socket_end;
  if (kind == socket_end::refused || (mode_ == mode::streams && kind == socket_end::no_answer))
    refused_until_[endpoint_] = client_.context().now() + refusal_counts_for;
  if (mode_ == mode::streams) {
    socket_.reset();
    return try_again_later();
  }
  if (kind != socket_end::refused) return reopen_later(how, kind != socket_end::no_connection);
  close();
  client_.context().log(severity::info,
                        "etcd: " + client_.name_of(endpoint_) + ": watches have a connection each: " + how.text());
  fall_back();
} catch (...) {
  again_in_a_while();
  throw;
}

// --- What it says ---------------------------------------------------------------------------------------------------

void watch_socket::on_message(std::string_view text) {
  or_anew([this, text] { read(text); });
}

void watch_socket::read(std::string_view text) {
  auto const message = wire::etcd::read_watch_line(text);
  if (!message) return reopen_later(outcome(errc::bad_response, "a watch message that is not etcd's"));
  if (message->error) return reopen_later(outcome(errc::unreachable, message->error->message));
  if (message->canceled) return on_canceled(*message);  // before `created`: a refusal says both
  if (message->created) return on_created(*message);
  if (message->events.empty()) {
    auto const doubt = client_.believe(endpoint_, message->header, false, 0);
    if (!doubt.ok()) return reopen_later(doubt);
  }
  saw(message->header.revision);
  if (auto* const w = watches_->find(message->watch_id)) deliver(*w, *message);
}

// A message cut in parts resumes at its own revision: only the last part completes it.
void watch_socket::deliver(watch& to, wire::etcd::watch_message const& message) {
  std::weak_ptr<int> const life = life_;
  auto const number = watches_->number(to);
  auto* w = &to;
  std::int64_t last = 0;
  for (auto const& event : message.events) {
    last = std::max(last, event.kv.mod_revision);
    w->to->on_event(event);
    if (life.expired()) return;
    w = watches_->find(number);
    if (w == nullptr) return;
  }
  if (last == 0) return;
  w->next = std::max(w->next, message.fragment ? last : last + 1);
  if (w->expected >= w->next) return;
  stop_waiting_for(*w);
  proven();
}

void watch_socket::on_created(wire::etcd::watch_message const& message) {
  auto const doubt = client_.believe(endpoint_, message.header, false, 0);
  if (!doubt.ok()) return reopen_later(doubt);
  worked_ = true;
  in_vain_ = 0;
  last_trouble_.clear();
  auto* w = watches_->find(message.watch_id);
  if (w != nullptr) {
    w->created = true;
    // `created` is a word only; once a watch was dead in spite of it, more has to show that it lives.
    if (!unproven_) w->blind.reset();
  }
  saw(message.header.revision);
  forget_answered();
  pump();
  if (asked_.empty() && to_begin_.empty()) probe(false);
  if (w == nullptr) return;
  // Begun in the past: etcd's loop for that brings events up to 100 ms late. Whoever waits may look instead.
  bool const late = std::exchange(w->first, false) && message.header.revision >= w->next;
  std::weak_ptr<int> const life = life_;
  if (std::exchange(w->gap, false) || late) w->to->on_gap();
  if (life.expired()) return;
  w = watches_->find(message.watch_id);
  if (w != nullptr) wait_for(*w);  // what was expected before is expected still
}

// Compaction, or a refusal, or what we have ended ourselves.
void watch_socket::on_canceled(wire::etcd::watch_message const& message) {
  auto number = message.watch_id;
  if (message.created && number == -1 && !asked_.empty()) number = asked_.front().number;  // answered in order
  auto* const w = watches_->find(number);
  if (w == nullptr) {
    forget_answered();
    return pump();
  }
  if (message.compact_revision > 0) {
    w->next = std::max(w->next, message.compact_revision + 1);
    w->gap = true;
    stop_waiting_for(*w);
    watches_->renumber(*w);
    forget_answered();
    return begin_anew(*w);
  }
  bool const refused = message.cancel_reason.find("ermission") != std::string::npos;
  outcome const how(refused ? errc::unauthorized : errc::unreachable,
                    "the watch was canceled: " + message.cancel_reason);
  std::weak_ptr<int> const life = life_;
  reopen_later(how);
  // Without a user name, all of them are refused alike.
  if (refused && !life.expired()) tell_all([&](watch_listener& to) { to.on_refused(how); });
}

// Nobody knows whose it was.
void watch_socket::on_skipped() {
  tell_all([](watch_listener& to) { to.on_gap(); });
}

}  // namespace coelect::stores::etcd
