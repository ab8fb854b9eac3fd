// All watches of one store: one stream for everything under its prefix, or one for each when it has none.
#include "stores/etcd/shared_watch.hpp"

namespace coelect::stores::etcd {

class watches::own_stream final : public watch_handle {
public:
  own_stream(etcd_client& client, rules::timings const& times, wire::etcd::key_range what, std::int64_t from,
             bool deletes_only, watch_listener& to)
      : stream_(client, times, times.renew_every, std::move(what), from, deletes_only, to) {}
  std::optional<instant> blind_since() const noexcept override { return stream_.blind_since(); }
  void expect(std::int64_t revision) override { stream_.expect(revision); }

private:
  // Ended and reopened once per renewal: nothing but the end of its body shows that a silent stream lives.
  watch_stream stream_;
};

watches::watches(etcd_client& client, rules::timings const& times, std::string const& prefix)
    : client_(client), times_(times), prefix_(prefix) {}

watches::~watches() = default;

std::unique_ptr<watch_handle> watches::subscribe(wire::etcd::key_range what, std::int64_t from, bool deletes_only,
                                                 watch_listener& to) {
  if (prefix_.empty()) return std::make_unique<own_stream>(client_, times_, std::move(what), from, deletes_only, to);
  if (!shared_) shared_ = std::make_shared<shared_stream>(client_, times_, wire::etcd::key_range::all_under(prefix_));
  return shared_->subscribe(std::move(what), from, to);
}

}  // namespace coelect::stores::etcd
