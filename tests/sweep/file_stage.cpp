// The stage with real files, on real time: steps are handlers of the subject's loop.
#include "stage.hpp"
#include "support/scratch_directory.hpp"
#include <boost/asio/io_context.hpp>
#include <coelect/file_store.hpp>

namespace coelect::test {

using namespace std::chrono_literals;

namespace {

class on_files final : public stage {
public:
  on_files() : subject_(std::make_unique<boost::asio::io_context>(1)) {
    facts_.store = "file";
    facts_.leases = false;
    facts_.renewal = 10ms;
    facts_.stride = 4;
    facts_.patience = 2s;
    facts_.short_halt = 2ms;
    facts_.long_halt = 30ms;
  }
  ~on_files() override { subject_.reset(); }

  stage_facts const& facts() const override { return facts_; }
  nanoseconds now() const override { return std::chrono::steady_clock::now().time_since_epoch(); }

  bool step(nanoseconds end) override {
    auto* const subject = halted_ ? nullptr : subject_.get();
    for (;;) {
      if (run_one(subject)) return true;
      bool const busy = run_one(&rival_);
      if (busy && (subject == nullptr || subject->stopped())) return true;
      auto const left = end - now();
      if (left <= 0ns) return busy;
      if (busy) continue;
      auto const moment = std::min<nanoseconds>(left, 200us);
      if (subject != nullptr && !subject->stopped()) {
        if (subject->run_one_for(moment) == 1) return true;
      } else {
        rival_.run_one_for(moment);
        return true;
      }
    }
  }

  boost::asio::any_io_executor subject_loop() override { return subject_->get_executor(); }
  boost::asio::any_io_executor rival_loop() override { return rival_.get_executor(); }
  std::shared_ptr<store> subject_store() override { return open(subject_->get_executor()); }
  std::shared_ptr<store> rival_store() override { return open(rival_.get_executor()); }
  void halt() override {
    halted_ = true;
    subject_->stop();
  }
  void resume() override { halted_ = false; }
  void destroy_loop() override { subject_.reset(); }

  std::string left_over() override {
    auto const here = rival_store();
    sighting seen;
    auto const limit = here->context()->now() + 2s;
    here->context()->post([&] { here->look("leader", limit, [&](outcome const&, sighting const& s) { seen = s; }); });
    for (auto const end = now() + 3s; !seen.seen() && now() < end;) step(now() + 1ms);
    if (!seen.seen()) return "no answer";
    return seen.empty() ? std::string() : "the lock is held";
  }

private:
  static bool run_one(boost::asio::io_context* io) {
    if (io == nullptr) return false;
    if (io->stopped()) io->restart();
    return io->poll_one() == 1;
  }
  std::shared_ptr<store> open(boost::asio::any_io_executor loop) const {
    file_store_options how;
    how.directory = directory_.path();
    how.recheck = 10ms;
    how.retry_min = 1ms;
    how.retry_max = 50ms;  // for so long who was deposed stands back
    return make_file_store(std::move(loop), how);
  }

  stage_facts facts_;
  scratch_directory directory_;
  boost::asio::io_context rival_{1};
  std::unique_ptr<boost::asio::io_context> subject_;
  bool halted_ = false;
};

}  // namespace

std::unique_ptr<stage> file_stage() { return std::make_unique<on_files>(); }

}  // namespace coelect::test
