// The Azure Blob store: checks its settings and joins its parts with the store interface.
#include "base/refuse.hpp"
#include "stores/azure/azure_contender.hpp"
#include "stores/azure/azure_observation.hpp"
#include <coelect/azure_blob_store.hpp>
#include <utility>

namespace coelect {
namespace stores::azure {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_prefix = 256;
// ttl, slack, least and longest ttl: the service takes 15 to 60 seconds.
constexpr rules::timing_defaults defaults{30s, 1s, 15s, 60s};

using base::refuse;

class azure_store final : public store, private closable, public std::enable_shared_from_this<azure_store> {
public:
  azure_store(std::shared_ptr<store_context> context, std::shared_ptr<commons> shared, std::string description)
      : store(std::move(context)), shared_(std::move(shared)), description_(std::move(description)) {}

  // Whatever is under way belongs to the strand, so it is taken apart there.
  ~azure_store() override {
    context()->post([p = std::move(shared_)] {});
  }

  void hear_of_the_end() {
    std::shared_ptr<closable> const hears(shared_from_this(), this);
    context()->tell_when_gone(hears);
  }

  store_limits limits() const noexcept override {
    store_limits l;
    l.value_max = std::size_t{4} * 1024;
    l.writes_max = 1;
    l.writes_bytes = 1'000'000;
    l.expires = true;
    l.request_timeout = shared_->times.request_timeout;
    l.retry_min = shared_->times.retry_min;
    l.retry_max = shared_->times.retry_max;
    return l;
  }

  std::string describe() const override { return description_; }

  std::unique_ptr<contender> enter(candidacy const& who, hold_listener& hears) override {
    return std::make_unique<azure_contender>(shared_, who, hears);
  }

  void look(std::string const& election, instant give_up, reply<outcome, sighting> done) override {
    auto const place = asked_.emplace(asked_.end());
    auto answer = [this, place, done = std::move(done)](outcome const& how, sighting const& seen) {
      auto const finished = std::move(*place);
      asked_.erase(place);
      done(how, seen);
    };
    *place = look_at(*shared_, election, give_up, std::move(answer));
  }

  std::unique_ptr<observation> watch(std::string const& election, sighting const& seen,
                                     reply<outcome, sighting> done) override {
    return observe(shared_, election, seen, std::move(done));
  }

  void depose(std::string const& election, std::uint64_t token, depose_how how, instant give_up,
              reply<outcome> done) override {
    auto const place = asked_.emplace(asked_.end());
    auto answer = [this, place, done = std::move(done)](outcome const& result) {
      auto const finished = std::move(*place);
      asked_.erase(place);
      done(result);
    };
    *place = depose_leader(*shared_, election, token, how, give_up, std::move(answer));
  }

private:
  void context_gone() noexcept override { asked_.clear(); }

  std::shared_ptr<commons> shared_;
  std::string description_;
  std::list<asked> asked_;
};

void check(azure_blob_store_options const& how) {
  auto const wrong = wire::azure::what_is_wrong_with_container(how.container);
  if (!wrong.empty()) refuse(wrong);
  if (how.prefix.size() > longest_prefix)
    refuse("prefix: " + std::to_string(how.prefix.size()) + " bytes are too many, 256 at most");
  if (how.timing.ttl < 0ms)
    refuse("ttl: a lease without an end would never be taken over from a crashed leader; 15 s to 60 s");
  if (how.timing.ttl % 1s != 0ms)
    refuse("ttl: " + std::to_string(how.timing.ttl.count()) + " ms; Azure's leases last whole seconds, 15 to 60");
  if (how.poll_min < 100ms || how.poll_max > 10min || how.poll_min > how.poll_max)
    refuse("poll_min, poll_max: " + std::to_string(how.poll_min.count()) + " to " +
           std::to_string(how.poll_max.count()) + " ms is not a range within 100 ms and 10 min");
}

std::shared_ptr<store> make(boost::asio::any_io_executor ex, wire::azure::service const& where,
                            azure_credential const& who, azure_blob_store_options how) {
  check(how);
  auto const times = rules::derive(how.timing, defaults);
  bool const tls_settings = !how.tls.ca_file.empty() || !how.tls.cert_file.empty() || !how.tls.key_file.empty();
  if (!where.at.tls && (tls_settings || !how.tls.verify))
    refuse("tls: it is set, but the account's URL is http, not https");
  auto context = store_context::make(std::move(ex), how.env, how.log);
  auto network = context->env().network();
  if (!network) network = http::real_network();
  auto authorizer = make_authorizer(who, where.account, where.at.tls, context, network);
  auto way = network->reach(context, {where.at.tls, where.at.host, where.at.port}, how.tls, {});
  auto shared =
      std::make_shared<commons>(commons{context, times, azure_client(context, std::move(way), std::move(authorizer)),
                                        where.base_path + "/" + how.container, how.container, how.prefix,
                                        how.create_container, how.poll_min, how.poll_max});
  auto const description = std::string(where.at.tls ? "azblob+https://" : "azblob+http://") +
                           base::host_and_port(where.at) + shared->container_path +
                           (how.prefix.empty() ? "" : "/" + how.prefix);
  auto made = std::make_shared<azure_store>(std::move(context), std::move(shared), description);
  made->hear_of_the_end();
  return made;
}

}  // namespace
}  // namespace stores::azure

std::shared_ptr<store> make_azure_blob_store(boost::asio::any_io_executor ex, azure_blob_store_options how) {
  auto const where = wire::azure::parse_service("account_url", how.account_url);
  auto const who = std::exchange(how.credential, {});
  return stores::azure::make(std::move(ex), where, who, std::move(how));
}

std::shared_ptr<store> make_azure_blob_store(boost::asio::any_io_executor ex, std::string const& connection_string,
                                             azure_blob_store_options how) {
  if (!how.account_url.empty() || how.credential.get())
    stores::azure::refuse("connection string: it brings account_url and credential, and they are given, too");
  auto const parsed = wire::azure::parse_connection_string(connection_string);
  auto const who = parsed.account_key.empty()
                       ? azure_credential::sas(std::string(parsed.sas.reveal()))
                       : azure_credential::shared_key(parsed.where.account, std::string(parsed.account_key.reveal()));
  return stores::azure::make(std::move(ex), parsed.where, who, std::move(how));
}

}  // namespace coelect
