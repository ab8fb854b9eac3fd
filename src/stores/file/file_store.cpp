// The file store: joins lock files, inotify and the disk thread with the store interface.
#include "stores/file/directory_check.hpp"
#include "stores/file/file_contender.hpp"
#include <coelect/file_store.hpp>

namespace coelect {
namespace stores::file {
namespace {

using namespace std::chrono_literals;

/// Looks at a lock file whenever it or its directory changes, and now and then.
class file_observation final : public observation, public std::enable_shared_from_this<file_observation> {
public:
  file_observation(std::shared_ptr<workshop> shop, std::string const& election, sighting seen,
                   reply<outcome, sighting> done)
      : shop_(std::move(shop)), path_(shop_->path_of(election)), seen_(std::move(seen)), done_(std::move(done)) {}

  void start() {
    auto appeared = [weak = weak_from_this()](file_event) {
      if (auto const self = weak.lock()) self->look();
    };
    in_directory_ = shop_->watch->subscribe(shop_->options.directory, std::move(appeared));
    look();
  }

private:
  // Watches before it looks, so that no change falls in between.
  void look() {
    if (looking_) {
      look_again_ = true;
      return;
    }
    looking_ = true;
    again_.clear();
    auto happened = [weak = weak_from_this()](file_event) {
      if (auto const self = weak.lock()) self->look();
    };
    on_file_ = shop_->watch->subscribe_path(path_, std::move(happened));
    auto run = [path = path_, context = shop_->context, weak = weak_from_this()] {
      auto const now = look_at(path);
      context->post([weak, now] {
        if (auto const self = weak.lock()) self->on_look(now);
      });
    };
    if (shop_->disk.run(std::move(run))) return;
    looking_ = false;
    again_ = shop_->context->after(shop_->options.recheck, [weak = weak_from_this()] {
      if (auto const self = weak.lock()) self->look();
    });
  }

  void on_look(glance const& now) {
    looking_ = false;
    if (!done_) return;
    if (!now.how.ok() || !now.seen.same_as(seen_)) {
      auto const done = std::exchange(done_, nullptr);
      done(now.how, now.seen);
      return;
    }
    if (std::exchange(look_again_, false)) return look();
    auto on_time = [weak = weak_from_this()] {
      if (auto const self = weak.lock()) self->look();
    };
    again_ = shop_->context->after(shop_->options.recheck, std::move(on_time));
  }

  std::shared_ptr<workshop> shop_;
  std::filesystem::path path_;
  sighting seen_;
  reply<outcome, sighting> done_;
  std::shared_ptr<subscription> in_directory_, on_file_;
  timer again_;
  bool looking_ = false, look_again_ = false;
};

/// What the elector holds: dropping it drops the observer.
class observation_handle final : public observation {
public:
  explicit observation_handle(std::shared_ptr<file_observation> o) : running_(std::move(o)) {}

private:
  std::shared_ptr<file_observation> running_;
};

class file_store final : public store, private closable, public std::enable_shared_from_this<file_store> {
public:
  explicit file_store(std::shared_ptr<workshop> shop) : store(shop->context), shop_(std::move(shop)) {}
  static std::shared_ptr<file_store> make(std::shared_ptr<workshop> shop) {
    auto made = std::make_shared<file_store>(std::move(shop));
    made->context()->tell_when_gone(std::shared_ptr<closable>(made, made.get()));
    return made;
  }

  store_limits limits() const noexcept override {
    store_limits l;
    l.request_timeout = shop_->options.request_timeout;
    l.retry_min = shop_->options.retry_min;
    l.retry_max = shop_->options.retry_max;
    return l;
  }
  std::string describe() const override { return "file:" + shop_->options.directory.string(); }

  std::unique_ptr<contender> enter(candidacy const& who, hold_listener& hears) override {
    return std::make_unique<file_contender>(shop_, who, hears);
  }

  void look(std::string const& election, instant give_up, reply<outcome, sighting> done) override {
    auto job = [path = shop_->path_of(election)] { return look_at(path); };
    on_disk(give_up, job, [done](glance const& g) { done(g.how, g.seen); });
  }

  std::unique_ptr<observation> watch(std::string const& election, sighting const& seen,
                                     reply<outcome, sighting> done) override {
    auto const made = std::make_shared<file_observation>(shop_, election, seen, std::move(done));
    made->start();
    return std::make_unique<observation_handle>(made);
  }

  void depose(std::string const& election, std::uint64_t token, depose_how how, instant give_up,
              reply<outcome> done) override {
    auto job = [path = shop_->path_of(election), token, how] {
      glance answer;
      if (how == depose_how::ask) answer.how = request_resignation(path, token);
      else answer.how = refuse_force(look_at(path), token);
      return answer;
    };
    on_disk(give_up, job, [done](glance const& g) { done(g.how); });
  }

private:
  static outcome refuse_force(glance const& now, std::uint64_t token) {
    if (!now.how.ok()) return now.how;
    if (now.seen.fencing_token() != token || token == 0) return {errc::not_leader, "no leader with that token"};
    return {errc::unsupported, "a lock cannot be taken from a living process; end process " + std::to_string(now.pid) +
                                   " (kill -9) and the kernel frees it"};
  }

  /// A question that the disk thread is answering. Kept here, on the strand: the thread has only a
  /// weak pointer, so that it never is the one that destroys what the asker owns, this store included.
  struct question {
    timer limit;
    std::function<void(glance const&)> done;
  };

  void on_disk(instant give_up, std::function<glance()> job, std::function<void(glance const&)> done) {
    auto const asked = std::make_shared<question>();
    asked->done = std::move(done);
    std::weak_ptr<question> const weak = asked;
    auto late = [self = weak_from_this(), weak] {
      glance nothing;
      nothing.how = outcome(errc::timed_out, "the disk did not answer in time");
      if (auto const here = self.lock()) here->answer(weak, nothing);
    };
    asked->limit = context()->at(give_up, std::move(late));
    questions_.push_back(asked);
    auto run = [context = context(), job = std::move(job), weak, self = weak_from_this()] {
      auto const result = job();
      context->post([self, weak, result] {
        if (auto const here = self.lock()) here->answer(weak, result);
      });
    };
    if (shop_->disk.run(std::move(run))) return;
    context()->post([self = weak_from_this(), weak] {
      glance nothing;
      nothing.how = outcome(errc::overloaded, "no thread can be started");
      if (auto const here = self.lock()) here->answer(weak, nothing);
    });
  }

  void answer(std::weak_ptr<question> const& weak, glance const& result) {
    auto const asked = weak.lock();
    if (!asked) return;
    std::erase(questions_, asked);
    asked->limit.clear();
    asked->done(result);
  }

  void context_gone() noexcept override {
    questions_.clear();
    shop_->watch->close();
  }

  std::shared_ptr<workshop> shop_;
  std::vector<std::shared_ptr<question>> questions_;
};

void check_times(file_store_options const& o) {
  auto const outside = [](char const* name, std::chrono::milliseconds d) {
    if (d >= 10ms && d <= 60s) return;
    throw election_error(errc::bad_options,
                         std::string(name) + ": " + std::to_string(d.count()) + " ms is outside 10 to 60000");
  };
  outside("recheck", o.recheck);
  outside("request_timeout", o.request_timeout);
  if (o.retry_min < 1ms)
    throw election_error(errc::bad_options, "retry_min: " + std::to_string(o.retry_min.count()) + " ms is below 1");
  if (o.retry_max < o.retry_min)
    throw election_error(errc::bad_options, "retry_max: " + std::to_string(o.retry_max.count()) +
                                                " ms is below retry_min, " + std::to_string(o.retry_min.count()) +
                                                " ms");
}

}  // namespace
}  // namespace stores::file

std::shared_ptr<store> make_file_store(boost::asio::any_io_executor ex, file_store_options how) {
  using namespace stores::file;
  check_times(how);
  check_directory(how);
  auto shop = std::make_shared<workshop>();
  shop->context = store_context::make(std::move(ex), how.env, how.log);
  shop->watch = std::make_shared<file_watch>(shop->context->executor());
  if (!shop->watch->available())
    shop->context->log(severity::warning,
                       "store: no inotify instance is left (fs.inotify.max_user_instances); "
                       "changes are noticed by polling only");
  shop->options = std::move(how);
  return file_store::make(std::move(shop));
}

}  // namespace coelect
