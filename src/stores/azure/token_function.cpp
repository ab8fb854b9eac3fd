// Asks the user's own function for tokens: it may answer on any thread, late, twice or never.
#include "stores/azure/token_answer.hpp"
#include "stores/azure/token_sources.hpp"
#include <utility>

namespace coelect::stores::azure {
namespace {

class function_source final : public token_source {
public:
  function_source(std::shared_ptr<store_context> context, std::shared_ptr<azure_credential::impl const> who)
      : context_(std::move(context)), who_(std::move(who)) {}

  std::string const& name() const noexcept override { return name_; }

  std::shared_ptr<void> fetch(instant give_up, fetched_fn done) override {
    auto const made = std::make_shared<asked>();
    std::weak_ptr<asked> const weak = made;
    made->done = std::move(done);
    made->limit = context_->at(give_up, [weak] {
      if (auto const self = weak.lock()) finish(*self, no_token(errc::timed_out, name_, "it has not called back yet"));
    });
    try {
      who_->fetch(answer(weak));
    } catch (std::exception const&) {  // its text may hold anything
      return answer_later(*context_, no_token(errc::unreachable, name_, "it threw an exception"),
                          std::exchange(made->done, nullptr));
    }
    return made;
  }

private:
  struct asked {
    fetched_fn done;
    timer limit;
  };

  // Called by the user, on any thread.
  std::function<void(error_code, azure_token)> answer(std::weak_ptr<asked> const& weak) const {
    return [weak, store = std::weak_ptr<store_context>(context_)](error_code ec, azure_token brought) {
      auto const got =
          std::make_shared<fetched>(ec ? failure(ec) : check_token(name_, brought.token, brought.good_for));
      base::wipe(brought.token);
      auto const context = store.lock();
      if (!context) return;
      context->post([weak, got] {
        if (auto const self = weak.lock()) finish(*self, std::move(*got));
      });
    };
  }

  // What other libraries report is most often trouble with the network.
  static fetched failure(error_code ec) {
    auto got = no_token(errc::unreachable, name_, ec.message());
    if (ec.category() == election_category()) got.how.ec = ec;
    return got;
  }

  static void finish(asked& what, fetched got) {
    what.limit.clear();
    if (auto const done = std::exchange(what.done, nullptr)) done(std::move(got));
  }

  inline static std::string const name_ = "the program's own token function";

  std::shared_ptr<store_context> context_;
  std::shared_ptr<azure_credential::impl const> who_;
};

}  // namespace

std::unique_ptr<token_source> from_function(std::shared_ptr<store_context> context,
                                            std::shared_ptr<azure_credential::impl const> who) {
  return std::make_unique<function_source>(std::move(context), std::move(who));
}

}  // namespace coelect::stores::azure
