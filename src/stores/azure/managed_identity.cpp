// Asks the machine that we run on for tokens of its identity: App Service and its like, or the metadata service.
#include "stores/azure/token_answer.hpp"
#include "stores/azure/token_service.hpp"
#include "wire/azure_place.hpp"
#include <utility>

namespace coelect::stores::azure {
namespace {

using namespace std::chrono_literals;

constexpr auto look_limit = 1s;  // the metadata service is on the same host
constexpr char const* who = "managed identity";
constexpr char const* resource = "resource=https%3A%2F%2Fstorage.azure.com";
constexpr char const* metadata_host = "http://169.254.169.254";

std::string client(std::string const& id) {
  return id.empty() ? std::string() : "&client_id=" + wire::azure::encode_value(id);
}

token_service::settings how_for(std::string const& client_id) {
  return {who,
          client_id.empty() ? "whether an identity is assigned to this machine or app"
                            : "the client id, and whether that identity is assigned to this machine or app",
          true};
}

class app_service final : public token_source {
public:
  app_service(surroundings const& around, http_place const& where, std::string_view header,
              std::string const& client_id)
      : target_(where.path.empty() ? "/" : where.path),
        header_(std::make_shared<base::secret const>(header)),
        service_(around, where.at, how_for(client_id)) {
    target_ += target_.find('?') == std::string::npos ? '?' : '&';
    target_ += std::string("api-version=2019-08-01&") + resource + client(client_id);
  }

  std::string const& name() const noexcept override { return name_; }
  std::string trouble() const override { return service_.trouble(); }

  std::shared_ptr<void> fetch(instant give_up, fetched_fn done) override {
    auto write = [this] {
      http::request what;
      what.method = "GET";
      what.target = target_;
      what.fields = {{"Accept", "application/json"}, {"X-IDENTITY-HEADER", std::string(header_->reveal())}};
      return what;
    };
    return service_.fetch(std::move(write), header_, give_up, std::move(done));
  }

private:
  std::string const name_ = who;
  std::string target_;
  std::shared_ptr<base::secret const> header_;
  token_service service_;
};

class metadata_service final : public token_source {
public:
  metadata_service(surroundings const& around, http_place const& where, bool given, std::string const& client_id,
                   bool look_first)
      : context_(around.context),
        given_(given),
        seen_(!look_first),
        target_(where.path + "/metadata/identity/oauth2/token?api-version=2018-02-01&" + resource + client(client_id)),
        service_(around, where.at, how_for(client_id)) {}

  std::string const& name() const noexcept override { return name_; }
  std::string trouble() const override { return service_.trouble(); }

  std::shared_ptr<void> fetch(instant give_up, fetched_fn done) override {
    auto const made = std::make_shared<attempt>();
    made->done = std::move(done);
    if (seen_) {
      ask(*made, give_up);
      return made;
    }
    auto const limit = earlier(give_up, context_->now() + look_limit);
    // Without the field that makes it answer with a token: it says no at once.
    made->probe = service_.probe(
        request(), limit, [this, to = made.get(), give_up](http::exchanged result) { looked(*to, give_up, result); });
    return made;
  }

private:
  struct attempt {
    fetched_fn done;
    std::unique_ptr<http::pending> probe;
    std::shared_ptr<void> asking;
  };

  http::request request() const {
    http::request what;
    what.method = "GET";
    what.target = target_;
    what.fields = {{"Accept", "application/json"}};
    return what;
  }

  void looked(attempt& for_whom, instant give_up, http::exchanged const& result) {
    auto const over = std::exchange(for_whom.probe, nullptr);
    auto const status = result.got.status;
    seen_ = result.how.ok() &&
            (given_ || status == 200 || status == 400 || status == 410 || status == 429 || status >= 500);
    if (seen_) return ask(for_whom, give_up);
    auto none = no_token(errc::unauthorized, name_,
                         result.how.ok()
                             ? "what answers at " + service_.name() + " is not Azure's (" + std::to_string(status) + ")"
                             : "no metadata service: " + result.how.details.message());
    none.absent = true;
    auto const done = std::exchange(for_whom.done, nullptr);
    done(std::move(none));
  }

  void ask(attempt& for_whom, instant give_up) {
    auto write = [this] {
      auto what = request();
      what.fields.push_back({"Metadata", "true"});
      return what;
    };
    for_whom.asking = service_.fetch(std::move(write), nullptr, give_up, std::exchange(for_whom.done, nullptr));
  }

  std::string const name_ = who;
  std::shared_ptr<store_context> context_;
  bool given_;  // its address is, by the user
  bool seen_;
  std::string target_;
  token_service service_;
};

}  // namespace

std::unique_ptr<token_source> from_managed_identity(surroundings around, std::string client_id, bool look_first) {
  auto const endpoint = variable("IDENTITY_ENDPOINT");
  auto const header = variable("IDENTITY_HEADER");
  if (!endpoint.empty() && !header.empty())
    return std::make_unique<app_service>(around, read_http_place("IDENTITY_ENDPOINT", endpoint), header, client_id);
  constexpr char const* host_variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
  auto const given = variable(host_variable);
  auto const where = read_http_place(host_variable, given.empty() ? metadata_host : given);
  return std::make_unique<metadata_service>(around, where, !given.empty(), client_id, look_first);
}

}  // namespace coelect::stores::azure
