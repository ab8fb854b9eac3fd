// Looks who leads an election on a blob, waits until that changes, and takes leases away.
#include "stores/azure/azure_observation.hpp"
#include <utility>

namespace coelect::stores::azure {
namespace {

using wire::azure::trouble;

// Metadata outlives the lease: it is believed only while there is one.
sighting shown_by(http::response const& got) {
  auto const seen = wire::azure::read_properties(got);
  if (!seen.leased && !seen.breaking) return sighting::empty_seat();
  if (seen.record && seen.record->fresh)
    return sighting::empty_seat();  // who made it has not counted its first term yet
  if (!seen.record || seen.record->candidate.empty())
    return sighting(leader_info("(another program)", {}, seen.record ? seen.record->term : 0, {}));
  std::chrono::system_clock::time_point const since{std::chrono::milliseconds(seen.record->since_ms)};
  return sighting(leader_info(seen.record->candidate, seen.record->value, seen.record->term, since));
}

bool missing(answered const& a) {
  return !a.how.ok() && a.by_service && (a.trouble == trouble::no_blob || a.trouble == trouble::no_container);
}

class azure_observation final : public observation {
public:
  azure_observation(std::shared_ptr<commons> shared, std::string election, sighting seen, reply<outcome, sighting> done)
      : shared_(std::move(shared)), election_(std::move(election)), seen_(std::move(seen)), done_(std::move(done)) {
    look();
  }

private:
  void look() {
    auto const by = shared_->context->now() + shared_->times.request_timeout;
    looking_ = look_at(*shared_, election_, by, [this](outcome const& how, sighting const& now) { on_seen(how, now); });
  }

  void on_seen(outcome const& how, sighting const& now) {
    bool const news = !how.ok() || !now.same_as(seen_);
    if (!news) {
      again_ = shared_->context->after(shared_->next_poll(), [this] { look(); });
      return;
    }
    auto const done = std::exchange(done_, nullptr);
    done(how, now);
  }

  std::shared_ptr<commons> shared_;
  std::string election_;
  sighting seen_;
  reply<outcome, sighting> done_;
  asked looking_;
  timer again_;
};

class deposal final : public conversation, public std::enable_shared_from_this<deposal> {
public:
  deposal(commons& shared, std::string const& election, std::uint64_t token, depose_how how, instant give_up,
          reply<outcome> done)
      : shared_(shared),
        path_(shared.path_of(election)),
        token_(token),
        force_(how == depose_how::force),
        give_up_(give_up),
        done_(std::move(done)) {}

  void look() {
    step_ = shared_.client.ask(wire::azure::properties(path_), give_up_, [this](answered const& a) {
      if (missing(a)) return finish(none());
      if (!a.how.ok()) return finish(a.how);
      auto const seen = wire::azure::read_properties(a.got);
      bool const leads = seen.leased || seen.breaking;
      if (!leads || token_ == 0 || !seen.record || seen.record->term != token_) return finish(none());
      take_away();
    });
  }

private:
  static outcome none() { return {errc::not_leader, "no leader with that token"}; }

  void take_away() {
    step_ = shared_.client.ask(wire::azure::break_lease(path_, force_), give_up_, [this](answered const& a) {
      bool const gone = !a.how.ok() && a.by_service && a.trouble == trouble::not_mine;
      finish(gone ? none() : a.how);
    });
  }

  void finish(outcome how) {
    auto const self = shared_from_this();
    auto const done = std::exchange(done_, nullptr);
    done(std::move(how));
  }

  commons& shared_;
  wire::azure::blob_path path_;
  std::uint64_t token_;
  bool force_;
  instant give_up_;
  reply<outcome> done_;
  asked step_;
};

}  // namespace

asked look_at(commons& shared, std::string const& election, instant give_up, reply<outcome, sighting> done) {
  auto answer = [done = std::move(done)](answered const& a) {
    if (missing(a)) return done({}, sighting::empty_seat());
    if (!a.how.ok()) return done(a.how, {});
    done({}, shown_by(a.got));
  };
  return shared.client.ask(wire::azure::properties(shared.path_of(election)), give_up, std::move(answer));
}

std::unique_ptr<observation> observe(std::shared_ptr<commons> shared, std::string election, sighting seen,
                                     reply<outcome, sighting> done) {
  return std::make_unique<azure_observation>(std::move(shared), std::move(election), std::move(seen), std::move(done));
}

asked depose_leader(commons& shared, std::string const& election, std::uint64_t token, depose_how how, instant give_up,
                    reply<outcome> done) {
  auto const made = std::make_shared<deposal>(shared, election, token, how, give_up, std::move(done));
  made->look();
  return made;
}

}  // namespace coelect::stores::azure
