// The strand, timers and log that a store and its elections run on.
#include "base/fork_guard.hpp"
#include "base/weak_list.hpp"
#include "env/context_watch.hpp"
#include "env/timer_queue.hpp"
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>
#include <coelect/store_context.hpp>
#include <mutex>
#include <utility>

namespace coelect {

struct store_context::impl final : env::context_user {
  explicit impl(store_context& of) noexcept : owner(of) {}
  void context_ends(boost::asio::execution_context const&) noexcept override { owner.gone(); }

  store_context& owner;
  unsigned const made_in = base::this_process();
  std::shared_ptr<env::timer_queue> timers;
  mutable std::mutex mutex;  // guards what follows
  boost::asio::any_io_executor strand;
  boost::asio::any_io_executor queue;  // the strand, made never to block: asking it each time costs four allocations
  base::weak_list<closable> told;
};

timer::timer(std::shared_ptr<void> e) noexcept : entry_(std::move(e)) {}
timer::timer(timer&& other) noexcept = default;

timer& timer::operator=(timer&& other) noexcept {
  auto next = std::move(other.entry_);
  clear();
  entry_ = std::move(next);
  return *this;
}

void timer::clear() noexcept {
  if (auto const e = std::exchange(entry_, nullptr)) static_cast<env::timer_queue::entry*>(e.get())->clear();
}

store_context::store_context(std::shared_ptr<environment> env, log_fn log)
    : env_(std::move(env)), log_(std::move(log)), impl_(std::make_unique<impl>(*this)) {}

std::shared_ptr<store_context> store_context::make(boost::asio::any_io_executor where, std::shared_ptr<environment> env,
                                                   log_fn log) {
  if (!env) env = environment::real();
  std::shared_ptr<store_context> made(new store_context(std::move(env), std::move(log)));
  auto& own = *made->impl_;
  own.strand = boost::asio::make_strand(where);
  own.queue = boost::asio::require(own.strand, boost::asio::execution::blocking.never);
  own.timers = std::make_shared<env::timer_queue>(made->env_, made->env_->make_alarm(own.strand));
  std::weak_ptr<store_context> const weak = made;
  own.timers->when_empty([weak] {
    auto const self = weak.lock();
    if (self) self->post([timers = self->impl_->timers] { timers->settle(); });
  });
  std::shared_ptr<env::context_user> const hears(made, &own);
  env::when_gone(where, hears);
  return made;
}

store_context::~store_context() = default;

bool store_context::post(std::function<void()> work) {
  if (!base::in_process(impl_->made_in)) return false;
  std::lock_guard const lock(impl_->mutex);
  if (!impl_->queue) return false;
  impl_->queue.execute(std::move(work));
  return true;
}

timer store_context::at(instant when, std::function<void()> work) {
  {
    std::lock_guard const lock(impl_->mutex);
    // What the end of a context destroys may ask for one; it would be set on what is going.
    if (!impl_->strand) return {};
  }
  return timer(impl_->timers->add(when, std::move(work)));
}

timer store_context::after(std::chrono::nanoseconds wait, std::function<void()> work) {
  return at(now() + wait, std::move(work));
}

boost::asio::any_io_executor store_context::executor() const {
  std::lock_guard const lock(impl_->mutex);
  return impl_->strand;
}

void store_context::log(severity level, std::string_view line) const {
  if (log_) log_(level, line);
}

void store_context::tell_when_gone(std::weak_ptr<closable> who) {
  std::lock_guard const lock(impl_->mutex);
  impl_->told.add(std::move(who));
}

void store_context::gone() noexcept {
  std::vector<std::weak_ptr<closable>> all;
  boost::asio::any_io_executor last, last_queue;
  {
    std::lock_guard const lock(impl_->mutex);
    all = impl_->told.take();
    last = std::exchange(impl_->strand, {});
    last_queue = std::exchange(impl_->queue, {});
  }
  for (auto const& weak : all)
    if (auto const who = weak.lock()) who->context_gone();
  impl_->timers->close();
}

}  // namespace coelect
