// One watch on everything under a prefix, handed out to many subscribers.
#include "stores/etcd/shared_watch.hpp"
#include "base/first_exception.hpp"
#include <algorithm>
#include <limits>
#include <utility>

namespace coelect::stores::etcd {
namespace {

constexpr std::size_t past_events = 1'024;
constexpr auto unknown = std::numeric_limits<std::int64_t>::max();
constexpr std::chrono::seconds stream_span{30};

}  // namespace

class watches::shared_stream::subscription final : public watch_handle {
public:
  subscription(std::shared_ptr<shared_stream> stream, subscriber_ptr s)
      : stream_(std::move(stream)), s_(std::move(s)) {}
  ~subscription() override {
    s_->to = nullptr;
    stream_->remove(s_);
  }
  std::optional<instant> blind_since() const noexcept override {
    return stream_->stream_ ? stream_->stream_->blind_since() : std::nullopt;
  }
  void expect(std::int64_t revision) override {
    if (stream_->stream_) stream_->stream_->expect(revision);
  }

private:
  std::shared_ptr<shared_stream> stream_;
  subscriber_ptr s_;
};

watches::shared_stream::shared_stream(watches& all, wire::etcd::key_range everything)
    : all_(all), everything_(std::move(everything)) {}

std::unique_ptr<watch_handle> watches::shared_stream::subscribe(wire::etcd::key_range what, std::int64_t from,
                                                                watch_listener& to) {
  auto const s = std::make_shared<subscriber>(subscriber{std::move(what), &to});
  auto handle = std::make_unique<subscription>(shared_from_this(), s);
  linger_.clear();
  index_for(*s).emplace(s->what.key, s);
  if (!stream_) {
    past_.clear();
    past_from_ = from;
    delivered_ = from - 1;
    watch_listener& hears = *this;
    stream_ = all_.open(everything_, from, false, stream_span, hears);
  } else if (from <= delivered_ || from < past_from_) {
    auto late = [weak = weak_from_this(), s, from] {
      auto const self = weak.lock();
      if (self && s->to != nullptr) self->catch_up(*s, from);
    };
    all_.client_.context().post(std::move(late));
  }
  return handle;
}

// The stream is past its start already: hand out again what went by, or say that something may be missing.
void watches::shared_stream::catch_up(subscriber const& s, std::int64_t from) {
  if (from < past_from_) return s.to->on_gap();
  auto const older = [](wire::etcd::watch_event const& e, std::int64_t revision) {
    return e.kv.mod_revision < revision;
  };
  std::vector<wire::etcd::watch_event> missed;
  for (auto e = std::lower_bound(past_.begin(), past_.end(), from, older); e != past_.end(); ++e)
    if (s.what.contains(e->kv.key)) missed.push_back(*e);
  for (auto const& event : missed)
    if (s.to != nullptr) s.to->on_event(event);
}

void watches::shared_stream::remove(subscriber_ptr const& s) noexcept {
  auto& list = index_for(*s);
  auto const [first, last] = list.equal_range(s->what.key);
  auto const found = std::find_if(first, last, [&s](auto const& entry) { return entry.second == s; });
  if (found != last) list.erase(found);
  if (!stream_ || !by_key_.empty() || !by_prefix_.empty()) return;
  try {
    linger_ = all_.client_.context().after(watch_linger, [this] { stream_.reset(); });
  } catch (std::exception const&) {  // no memory
    stream_.reset();
  }
}

std::vector<watches::shared_stream::subscriber_ptr> watches::shared_stream::interested_in(std::string_view key) const {
  std::vector<subscriber_ptr> all;
  auto const add = [&all](index const& from, std::string_view name) {
    auto const [first, last] = from.equal_range(name);
    for (auto it = first; it != last; ++it) all.push_back(it->second);
  };
  add(by_key_, key);
  for (auto slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1))
    add(by_prefix_, key.substr(0, slash + 1));
  return all;
}

std::vector<watches::shared_stream::subscriber_ptr> watches::shared_stream::everybody() const {
  std::vector<subscriber_ptr> all;
  for (auto const* list : {&by_key_, &by_prefix_})
    for (auto const& [name, s] : *list) all.push_back(s);
  return all;
}

void watches::shared_stream::remember(wire::etcd::watch_event const& what) {
  if (what.kv.mod_revision < delivered_) return;  // asked for again
  wire::etcd::watch_event kept;
  kept.deleted = what.deleted;
  kept.kv.key = what.kv.key;
  kept.kv.create_revision = what.kv.create_revision;
  kept.kv.mod_revision = what.kv.mod_revision;
  past_.push_back(std::move(kept));
  if (past_from_ == unknown) past_from_ = what.kv.mod_revision;
  delivered_ = std::max(delivered_, what.kv.mod_revision);
  if (past_.size() <= past_events) return;
  past_from_ = past_.front().kv.mod_revision + 1;
  past_.pop_front();
}

void watches::shared_stream::on_event(wire::etcd::watch_event const& what) {
  auto const self = shared_from_this();
  base::first_exception trouble;
  remember(what);
  for (auto const& s : interested_in(what.kv.key))
    if (s->to != nullptr) trouble.from([&] { s->to->on_event(what); });
  trouble.rethrow();
}

void watches::shared_stream::on_gap() {
  auto const self = shared_from_this();
  past_.clear();
  past_from_ = unknown;
  base::first_exception trouble;
  for (auto const& s : everybody())
    if (s->to != nullptr) trouble.from([&] { s->to->on_gap(); });
  trouble.rethrow();
}

void watches::shared_stream::on_refused(outcome const& how) {
  auto const self = shared_from_this();
  for (auto const& s : everybody())
    if (s->to != nullptr) s->to->on_refused(how);
}

}  // namespace coelect::stores::etcd
