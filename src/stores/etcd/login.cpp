// Keeps the token of one etcd member: tokens are good only where they were issued.
#include "stores/etcd/login.hpp"
#include "base/first_exception.hpp"
#include "wire/etcd_requests.hpp"
#include "wire/etcd_verdict.hpp"
#include <utility>

namespace coelect::stores::etcd {
namespace {

// Renewals, watches and questions each ask on their own; the same password is not tried more often than this.
constexpr std::chrono::milliseconds refusal_counts_for{500};

}  // namespace

std::shared_ptr<void> login_at::go(instant give_up, done_fn done) {
  auto waiter = std::make_shared<done_fn>(std::move(done));
  if (!refusal_.ok() && !refused_until_.reached(context_->now())) {
    context_->post([weak = std::weak_ptr<done_fn>(waiter), how = refusal_] {
      if (auto const who = weak.lock()) (*who)(how);
    });
    return waiter;
  }
  waiting_.push_back(waiter);
  if (under_way_) return waiter;
  http::request what;
  what.target = "/v3/auth/authenticate";
  what.fields = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  what.body = wire::etcd::authenticate_body(who_->username, who_->password);
  under_way_ =
      way_->exchange(std::move(what), give_up, [this](http::exchanged answer) { on_answer(std::move(answer)); });
  return waiter;
}

void login_at::on_answer(http::exchanged answer) {
  under_way_.reset();
  if (!answer.how.ok()) return tell_all(answer.how);
  auto token = answer.got.status == 200 ? wire::etcd::read_token(answer.got.body) : std::nullopt;
  if (token) {
    base::wipe(answer.got.body);
    token_ = base::secret(*token);
    ++issue_;
    base::wipe(*token);
    return tell_all({});
  }
  auto const v = wire::etcd::judge(answer.got.status, wire::etcd::read_failure(answer.got.status, answer.got.body),
                                   answer.got.get("Location"));
  // A token refused here is no reason to ask for another one.
  auto const ec = answer.got.status == 200 ? make_error_code(errc::bad_response) : v.ec;
  outcome const how(
      ec, diagnostics("logging in as " + who_->username + ": " + v.message, way_->name(), {}, answer.got.status));
  if (ec == errc::unauthorized) {
    refusal_ = how;
    refused_until_ = context_->now() + refusal_counts_for;
  }
  tell_all(how);
}

void login_at::tell_all(outcome const& how) {
  auto const all = std::exchange(waiting_, {});
  base::first_exception trouble;
  for (auto const& weak : all)
    if (auto const waiter = weak.lock()) trouble.from([&] { (*waiter)(how); });
  trouble.rethrow();
}

}  // namespace coelect::stores::etcd
