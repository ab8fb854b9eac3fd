// All watches of one store: one for everything under its prefix, or one for each key when it has none; and how they travel.
#include "stores/etcd/shared_watch.hpp"
#include "stores/etcd/watch_socket.hpp"

namespace coelect::stores::etcd {

class watches::own_stream final : public watch_handle {
public:
  own_stream(etcd_client& client, rules::timings const& times, std::chrono::milliseconds span,
             wire::etcd::key_range what, std::int64_t from, bool deletes_only, watch_listener& to)
      : stream_(client, times, span, std::move(what), from, deletes_only, to) {}
  std::optional<instant> blind_since() const noexcept override { return stream_.blind_since(); }
  void expect(std::int64_t revision) override { stream_.expect(revision); }

private:
  watch_stream stream_;
};

watches::watches(etcd_client& client, rules::timings const& times, std::string const& prefix)
    : client_(client),
      times_(times),
      prefix_(prefix),
      socket_(client.anonymous() ? std::make_unique<watch_socket>(client, times) : nullptr) {}

watches::~watches() = default;

std::unique_ptr<watch_handle> watches::subscribe(wire::etcd::key_range what, std::int64_t from, bool deletes_only,
                                                 watch_listener& to) {
  // As a POST stream, it is ended and reopened once per renewal: nothing but the end of its body shows that a silent
  // one lives.
  if (prefix_.empty()) return open(std::move(what), from, deletes_only, times_.renew_every, to);
  if (!shared_) shared_ = std::make_shared<shared_stream>(*this, wire::etcd::key_range::all_under(prefix_));
  return shared_->subscribe(std::move(what), from, to);
}

std::unique_ptr<watch_handle> watches::open(wire::etcd::key_range what, std::int64_t from, bool deletes_only,
                                            std::chrono::milliseconds span, watch_listener& to) {
  if (socket_) return socket_->add(std::move(what), from, deletes_only, span, to);
  return std::make_unique<own_stream>(client_, times_, span, std::move(what), from, deletes_only, to);
}

}  // namespace coelect::stores::etcd
