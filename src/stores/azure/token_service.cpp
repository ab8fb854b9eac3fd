// Talks to one HTTP service that issues tokens: asks again where that may help, within the time there is.
#include "stores/azure/token_service.hpp"
#include "base/backoff.hpp"
#include "stores/azure/token_answer.hpp"
#include <utility>

namespace coelect::stores::azure {
namespace {

using namespace std::chrono_literals;

constexpr auto one_try = 10s;
constexpr auto first_pause = 1s;  // the metadata service asks for a second at least
constexpr auto longest_pause = 10s;

}  // namespace

http_place read_http_place(std::string_view option, std::string_view url) {
  auto const scheme_end = url.find("://");
  if (scheme_end == url.npos)
    throw election_error(errc::bad_options, std::string(option) + ": '" + std::string(url.substr(0, 200)) +
                                                "' does not begin with https:// or http://");
  auto const path_at = url.find('/', scheme_end + 3);
  http_place result;
  bool const tls = url.substr(0, scheme_end) == "https";
  result.at = base::parse_endpoint(option, url.substr(0, path_at), tls ? 443 : 80);
  if (path_at != url.npos) result.path = url.substr(path_at);
  while (result.path.ends_with('/')) result.path.pop_back();
  return result;
}

/// One attempt: a try, and others after a pause.
class token_service::asking final : public std::enable_shared_from_this<asking> {
public:
  asking(token_service& service, std::function<http::request()> write, std::shared_ptr<base::secret const> hidden,
         instant give_up, fetched_fn done)
      : service_(service),
        write_(std::move(write)),
        hidden_(std::move(hidden)),
        give_up_(give_up),
        done_(std::move(done)),
        pause_(first_pause, longest_pause, service.context_->env().random()) {}

  void begin() {
    auto const limit = earlier(give_up_, service_.context_->now() + one_try);
    auto answer = [this](http::exchanged result) { on_answer(std::move(result)); };
    exchange_ = service_.way_->exchange(write_(), limit, std::move(answer));
  }

private:
  void on_answer(http::exchanged result) {
    auto const self = shared_from_this();
    auto const over = std::exchange(exchange_, nullptr);
    auto const& how = service_.how_;
    auto& got = result.got;
    if (!result.how.ok()) {
      fetched none;
      auto const& why = result.how.details;
      none.how = outcome(result.how.ec, diagnostics("credential: " + how.who + ": " + why.message(), why.endpoint()));
      return finish(std::move(none));
    }
    if (got.status == 200) {
      auto token = read_token_answer(how.who, got.body, service_.context_->env().wall_clock());
      base::wipe(got.body);
      return finish(std::move(token));
    }
    fetched refused;
    refused.how = read_refusal(how.who, service_.name(), got, how.look_at, hidden_ ? hidden_->reveal() : "");
    refused.absent = got.status == 400 && refused.how.details.message().find("Identity not found") != std::string::npos;
    if (!passes(got.status)) return finish(std::move(refused));
    if (got.status != 429) refused.how.ec = errc::unreachable;
    auto const wait = pause_.next();
    if (give_up_.left(service_.context_->now()) <= wait) return finish(std::move(refused));
    service_.trouble_ = refused.how.details.message();
    timer_ = service_.context_->after(wait, [this] { begin(); });
  }

  bool passes(int status) const {
    return status == 429 || status >= 500 || (service_.how_.not_found_passes && (status == 404 || status == 410));
  }

  void finish(fetched got) {
    if (auto const done = std::exchange(done_, nullptr)) done(std::move(got));
  }

  token_service& service_;
  std::function<http::request()> write_;
  std::shared_ptr<base::secret const> hidden_;
  instant give_up_;
  fetched_fn done_;
  base::backoff pause_;
  timer timer_;
  std::unique_ptr<http::pending> exchange_;
};

token_service::token_service(surroundings const& around, base::endpoint const& where, settings how)
    : context_(around.context), how_(std::move(how)) {
  http::transport_limits limits;
  limits.idle_connections = 0;  // the next request is an hour away
  way_ = around.network->reach(around.context, {where.tls, where.host, where.port}, {}, limits);
}

std::shared_ptr<void> token_service::fetch(std::function<http::request()> write,
                                           std::shared_ptr<base::secret const> hidden, instant give_up,
                                           fetched_fn done) {
  trouble_.clear();
  auto const made = std::make_shared<asking>(*this, std::move(write), std::move(hidden), give_up, std::move(done));
  made->begin();
  return made;
}

}  // namespace coelect::stores::azure
