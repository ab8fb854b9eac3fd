// One candidate in one election of a file store.
#include "stores/file/file_contender.hpp"
#include <algorithm>
#include <array>
#include <utility>

namespace coelect::stores::file {
namespace {

using namespace std::chrono_literals;

// The kernel reports a close before it drops the lock: the first tries after it may come too early.
constexpr std::array<std::chrono::microseconds, 8> quick_waits{100us,   200us,   400us,   800us,
                                                               1'600us, 3'200us, 6'400us, 12'800us};

std::chrono::microseconds wall_microseconds(environment& env) {
  return std::chrono::duration_cast<std::chrono::microseconds>(env.wall_clock().time_since_epoch());
}

}  // namespace

std::filesystem::path workshop::path_of(std::string const& election) const {
  auto name = election;
  std::replace(name.begin(), name.end(), '/', ',');  // a comma cannot be part of an election's name
  return options.directory / (name + ".lock");
}

file_contender::file_contender(std::shared_ptr<workshop> shop, candidacy const& who, hold_listener& hears)
    : shop_(std::move(shop)),
      who_(who),
      hears_(hears),
      file_(std::make_shared<lock_file>(shop_->path_of(who_.election), shop_->options.permissions)) {}

// A job may still be using the file: it is closed behind that one.
file_contender::~file_contender() = default;

// One job at a time. The answer comes on the strand, by `give_up` or not at all after leave().
void file_contender::on_disk(instant give_up, work job, answer done) {
  auto const round = ++round_;
  std::weak_ptr<int> const life = life_;
  auto finish = [this, life, round, done](lock_file::result const& result) {
    if (life.expired() || round != round_) return;
    ++round_;
    limit_.clear();
    done(result);
  };
  auto late = [finish] { finish({outcome(errc::timed_out, "the disk did not answer in time"), {}}); };
  limit_ = shop_->context->at(give_up, std::move(late));
  auto run = [context = shop_->context, file = file_, job = std::move(job), finish] {
    auto const result = job(*file);
    context->post([finish, result] { finish(result); });
  };
  if (shop_->disk.run(std::move(run))) return;
  limit_ = shop_->context->after(0ns, [finish] {
    finish({outcome(errc::overloaded, "no thread can be started"), {}});
  });
}

void file_contender::try_acquire(instant give_up, reply<attempt> done) {
  auto now = [env = shop_->context->shared_env()] { return wall_microseconds(*env); };
  applicant const who{who_.candidate, who_.value, std::move(now)};
  auto job = [who](lock_file& file) { return file.try_acquire(who); };
  on_disk(give_up, job, [this, done](lock_file::result const& result) { on_try(result, done); });
}

void file_contender::on_try(lock_file::result const& result, reply<attempt> const& done) {
  if (result.how.ok() && result.token) begin_hold(*result.token, done);
  else done(attempt{result.how, {}});
}

void file_contender::begin_hold(std::uint64_t token, reply<attempt> const& done) {
  subscribe();
  if (!file_->in_place()) {  // deleted before we could watch it
    done(attempt{outcome(errc::lease_lost, "the lock file was deleted or replaced"), {}});
    return;
  }
  token_ = token;
  asked_ = false;
  again_ = shop_->context->after(shop_->options.recheck, [this] { check_hold(); });
  done(attempt{{}, grant{token, instant::never()}});
}

void file_contender::check_hold() {
  if (token_ == 0) return;
  if (!file_->in_place()) {
    token_ = 0;
    again_.clear();
    hears_.lost(errc::lease_lost, "the lock file was deleted or replaced");
    return;
  }
  again_ = shop_->context->after(shop_->options.recheck, [this] { check_hold(); });
  if (asked_ || file_->asked_to_resign() != token_) return;
  asked_ = true;
  hears_.asked_to_resign();
}

// Follows the file that is open here, which is another one when it was replaced.
void file_contender::subscribe() {
  auto const file = file_->generation();
  if (file == watched_ && subscription_) return;
  watched_ = file;
  subscription_.reset();
  if (file_->descriptor() < 0) return;
  subscription_ = shop_->watch->subscribe(file_->descriptor(), [this](file_event event) { on_event(event); });
  woken_ = true;  // what happened before we watched is not known
}

void file_contender::on_event(file_event event) {
  if (token_ != 0) {
    check_hold();
    return;
  }
  if (!event.released && !event.replaced) return;
  quick_tries_ = 0;
  woken_ = true;
  if (waiting_) turn();
}

void file_contender::wait_turn(reply<outcome> done) {
  subscribe();
  waiting_ = std::move(done);
  if (woken_) {
    shop_->context->post([this, life = std::weak_ptr<int>(life_)] {
      if (!life.expired()) turn();
    });
    return;
  }
  std::chrono::nanoseconds wait = shop_->options.recheck;
  if (quick_tries_ < quick_waits.size()) wait = quick_waits[quick_tries_++];
  again_ = shop_->context->after(wait, [this] { turn(); });
}

void file_contender::turn() {
  again_.clear();
  woken_ = false;
  if (auto const done = std::exchange(waiting_, nullptr)) done(outcome());
}

void file_contender::publish(std::string value, instant give_up, reply<outcome> done) {
  auto job = [value = std::move(value)](lock_file& file) { return lock_file::result{file.publish(value), {}}; };
  on_disk(give_up, std::move(job), [done](lock_file::result const& result) { done(result.how); });
}

void file_contender::leave(instant give_up, reply<outcome> done) {
  token_ = 0;
  again_.clear();
  waiting_ = nullptr;
  subscription_.reset();
  auto job = [](lock_file& file) {
    file.close();
    return lock_file::result{};
  };
  on_disk(give_up, job, [done](lock_file::result const& result) { done(result.how); });
}

int file_contender::lock_descriptor() const noexcept { return token_ != 0 ? file_->descriptor() : -1; }

}  // namespace coelect::stores::file
