// One candidate in one election of a file store.
#pragma once
#include "stores/file/disk_thread.hpp"
#include "stores/file/file_watch.hpp"
#include "stores/file/lock_file.hpp"
#include <coelect/file_store.hpp>

namespace coelect::stores::file {

/// What all candidates and observers of one file store share. On the store's strand.
struct workshop {
  std::shared_ptr<store_context> context;
  file_store_options options;
  std::shared_ptr<file_watch> watch;
  disk_thread disk;

  std::filesystem::path path_of(std::string const& election) const;
};

class file_contender final : public contender {
public:
  file_contender(std::shared_ptr<workshop> shop, candidacy const& who, hold_listener& hears);
  ~file_contender() override;

  void try_acquire(instant give_up, reply<attempt> done) override;
  void wait_turn(reply<outcome> done) override;
  void publish(std::string value, instant give_up, reply<outcome> done) override;
  void leave(instant give_up, reply<outcome> done) override;
  int lock_descriptor() const noexcept override;

private:
  using work = std::function<lock_file::result(lock_file&)>;
  using answer = std::function<void(lock_file::result const&)>;
  void on_disk(instant give_up, work job, answer done);

  void on_try(lock_file::result const& result, reply<attempt> const& done);
  void begin_hold(std::uint64_t token, reply<attempt> const& done);
  void check_hold();
  void subscribe();
  void on_event(file_event event);
  void turn();

  std::shared_ptr<workshop> shop_;
  candidacy const& who_;
  hold_listener& hears_;
  std::shared_ptr<lock_file> file_;  // used by one disk job at a time, and between jobs here
  std::shared_ptr<subscription> subscription_;
  std::uint64_t watched_ = 0;  // generation of the file that subscription_ is for
  timer limit_, again_;
  reply<outcome> waiting_;
  std::uint64_t token_ = 0;  // not 0: we hold it
  std::size_t quick_tries_ = 0;
  bool woken_ = false;
  bool asked_ = false;
  std::uint64_t round_ = 0;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
};

}  // namespace coelect::stores::file
