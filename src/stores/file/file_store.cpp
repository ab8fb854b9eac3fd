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
    shop_->disk.run(std::move(run));
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

class file_store final : public store, private closable {
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

  std::unique_ptr<contender> enter(candidacy who, hold_listener& hears) override {
    return std::make_unique<file_contender>(shop_, std::move(who), hears);
  }

  void look(std::string const& election, instant give_up, reply<outcome, sighting> done) override {
    on_disk<glance>(
        give_up, [path = shop_->path_of(election)] { return look_at(path); },
        [done](glance const& g) { done(g.how, g.seen); });
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
      if (how == depose_how::ask) {
        answer.how = request_resignation(path, token);
        return answer;
      }
      answer = look_at(path);
      auto const pid = answer.pid == 0 ? std::string() : " " + std::to_string(answer.pid);
      if (answer.how.ok())
        answer.how = outcome(errc::unsupported, "a lock cannot be taken from a living process; end process" + pid +
                                                    " (kill -9) and the kernel frees it");
      return answer;
    };
    on_disk<glance>(give_up, job, [done](glance const& g) { done(g.how); });
  }

private:
  // The first of answer and time limit wins; the reply does not depend on this store's life.
  template <class Result>
  void on_disk(instant give_up, std::function<Result()> job, std::function<void(Result const&)> done) {
    struct pending {
      timer limit;
      bool over = false;
    };
    auto const one = std::make_shared<pending>();
    auto finish = [one, done](Result const& result) {
      if (std::exchange(one->over, true)) return;
      one->limit.clear();
      done(result);
    };
    auto late = [finish] {
      Result result;
      result.how = outcome(errc::timed_out, "the disk did not answer in time");
      finish(result);
    };
    one->limit = shop_->context->at(give_up, std::move(late));
    auto run = [context = shop_->context, job = std::move(job), finish] {
      auto const result = job();
      context->post([finish, result] { finish(result); });
    };
    shop_->disk.run(std::move(run));
  }

  void context_gone() noexcept override { shop_->watch->close(); }

  std::shared_ptr<workshop> shop_;
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
