// The etcd store: checks its settings and joins its parts with the store interface.
#include "base/endpoint.hpp"
#include "base/refuse.hpp"
#include "stores/etcd/depose.hpp"
#include "stores/etcd/etcd_contender.hpp"
#include "stores/etcd/look.hpp"
#include <algorithm>
#include <coelect/etcd_store.hpp>
#include <utility>

namespace coelect {
namespace stores::etcd {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t default_port = 2379;
constexpr std::size_t longest_prefix = 256;
// ttl, slack (an election timeout), least and longest ttl.
constexpr rules::timing_defaults defaults{15s, 1s, 1s, 24h};

using base::refuse;

/// What outlives the store object for as long as its last requests are under way.
struct parts {
  parts(std::shared_ptr<store_context> context, etcd_store_options const& how, client_options client)
      : shared(std::make_shared<commons>(std::move(context), rules::derive(how.timing, defaults), how.prefix,
                                         how.plain_values, std::move(client), [this] { was_reset(); })),
        all(shared) {}

  void was_reset() {
    shared->context->post([this_sessions = &all, alive = std::weak_ptr<int>(life)] {
      if (!alive.expired())
        this_sessions->end_all(errc::store_reset, "the cluster went back in time: it was restored or recreated");
    });
  }

  std::shared_ptr<commons> shared;
  sessions all;
  std::shared_ptr<int> life = std::make_shared<int>(0);
};

class etcd_store final : public store, private closable, public std::enable_shared_from_this<etcd_store> {
public:
  etcd_store(std::shared_ptr<store_context> context, etcd_store_options const& how, client_options client,
             std::string description)
      : store(context),
        description_(std::move(description)),
        parts_(std::make_shared<parts>(std::move(context), how, std::move(client))) {}

  ~etcd_store() override {
    // The lease is given back if somebody still runs the context; else it runs out. Whatever is under way
    // belongs to the strand, so it is taken apart there.
    auto const where = this->context();
    auto finish = [p = parts_, where] {
      p->all.revoke_all();
      p->all.close();
      if (p->shared->client.quiet()) return;
      auto const kept = std::make_shared<timer>();
      *kept = where->after(2s, [p, kept] {});  // holds the parts; a revocation takes a second at most
      p->shared->client.when_quiet([kept, where] { where->post([kept] { kept->clear(); }); });
    };
    where->post(std::move(finish));
  }

  void hear_of_the_end() {
    std::shared_ptr<closable> const hears(shared_from_this(), this);
    context()->tell_when_gone(hears);
  }

  store_limits limits() const noexcept override {
    auto const& times = parts_->shared->times;
    store_limits l;
    l.value_max = std::size_t{16} * 1024;
    l.writes_max = 100;
    l.writes_bytes = 1'000'000;
    l.queue = true;
    l.expires = true;
    l.request_timeout = times.request_timeout;
    l.retry_min = times.retry_min;
    l.retry_max = times.retry_max;
    return l;
  }

  std::string describe() const override { return description_; }

  std::unique_ptr<contender> enter(candidacy const& who, hold_listener& hears) override {
    return std::make_unique<etcd_contender>(parts_->all, who, hears);
  }

  void look(std::string const& election, instant give_up, reply<outcome, sighting> done) override {
    auto const place = asked_.emplace(asked_.end());
    auto answer = [this, place, done = std::move(done)](outcome const& how, seen_at const& seen) {
      auto const finished = std::move(*place);
      asked_.erase(place);
      done(how, seen.what);
    };
    *place = look_at(*parts_->shared, election, give_up, std::move(answer));
  }

  std::unique_ptr<observation> watch(std::string const& election, sighting const& seen,
                                     reply<outcome, sighting> done) override {
    return observe(*parts_->shared, election, seen, std::move(done));
  }

  void depose(std::string const& election, std::uint64_t token, depose_how how, instant give_up,
              reply<outcome> done) override {
    auto const place = asked_.emplace(asked_.end());
    auto answer = [this, place, done = std::move(done)](outcome const& result) {
      auto const finished = std::move(*place);
      asked_.erase(place);
      done(result);
    };
    *place = depose_leader(*parts_->shared, election, token, how, give_up, std::move(answer));
  }

private:
  void context_gone() noexcept override {
    asked_.clear();
    parts_->all.close();
  }

  std::string description_;
  std::shared_ptr<parts> parts_;
  std::list<asked> asked_;
};

client_options read_endpoints(etcd_store_options const& how, store_context const& context, std::string& description) {
  client_options client;
  bool tls = false;
  if (how.endpoints.empty()) refuse("endpoints: one is required, for example http://127.0.0.1:2379");
  for (auto const& text : how.endpoints) {
    auto const at = base::parse_endpoint("endpoints", text, default_port);
    if (!client.endpoints.empty() && at.tls != tls) refuse("endpoints: http and https are mixed");
    tls = at.tls;
    description += (client.endpoints.empty() ? "" : ",") + base::host_and_port(at);
    client.endpoints.push_back({at.tls, at.host, at.port});
    if (!at.tls && !how.username.empty() && !base::is_loopback(at.host))
      context.log(severity::warning, "endpoints: the password goes to " + at.host + " unencrypted; use https");
  }
  bool const tls_settings = !how.tls.ca_file.empty() || !how.tls.cert_file.empty() || !how.tls.key_file.empty();
  if (!tls && (tls_settings || !how.tls.verify)) refuse("tls: it is set, but the endpoints are http, not https");
  description = (tls ? "etcds://" : "etcd://") + description + (how.prefix.empty() ? "" : "/" + how.prefix);
  return client;
}

void check(etcd_store_options const& how) {
  if (how.prefix.size() > longest_prefix)
    refuse("prefix: " + std::to_string(how.prefix.size()) + " bytes are too many, 256 at most");
  if (how.timing.ttl % 1s != 0ms)
    refuse("ttl: " + std::to_string(how.timing.ttl.count()) + " ms; etcd's leases last whole seconds");
  if (how.username.empty() && !how.password.empty()) refuse("password: there is no username to go with it");
}

}  // namespace
}  // namespace stores::etcd

std::shared_ptr<store> make_etcd_store(boost::asio::any_io_executor ex, etcd_store_options how) {
  using namespace stores::etcd;
  check(how);
  auto context = store_context::make(std::move(ex), how.env, how.log);
  std::string description;
  auto client = read_endpoints(how, *context, description);
  client.network = context->env().network();
  if (!client.network) client.network = http::real_network();
  client.tls = how.tls;
  client.username = how.username;
  client.password = base::secret(how.password);
  base::wipe(how.password);
  auto made = std::make_shared<etcd_store>(std::move(context), how, std::move(client), std::move(description));
  made->hear_of_the_end();
  return made;
}

}  // namespace coelect
