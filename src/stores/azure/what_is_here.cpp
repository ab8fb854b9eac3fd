// Finds the first source of tokens that is set up here, and keeps to it.
#include "stores/azure/token_answer.hpp"
#include "stores/azure/token_sources.hpp"
#include <optional>
#include <utility>
#include <vector>

namespace coelect::stores::azure {
namespace {

class first_of final : public token_source {
public:
  first_of(std::shared_ptr<store_context> context, std::string not_set,
           std::vector<std::unique_ptr<token_source>> candidates)
      : context_(std::move(context)), not_set_(std::move(not_set)), candidates_(std::move(candidates)) {}

  std::string const& name() const noexcept override { return current_ ? candidates_[*current_]->name() : name_; }
  std::string trouble() const override { return current_ ? candidates_[*current_]->trouble() : std::string(); }

  std::shared_ptr<void> fetch(instant give_up, fetched_fn done) override {
    if (!kept_) passed_over_ = not_set_;
    auto const made = std::make_shared<attempt>();
    made->done = std::move(done);
    made->give_up = give_up;
    ask(made, kept_ ? *current_ : 0);
    return made;
  }

private:
  struct attempt {
    fetched_fn done;
    instant give_up{};
    std::shared_ptr<void> asking;
  };

  void ask(std::shared_ptr<attempt> const& for_whom, std::size_t which) {
    current_ = which;
    auto answer = [this, which, weak = std::weak_ptr<attempt>(for_whom)](fetched got) {
      if (auto const self = weak.lock()) answered(self, which, std::move(got));
    };
    for_whom->asking = candidates_[which]->fetch(for_whom->give_up, std::move(answer));
  }

  void answered(std::shared_ptr<attempt> const& for_whom, std::size_t which, fetched got) {
    auto const over = std::exchange(for_whom->asking, nullptr);
    if (got.absent && !kept_) {
      passed_over_ += (passed_over_.empty() ? "" : "; ") + got.how.details.message();
      if (which + 1 < candidates_.size()) return ask(for_whom, which + 1);
      current_.reset();
      got.how = outcome(errc::unauthorized, "credential: nothing that is looked for is set up here: " + passed_over_);
    } else {
      if (!std::exchange(kept_, true))
        context_->log(severity::info, "azure: tokens come from " + candidates_[which]->name());
      if (!got.how.ok() && !passed_over_.empty()) got.how.details = with_others(got.how.details);
    }
    auto const done = std::exchange(for_whom->done, nullptr);
    done(std::move(got));
  }

  diagnostics with_others(diagnostics const& why) const {
    return diagnostics(why.message() + " (before it: " + passed_over_ + ")", why.endpoint(), why.request_id(),
                       why.http_status());
  }

  std::string const name_ = "what is set up here";
  std::shared_ptr<store_context> context_;
  std::string not_set_;
  std::vector<std::unique_ptr<token_source>> candidates_;
  std::string passed_over_;             // and why
  std::optional<std::size_t> current_;  // asked now or last
  bool kept_ = false;
};

}  // namespace

std::unique_ptr<token_source> from_what_is_here(surroundings around) {
  std::string not_set;
  auto const no_secret = unset({"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"});
  if (no_secret.empty()) return from_client_secret(std::move(around));
  not_set = "client secret: not set: " + no_secret;
  auto const no_file = unset({"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"});
  std::vector<std::unique_ptr<token_source>> candidates;
  if (no_file.empty()) {
    candidates.push_back(from_workload_identity(around));
  } else {
    not_set += "; workload identity: not set: " + no_file;
    candidates.push_back(from_managed_identity(around, variable("AZURE_CLIENT_ID"), true));
    candidates.push_back(from_azure_cli(around.context));
  }
  return std::make_unique<first_of>(std::move(around.context), std::move(not_set), std::move(candidates));
}

}  // namespace coelect::stores::azure
