// Writes a leader's own blob so that an earlier leader's late write is refused.
#include "stores/azure/state_blob.hpp"

namespace coelect::stores::azure {
namespace {

using wire::azure::trouble;

class state_write final : public conversation, public std::enable_shared_from_this<state_write> {
public:
  state_write(commons& shared, guarded_writes::write what, std::uint64_t term, instant give_up, reply<outcome> done)
      : shared_(shared),
        what_(std::move(what)),
        path_(shared.path_of(what_.name)),
        term_(term),
        give_up_(give_up),
        done_(std::move(done)) {}

  void look() {
    step_ = shared_.client.ask(wire::azure::properties(path_), give_up_, [this](answered a) { on_seen(std::move(a)); });
  }

private:
  void on_seen(answered a) {
    bool const missing = a.by_service && a.trouble == trouble::no_blob && !a.how.ok();
    if (!a.how.ok() && !missing) return finish(a.how);
    auto const seen = missing ? wire::azure::blob_properties{} : wire::azure::read_properties(a.got);
    if (seen.spent || (seen.record && seen.record->term > term_))
      return finish(outcome(errc::not_leader, "a later leader has written this blob"));
    if (missing && !what_.content) return finish({});
    write(seen.etag);
  }

  void write(std::string const& etag) {
    // Erased is empty: the term must stay, or a late write of an earlier leader would find nothing that refuses it.
    auto request = wire::azure::write_state(path_, etag, term_, what_.content.value_or(""));
    request.repeatable = false;
    step_ = shared_.client.ask(std::move(request), give_up_, [this](answered a) { on_written(std::move(a)); });
  }

  void on_written(answered a) {
    bool const overtaken =
        !a.how.ok() && a.by_service && (a.trouble == trouble::changed || wire::azure::already_there(a.got));
    if (overtaken && --tries_ > 0) return look();
    finish(a.how);
  }

  void finish(outcome how) {
    auto const self = shared_from_this();
    auto const done = std::exchange(done_, nullptr);
    done(std::move(how));
  }

  commons& shared_;
  guarded_writes::write what_;
  wire::azure::blob_path path_;
  std::uint64_t term_;
  instant give_up_;
  reply<outcome> done_;
  int tries_ = 3;
  asked step_;
};

}  // namespace

asked write_state_blob(commons& shared, guarded_writes::write const& what, std::uint64_t term, instant give_up,
                       reply<outcome> done) {
  auto const made = std::make_shared<state_write>(shared, what, term, give_up, std::move(done));
  made->look();
  return made;
}

}  // namespace coelect::stores::azure
