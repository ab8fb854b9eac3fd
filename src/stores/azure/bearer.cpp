// Decides when a bearer token is fetched: early, in the background, and anew when one was refused.
#include "stores/azure/bearer.hpp"
#include "base/backoff.hpp"
#include "base/first_exception.hpp"
#include <atomic>
#include <utility>
#include <vector>

namespace coelect::stores::azure {
namespace {

using namespace std::chrono_literals;

constexpr auto fetch_limit = 30s;
constexpr auto between_refusals = 10s;
constexpr auto after_failure = 10s;
constexpr auto after_failures = 60s;
constexpr std::chrono::seconds longest_life = 24h * 365;

std::string in_seconds(std::chrono::nanoseconds span) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(span).count()) + " s";
}

}  // namespace

/// On the store's strand, where it outlives the bearer for a moment.
class bearer::cache final : public std::enable_shared_from_this<cache> {
  struct waiter {
    reply<outcome> done;
    timer limit;
  };

  static void tell(std::shared_ptr<waiter> const& who, outcome const& how) {
    who->limit.clear();
    if (auto const done = std::exchange(who->done, nullptr)) done(how);
  }

public:
  cache(std::shared_ptr<store_context> context, std::unique_ptr<token_source> from)
      : context_(std::move(context)),
        source_(std::move(from)),
        pause_(after_failure, after_failures, context_->env().random()) {}

  std::shared_ptr<store_context> const& context() const noexcept { return context_; }
  base::secret const& token() const noexcept { return token_; }
  bool good() const { return !token_.empty() && !ends_.reached(context_->now()); }

  void refresh_if_due() {
    auto const now = context_->now();
    if (good() && refresh_at_.reached(now) && try_after_.reached(now)) fetch();
  }

  std::shared_ptr<void> join(instant give_up, reply<outcome> done) {
    auto const made = std::make_shared<waiter>();
    std::weak_ptr<waiter> const weak = made;
    made->done = std::move(done);
    if (good()) {
      context_->post([weak] {
        if (auto const who = weak.lock()) tell(who, {});
      });
      return made;
    }
    made->limit = context_->at(give_up, [self = weak_from_this(), weak] {
      auto const owner = self.lock();
      if (auto const who = weak.lock(); who && owner && !owner->closed_) tell(who, owner->too_late());
    });
    waiting_.push_back(weak);
    fetch();
    return made;
  }

  bool drop() {
    auto const now = context_->now();
    if (token_.empty() || !drop_after_.reached(now)) return true;
    drop_after_ = now + between_refusals;
    token_ = {};
    context_->log(severity::info, "azure: the token of " + source_->name() + " was refused, a new one is fetched");
    return true;
  }

  void silence() noexcept { closed_ = true; }  // any thread
  void close() noexcept { fetching_.reset(); }

private:
  void fetch() {
    if (fetching_) return;
    auto const began = context_->now();
    auto answer = [weak = weak_from_this(), began](fetched got) {
      auto const self = weak.lock();
      if (self && !self->closed_) self->on_fetched(std::move(got), began);
    };
    fetching_ = source_->fetch(began + fetch_limit, std::move(answer));
  }

  void on_fetched(fetched got, instant began) {
    auto const finished = std::exchange(fetching_, nullptr);
    auto const now = context_->now();
    auto const life = std::min(got.good_for, longest_life);
    if (got.how.ok() && (began + life).reached(now))
      got.how = outcome(errc::bad_response, "credential: " + source_->name() + ": the token is over already");
    if (!got.how.ok()) return failed(got.how, now);
    token_ = std::move(got.token);
    ends_ = began + life;
    refresh_at_ = began + refresh_after(life);
    try_after_ = now;
    pause_.reset();
    context_->log(severity::debug, "azure: a token from " + source_->name() + ", good for " + in_seconds(life));
    tell_all({});
  }

  void failed(outcome const& how, instant now) {
    try_after_ = now + pause_.next();
    if (good())
      context_->log(severity::warning, "azure: no new token, the old one is good for another " +
                                           in_seconds(ends_.left(now)) + ": " + how.text());
    tell_all(how);
  }

  // Whoever is told may destroy the bearer.
  void tell_all(outcome const& how) {
    auto const self = shared_from_this();
    auto const all = std::exchange(waiting_, {});
    base::first_exception trouble;
    for (auto const& weak : all)
      if (auto const who = weak.lock(); who && !closed_) trouble.from([&] { tell(who, how); });
    trouble.rethrow();
  }

  outcome too_late() const {
    auto const trouble = source_->trouble();
    return outcome(errc::timed_out, "credential: no token from " + source_->name() + " in time" +
                                        (trouble.empty() ? "" : " (so far: " + trouble + ")"));
  }

  std::shared_ptr<store_context> context_;
  std::unique_ptr<token_source> source_;
  base::backoff pause_;
  std::atomic<bool> closed_{false};
  base::secret token_;
  instant ends_{}, refresh_at_{};
  instant try_after_{};   // the next attempt in the background
  instant drop_after_{};  // the next token that is given up because it was refused
  std::shared_ptr<void> fetching_;
  std::vector<std::weak_ptr<waiter>> waiting_;
};

bearer::bearer(std::shared_ptr<store_context> context, std::unique_ptr<token_source> from)
    : cache_(std::make_shared<cache>(std::move(context), std::move(from))) {}

bearer::~bearer() {
  cache_->silence();
  // What is under way belongs to the strand, so it is taken apart there.
  auto const context = cache_->context();
  context->post([last = cache_] { last->close(); });
}

bool bearer::ready() {
  cache_->refresh_if_due();
  return cache_->good();
}

std::shared_ptr<void> bearer::prepare(instant give_up, reply<outcome> done) {
  return cache_->join(give_up, std::move(done));
}

void bearer::authorize(http::request& what) {
  cache_->refresh_if_due();
  std::string text = "Bearer ";
  text.reserve(text.size() + cache_->token().reveal().size());
  text += cache_->token().reveal();
  what.authorization = base::secret(text);
  base::wipe(text);
}

bool bearer::refused() { return cache_->drop(); }

}  // namespace coelect::stores::azure
