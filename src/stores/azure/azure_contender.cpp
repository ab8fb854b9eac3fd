// One candidate in one election of an Azure store: a lease on a blob, and a term counted in its metadata.
#include "stores/azure/azure_contender.hpp"
#include "stores/azure/guid.hpp"
#include "stores/azure/state_blob.hpp"
#include "wire/azure_date.hpp"
#include <algorithm>
#include <utility>

namespace coelect::stores::azure {

using wire::azure::trouble;

namespace {

constexpr int most_tries = 3;
constexpr std::uint64_t soon_us = 5'000'000;  // terms further ahead were not made from the time
constexpr std::chrono::milliseconds look_again{250};

/// Somebody has deleted the blob between two of our requests.
bool gone(answered const& a) {
  return !a.how.ok() && a.by_service && (a.trouble == trouble::no_blob || a.trouble == trouble::no_container);
}

outcome deleted_meanwhile() { return {errc::candidacy_lost, "the blob was deleted before the term was counted"}; }

}  // namespace

azure_contender::azure_contender(std::shared_ptr<commons> shared, candidacy const& who, hold_listener& hears)
    : shared_(std::move(shared)),
      who_(who),
      hears_(hears),
      path_(shared_->path_of(who_.election)),
      lease_(new_guid(shared_->context->env())),
      keeper_(
          shared_->context, shared_->times,
          [this](instant give_up, reply<renewal> done) { renew(give_up, std::move(done)); }, hears) {
  record_.candidate = who_.candidate;
  record_.value = who_.value;
  auto const now = shared_->context->env().wall_clock().time_since_epoch();
  record_.since_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// --- Standing -------------------------------------------------------------------------------------------------------

void azure_contender::try_acquire(instant give_up, reply<attempt> done) {
  made_ = false;
  acquire(give_up, std::move(done));
}

void azure_contender::acquire(instant give_up, reply<attempt> done) {
  auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(shared_->times.ttl).count();
  may_hold_ = true;  // until it is refused
  auto answer = [this, give_up, done = std::move(done)](answered a) { on_acquired(std::move(a), give_up, done); };
  asked_ =
      shared_->client.ask(wire::azure::acquire(path_, lease_, static_cast<int>(seconds)), give_up, std::move(answer));
}

void azure_contender::on_acquired(answered a, instant give_up, reply<attempt> const& done) {
  if (a.how.ok()) {
    if (a.got.get("x-ms-lease-id") != lease_)
      return done(attempt{outcome(errc::unreachable, "the service granted a lease with another id"), {}});
    sent_ = a.sent;
    return read_term(give_up, most_tries, done);
  }
  if (a.by_service && a.trouble != trouble::passing) may_hold_ = false;
  switch (a.trouble) {
    case trouble::held:
    case trouble::breaking:
    case trouble::not_mine: return done(attempt{});
    case trouble::no_blob:
      if (!std::exchange(made_, true)) return make_blob(seed_from(a.got), give_up, done);
      a.how = outcome(errc::unreachable, "the blob was deleted as soon as it was made");
      break;
    case trouble::no_container:
      if (shared_->create_container && !std::exchange(made_, true)) return make_container(give_up, done);
      a.how = outcome(errc::not_found, "container: '" + shared_->container +
                                           "' does not exist; create it, or allow it with create_container");
      break;
    default: break;
  }
  done(attempt{a.how, {}});
}

void azure_contender::make_container(instant give_up, reply<attempt> done) {
  auto answer = [this, give_up, done = std::move(done)](answered a) {
    if (!a.how.ok() && !wire::azure::already_there(a.got)) return done(attempt{a.how, {}});
    make_blob(seed_from(a.got), give_up, done);
  };
  asked_ = shared_->client.ask(wire::azure::create_container(path_), give_up, std::move(answer));
}

// Tokens of a new blob begin with the service's own time, so that they are above those of one that was deleted.
void azure_contender::make_blob(std::uint64_t seed, instant give_up, reply<attempt> done) {
  auto answer = [this, give_up, done = std::move(done)](answered a) {
    if (!a.how.ok() && !wire::azure::already_there(a.got)) return done(attempt{a.how, {}});
    acquire(give_up, done);
  };
  asked_ = shared_->client.ask(wire::azure::create_blob(path_, seed), give_up, std::move(answer));
}

std::uint64_t azure_contender::seed_from(http::response const& got) const {
  auto const when = wire::azure::read_http_date(got.get("Date")).value_or(shared_->context->env().wall_clock());
  auto const us = std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
  return static_cast<std::uint64_t>(us);
}

// --- Counting the term ----------------------------------------------------------------------------------------------

void azure_contender::read_term(instant give_up, int tries, reply<attempt> done) {
  auto answer = [this, give_up, tries, done = std::move(done)](answered a) {
    on_term(std::move(a), give_up, tries, done);
  };
  asked_ = shared_->client.ask(wire::azure::properties(path_), give_up, std::move(answer));
}

void azure_contender::on_term(answered a, instant give_up, int tries, reply<attempt> const& done) {
  if (gone(a)) return done(attempt{deleted_meanwhile(), {}});
  if (!a.how.ok()) return done(attempt{a.how, {}});
  auto const seen = wire::azure::read_properties(a.got);
  if (!seen.leased || seen.etag.empty())
    return done(attempt{outcome(errc::candidacy_lost, "the lease ended before the term was counted"), {}});
  bool const ours = counted_ && seen.record && seen.record->nonce == record_.nonce;
  if (ours) {  // the answer to our write was lost, the write was not
    record_.term = seen.record->term;
    etag_ = seen.etag;
    return win(done);
  }
  if (seen.spent)
    return done(attempt{outcome(errc::store_reset,
                                "the blob's metadata 'term' is so large that none can follow; delete "
                                "the blob when no candidate runs"),
                        {}});
  // A blob of somebody else's making has no term; the time is above whatever was counted. So that this stays true, a
  // term is not used before the service's clock, which tells whole seconds, has passed it: a blob that is deleted or
  // wiped within the second in which it was made would else give out the same terms again.
  auto const now = seed_from(a.got);
  // A candidate's blob, too, may have been made by a request from before another one was deleted: its seed is no time
  // to begin at, only what must be passed.
  bool const counted = seen.record && !seen.record->fresh;
  if (!counted && seen.etag != from_etag_) {  // else an earlier try waits already
    from_etag_ = seen.etag;
    from_time_ = now;
  }
  record_.term = seen.record ? seen.record->term + 1 : from_time_;
  if (!counted) record_.term = std::max(record_.term, from_time_);
  if (record_.term >= now && record_.term - now < soon_us) {
    poll_ = shared_->context->after(look_again, [this, give_up, tries, done] { read_term(give_up, tries, done); });
    return;
  }
  record_.nonce = new_guid(shared_->context->env());
  counted_ = true;
  write_term(seen.etag, give_up, tries, done);
}

void azure_contender::write_term(std::string const& etag, instant give_up, int tries, reply<attempt> done) {
  auto answer = [this, give_up, tries, done = std::move(done)](answered a) {
    if (a.how.ok()) {
      etag_ = a.got.get("ETag");
      return win(done);
    }
    if (gone(a)) return done(attempt{deleted_meanwhile(), {}});
    bool const again = a.trouble == trouble::changed && tries > 1;
    if (again) return read_term(give_up, tries - 1, done);
    if (a.trouble == trouble::not_mine)
      return done(attempt{outcome(errc::candidacy_lost, "the lease ended before the term was counted"), {}});
    done(attempt{a.how, {}});
  };
  asked_ = shared_->client.ask(wire::azure::write_record(path_, lease_, etag, record_), give_up, std::move(answer));
}

void azure_contender::win(reply<attempt> const& done) {
  if (!keeper_.begin(sent_, shared_->times.ttl))
    return done(attempt{outcome(errc::timed_out, "the answers took longer than the lease is trusted"), {}});
  done(attempt{{}, grant{record_.term, keeper_.valid_until()}});
}

// --- Holding --------------------------------------------------------------------------------------------------------

void azure_contender::renew(instant give_up, reply<renewal> done) {
  renew_by_ = give_up;
  auto answer = [this, done = std::move(done)](answered a) { on_renewed(std::move(a), done); };
  renewing_ = shared_->client.ask(wire::azure::renew(path_, lease_), give_up, std::move(answer));
}

void azure_contender::on_renewed(answered a, reply<renewal> const& done) {
  renewal result{a.how, a.sent, shared_->times.ttl};
  // Azurite answers 200 to a stranger's renewal of a lease that ran out, with its holder's id.
  bool const ours = a.how.ok() && a.got.get("x-ms-lease-id") == lease_;
  if (a.how.ok() && !ours) result.how = outcome(errc::lease_lost, "the lease has another id now");
  if (!a.how.ok() && a.by_service) switch (a.trouble) {
      case trouble::no_blob:
      case trouble::no_container:
        result.how = outcome(errc::lease_lost, "the blob was deleted; whoever makes it anew counts on from the time");
        break;
      case trouble::held:
      case trouble::not_mine: result.how = outcome(errc::lease_lost, a.how.details.message()); break;
      case trouble::breaking: result.how = outcome(errc::overloaded, "somebody is breaking the lease"); break;
      case trouble::wrong_request:
      case trouble::changed:
      case trouble::refused:
      case trouble::passing: break;
    }
  if (result.how.ok() && a.got.get("ETag") != etag_) return look_whose(std::move(result), done);
  bool const told = a.trouble == trouble::breaking && !a.how.ok() && a.by_service && !std::exchange(told_to_go_, true);
  std::weak_ptr<int> const life = life_;
  done(std::move(result));
  if (told && !life.expired()) hears_.asked_to_resign();
}

// The blob was written since: by a publish() of ours, or it is another one. A blob that was deleted and made anew can be
// leased to us by an acquire that was late; our term was not counted there, and others will count on from the time.
// (Lease actions leave the ETag as it is: Lease Blob, "Response headers".)
void azure_contender::look_whose(renewal got, reply<renewal> const& done) {
  auto answer = [this, got = std::move(got), done](answered a) mutable {
    auto const seen = wire::azure::read_properties(a.got);
    bool const ours =
        a.how.ok() && seen.record && seen.record->term == record_.term && seen.record->candidate == record_.candidate;
    if (ours) etag_ = seen.etag;
    else if (a.how.ok() || gone(a))
      got.how = outcome(errc::lease_lost, "the blob is not the one this term was counted in");
    else got.how = a.how;
    done(std::move(got));
  };
  renewing_ = shared_->client.ask(wire::azure::properties(path_), renew_by_, std::move(answer));
}

// --- Waiting --------------------------------------------------------------------------------------------------------

void azure_contender::wait_turn(reply<outcome> done) {
  poll_ = shared_->context->after(shared_->next_poll(), [done = std::move(done)] { done({}); });
}

// --- Writing --------------------------------------------------------------------------------------------------------

void azure_contender::publish(std::string value, instant give_up, reply<outcome> done) {
  auto wanted = record_;
  wanted.value = std::move(value);
  wanted.nonce = new_guid(shared_->context->env());
  write_value(std::move(wanted), give_up, most_tries, std::move(done));
}

void azure_contender::write_value(wire::azure::leader_record wanted, instant give_up, int tries, reply<outcome> done) {
  auto answer = [this, wanted, give_up, tries, done = std::move(done)](answered a) {
    if (a.how.ok()) {
      record_ = wanted;
      etag_ = a.got.get("ETag");
      return done({});
    }
    if (a.trouble == trouble::changed) return check_record(wanted, give_up, tries, done);
    done(a.trouble == trouble::not_mine ? outcome(errc::not_leader, a.how.details.message()) : a.how);
  };
  publishing_ =
      shared_->client.ask(wire::azure::write_record(path_, lease_, etag_, wanted), give_up, std::move(answer));
}

// The blob is not as we left it: was it this write, or an earlier one whose answer was lost?
void azure_contender::check_record(wire::azure::leader_record wanted, instant give_up, int tries, reply<outcome> done) {
  auto answer = [this, wanted = std::move(wanted), give_up, tries, done = std::move(done)](answered a) {
    if (!a.how.ok()) return done(a.how);
    auto const seen = wire::azure::read_properties(a.got);
    if (!seen.record || seen.record->term != record_.term)
      return done(outcome(errc::not_leader, "another term is counted"));
    etag_ = seen.etag;
    if (seen.record->nonce != wanted.nonce && tries > 1) return write_value(wanted, give_up, tries - 1, done);
    if (seen.record->nonce != wanted.nonce)
      return done(outcome(errc::unreachable, "an earlier write came through late; try again"));
    record_ = wanted;
    done({});
  };
  publishing_ = shared_->client.ask(wire::azure::properties(path_), give_up, std::move(answer));
}

void azure_contender::write(guarded_writes what, instant give_up, reply<outcome> done) {
  auto const& one = what.all().front();
  if (one.name == who_.election)
    return later([done = std::move(done)] {
      done(outcome(errc::bad_options, "a guarded write must not go to the election's own blob"));
    });
  auto const place = writes_.emplace(writes_.end());
  auto answer = [this, place, done = std::move(done)](outcome const& how) {
    auto const finished = std::move(*place);
    writes_.erase(place);
    done(how);
  };
  *place = write_state_blob(*shared_, one, record_.term, give_up, std::move(answer));
}

// --- Leaving --------------------------------------------------------------------------------------------------------

void azure_contender::leave(instant give_up, reply<outcome> done) {
  keeper_.let_go();
  poll_.clear();
  renewing_.reset();
  publishing_.reset();
  writes_.clear();
  asked_.reset();
  if (!may_hold_) return later([done = std::move(done)] { done({}); });
  auto answer = [done = std::move(done)](answered const& a) {
    bool const gone = a.by_service && (a.trouble == trouble::not_mine || a.trouble == trouble::held ||
                                       a.trouble == trouble::no_blob || a.trouble == trouble::no_container);
    done(a.how.ok() || gone ? outcome() : a.how);
  };
  asked_ = shared_->client.ask(wire::azure::release(path_, lease_), give_up, std::move(answer));
}

void azure_contender::later(std::function<void()> what) {
  shared_->context->post([what = std::move(what), life = std::weak_ptr<int>(life_)] {
    if (!life.expired()) what();
  });
}

}  // namespace coelect::stores::azure
