// Reads the kernel's clocks, timers and random numbers: the only file that does.
#include "base/fork_guard.hpp"
#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <coelect/environment.hpp>
#include <coelect/error.hpp>
#include <ctime>
#include <mutex>
#include <random>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utility>

namespace coelect {
namespace {

std::chrono::nanoseconds read_clock(clockid_t id) noexcept {
  timespec now{};
  ::clock_gettime(id, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

instant read_both() noexcept { return {read_clock(CLOCK_BOOTTIME), read_clock(CLOCK_MONOTONIC_RAW)}; }

// Asio's timers stand on CLOCK_MONOTONIC and would ring late after a suspend.
class boottime_alarm final : public alarm {
public:
  explicit boottime_alarm(boost::asio::any_io_executor const& where)
      : timer_(std::make_unique<boost::asio::posix::stream_descriptor>(where)) {
    int const fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) throw election_error({errno, boost::system::system_category()}, diagnostics("timerfd_create"));
    timer_->assign(fd);
  }

  ~boottime_alarm() override {
    setting_->next_round();
    if (base::in_process(made_in_)) return;
    // A forked child shares the parent's epoll set: Asio would take the parent's timer out of it.
    ::close(timer_->native_handle());
    static_cast<void>(timer_.release());
  }

  void set(instant when, std::function<void()> ring) override {
    clear();
    arm(std::max(when.left(read_both()), std::chrono::nanoseconds(1)));
    auto done = [setting = setting_, round = setting_->begin(std::move(ring))](error_code const&) {
      if (auto const due = setting->take(round)) due();
    };
    timer_->async_wait(boost::asio::posix::stream_descriptor::wait_read, std::move(done));
  }

  void clear() override {
    if (!setting_->next_round()) return;
    error_code ignored;
    timer_->cancel(ignored);
  }

private:
  // Shared with the wait that is under way, which may end on the strand while we are destroyed elsewhere.
  class setting {
  public:
    std::uint64_t begin(std::function<void()> ring) {
      std::lock_guard const lock(mutex_);
      ring_ = std::move(ring);
      return ++round_;
    }
    std::function<void()> take(std::uint64_t round) {
      std::lock_guard const lock(mutex_);
      return round == round_ ? std::exchange(ring_, nullptr) : nullptr;
    }
    bool next_round() {  // true: a wait was under way
      std::function<void()> dropped;
      std::lock_guard const lock(mutex_);
      ++round_;
      dropped.swap(ring_);
      return static_cast<bool>(dropped);
    }

  private:
    std::mutex mutex_;
    std::uint64_t round_ = 0;
    std::function<void()> ring_;
  };

  void arm(std::chrono::nanoseconds wait) {
    auto const whole = std::chrono::duration_cast<std::chrono::seconds>(wait);
    itimerspec spec{};
    spec.it_value.tv_sec = static_cast<time_t>(whole.count());
    spec.it_value.tv_nsec = static_cast<long>((wait - whole).count());
    ::timerfd_settime(timer_->native_handle(), 0, &spec, nullptr);  // also forgets earlier rings
  }

  std::unique_ptr<boost::asio::posix::stream_descriptor> timer_;
  std::shared_ptr<setting> setting_ = std::make_shared<setting>();
  unsigned const made_in_ = base::this_process();
};

class real_environment final : public environment {
public:
  instant now() const noexcept override { return read_both(); }
  std::chrono::nanoseconds boottime() const noexcept override { return read_clock(CLOCK_BOOTTIME); }

  std::chrono::system_clock::time_point wall_clock() const override { return std::chrono::system_clock::now(); }

  std::uint64_t random() override {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value)) return value;
    return std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();
  }

  std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor where) override {
    return std::make_unique<boottime_alarm>(where);
  }
};

}  // namespace

clock::time_point clock::now() noexcept { return time_point(read_clock(CLOCK_BOOTTIME)); }

std::shared_ptr<environment> environment::real() {
  static auto const shared = std::make_shared<real_environment>();
  return shared;
}

}  // namespace coelect
