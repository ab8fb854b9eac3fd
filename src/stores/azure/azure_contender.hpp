// One candidate in one election of an Azure store: a lease on a blob, and a term counted in its metadata.
#pragma once
#include "stores/azure/commons.hpp"
#include "stores/lease_keeper.hpp"

namespace coelect::stores::azure {

/// Acquires the lease under an id of its own, so that asking twice is harmless; then counts the term up,
/// guarded by the lease id *and* the blob's ETag, before anybody hears of the win. Each check alone has a
/// hole: the ETag alone lets a holder whose lease ran out write, the id alone lets a late write turn the
/// term back.
class azure_contender final : public contender {
public:
  azure_contender(std::shared_ptr<commons> shared, candidacy const& who, hold_listener& hears);

  void try_acquire(instant give_up, reply<attempt> done) override;
  void wait_turn(reply<outcome> done) override;
  void publish(std::string value, instant give_up, reply<outcome> done) override;
  void write(guarded_writes what, instant give_up, reply<outcome> done) override;
  void leave(instant give_up, reply<outcome> done) override;

private:
  void acquire(instant give_up, reply<attempt> done);
  void on_acquired(answered a, instant give_up, reply<attempt> const& done);
  void make_container(instant give_up, reply<attempt> done);
  void make_blob(std::uint64_t seed, instant give_up, reply<attempt> done);
  void read_term(instant give_up, int tries, reply<attempt> done);
  void on_term(answered a, instant give_up, int tries, reply<attempt> const& done);
  void write_term(std::string const& etag, instant give_up, int tries, reply<attempt> done);
  void win(reply<attempt> const& done);
  void renew(instant give_up, reply<renewal> done);
  void on_renewed(answered a, reply<renewal> const& done);
  void look_whose(renewal got, reply<renewal> const& done);
  void write_value(wire::azure::leader_record wanted, instant give_up, int tries, reply<outcome> done);
  void check_record(wire::azure::leader_record wanted, instant give_up, int tries, reply<outcome> done);
  std::uint64_t seed_from(http::response const& got) const;
  void later(std::function<void()> what);

  std::shared_ptr<commons> shared_;
  candidacy const& who_;
  hold_listener& hears_;
  wire::azure::blob_path path_;
  std::string lease_;  // GUID
  wire::azure::leader_record record_;
  std::string etag_;
  instant renew_by_{};
  instant sent_{};               // of the acquire that was answered with success
  std::uint64_t from_time_ = 0;  // the term for a blob that has none: when we saw it first
  std::string from_etag_;        // as it was then
  bool may_hold_ = false;        // an acquire was sent that was not answered with a refusal
  bool counted_ = false;         // our term may be in the metadata already
  bool made_ = false;            // container and blob were made by this try
  bool told_to_go_ = false;
  lease_keeper keeper_;
  asked asked_, renewing_, publishing_;
  std::list<asked> writes_;
  timer poll_;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
};

}  // namespace coelect::stores::azure
