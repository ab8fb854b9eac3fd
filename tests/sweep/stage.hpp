// Where a sweep takes place: a subject whose loop can be stopped or destroyed, a rival, and the store between them.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <coelect/store.hpp>
#include <functional>
#include <memory>
#include <string>

namespace coelect::test {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// What differs between the stores, as far as a sweep has to know it.
struct stage_facts {
  std::string store;
  bool leases = true;        ///< A stopped holder loses its hold.
  bool guarded = false;      ///< Guarded writes are carried out.
  bool can_be_mute = false;  ///< mute() works.
  nanoseconds ttl{};         ///< 0 without leases.
  nanoseconds renewal{};     ///< From one renewal, or glance at the lock file, to the next.
  nanoseconds patience{};    ///< Added to every bound: for what travels, and for a busy machine.
  nanoseconds short_halt{}, long_halt{};
  std::size_t stride = 1;                         ///< Every so manyth step, unless it is asked for otherwise.
  nanoseconds release = std::chrono::seconds(1);  ///< What a release may take when nobody answers.

  /// The next candidate's bound: the lease, two seconds, one probe or back-off.
  nanoseconds takeover() const { return ttl + std::chrono::seconds(2) + renewal; }
};

/// One world. Everything runs in the thread that calls step(), except what a store does on a thread of its own.
class stage {
public:
  stage() = default;
  stage(stage const&) = delete;
  stage& operator=(stage const&) = delete;
  virtual ~stage() = default;

  virtual stage_facts const& facts() const = 0;
  virtual nanoseconds now() const = 0;
  /// Runs one handler, or lets the time go on to the next event that is not later than `end`. False: it is `end`, and
  /// nothing is ready.
  virtual bool step(nanoseconds end) = 0;

  virtual boost::asio::any_io_executor subject_loop() = 0;
  virtual boost::asio::any_io_executor rival_loop() = 0;
  virtual std::shared_ptr<store> subject_store() = 0;
  virtual std::shared_ptr<store> rival_store() = 0;

  virtual void halt() = 0;  ///< The subject's loop is stopped,
  virtual void resume() = 0;
  virtual void destroy_loop() = 0;  ///< or destroyed with all that waits in it.
  virtual void mute(bool) {}        ///< The store does what it is asked and answers nobody.
  /// What is in the store that should have gone by now; empty: nothing.
  virtual std::string left_over() = 0;
};

using make_stage = std::function<std::unique_ptr<stage>()>;

std::unique_ptr<stage> memory_stage();
std::unique_ptr<stage> etcd_stage();
std::unique_ptr<stage> azure_stage();
std::unique_ptr<stage> file_stage();

}  // namespace coelect::test
