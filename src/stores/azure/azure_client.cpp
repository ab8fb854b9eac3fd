// Sends requests to one storage account: dated and authorized anew each time, with an answer by a deadline.
#include "stores/azure/azure_client.hpp"
#include "wire/azure_date.hpp"
#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace coelect::stores::azure {
namespace {

using wire::azure::trouble;

std::string hex(std::uint64_t number) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

// The service refuses dates that are more than 15 minutes off.
std::string skew(http::response const& got, std::chrono::system_clock::time_point now) {
  constexpr std::chrono::minutes tolerated{15};
  auto const theirs = wire::azure::read_http_date(got.get("Date"));
  if (!theirs) return {};
  auto const off = std::chrono::duration_cast<std::chrono::minutes>(now - *theirs);
  if (off < tolerated && off > -tolerated) return {};
  return "; this host's clock is " + std::to_string(std::abs(off.count())) + " minutes " +
         (off.count() > 0 ? "ahead of" : "behind") + " the service's";
}

}  // namespace

class azure_client::call final : public conversation, public std::enable_shared_from_this<call> {
public:
  call(azure_client& owner, http::request what, instant give_up, std::function<void(answered)> done)
      : client_(owner), what_(std::move(what)), give_up_(give_up), done_(std::move(done)) {}

  void begin() {
    if (client_.who_->ready()) return send();
    auto prepared = [this](outcome const& how) {
      if (how.ok()) return send();
      answered a;
      a.how = how;
      a.trouble = how.ec == errc::unauthorized ? trouble::refused : trouble::passing;
      finish(std::move(a));
    };
    preparing_ = client_.who_->prepare(give_up_, std::move(prepared));
  }

private:
  void send() {
    auto& context = *client_.context_;
    http::request next;
    next.method = what_.method;
    next.target = what_.target;
    next.fields = what_.fields;
    next.body = what_.body;
    next.repeatable = what_.repeatable;
    sent_ = context.now();
    // The service gives up then, too; it would take half a minute otherwise, longer than many a lease.
    auto const limit = std::chrono::ceil<std::chrono::seconds>(give_up_.left(sent_)).count();
    wire::azure::add_common(next, wire::azure::http_date(context.env().wall_clock()),
                            client_.requests_ + std::to_string(++client_.sent_),
                            static_cast<int>(std::clamp<std::int64_t>(limit, 1, 30)));
    client_.who_->authorize(next);
    auto done = [this](http::exchanged result) { on_answer(std::move(result)); };
    exchange_ = client_.way_->exchange(std::move(next), give_up_, std::move(done));
  }

  void on_answer(http::exchanged result) {
    answered a;
    a.sent = sent_;
    if (!result.how.ok()) {
      a.how = result.how;
      trace(result.how.text());
      return finish(std::move(a));
    }
    auto const status = result.got.status;
    if (status == 401 && !again_ && client_.who_->refused()) {
      again_ = true;
      return begin();
    }
    a.by_service = true;
    if (status < 200 || status >= 300) {
      auto const v = wire::azure::judge(result.got);
      a.trouble = v.what;
      auto const late = v.what == trouble::refused ? skew(result.got, client_.context_->env().wall_clock()) : "";
      a.how = outcome(v.ec, diagnostics(v.message + late, client_.way_->name(),
                                        std::string(result.got.get("x-ms-request-id")), status));
      if (v.what == trouble::passing) a.how.leave_alone = result.got.retry_after();
    }
    trace(std::to_string(status));
    a.got = std::move(result.got);
    finish(std::move(a));
  }

  void trace(std::string const& outcome_of_it) const {
    auto const& context = *client_.context_;
    if (!context.logs()) return;
    auto const path = what_.target.substr(0, what_.target.find('?'));
    std::string action;
    for (auto const& f : what_.fields)
      if (f.name == "x-ms-lease-action") action = " " + f.value;
    auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(context.now().boot - sent_.boot).count();
    context.log(severity::debug, "azure: " + what_.method + " " + path + action + ": " + outcome_of_it + ", " +
                                     std::to_string(ms) + " ms");
  }

  void finish(answered a) {
    auto const self = shared_from_this();
    auto const done = std::exchange(done_, nullptr);
    exchange_.reset();
    done(std::move(a));
  }

  azure_client& client_;
  http::request what_;
  instant give_up_;
  std::function<void(answered)> done_;
  instant sent_{};
  bool again_ = false;
  std::shared_ptr<void> preparing_;
  std::unique_ptr<http::pending> exchange_;
};

azure_client::azure_client(std::shared_ptr<store_context> context, std::shared_ptr<http::transport> way,
                           std::unique_ptr<authorizer> who)
    : context_(std::move(context)),
      way_(std::move(way)),
      who_(std::move(who)),
      requests_(hex(context_->env().random()) + '-') {}

asked azure_client::ask(http::request what, instant give_up, std::function<void(answered)> done) {
  auto const made = std::make_shared<call>(*this, std::move(what), give_up, std::move(done));
  made->begin();
  return made;
}

}  // namespace coelect::stores::azure
