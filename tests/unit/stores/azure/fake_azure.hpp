// A pretended storage account on virtual time: it answers as the service does, until a rule of the test says otherwise.
#pragma once
#include "http/transport.hpp"
#include "models/azure_model.hpp"
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/virtual_world.hpp"
#include "wire/azure_lease.hpp"
#include <coelect/azure_blob_store.hpp>
#include <list>
#include <vector>

namespace coelect::test {

/// One request as it came, and what becomes of it. Rules see it before it is carried out.
struct blob_call {
  std::string kind;  ///< acquire, renew, release, break, make, look, count, container, state
  std::string blob;  ///< "/leases/leader"
  std::string method;
  std::string target;
  std::vector<http::field> fields;
  std::string body;
  nanoseconds at{};  ///< World time when it was sent.

  std::chrono::milliseconds delay{1};           ///< From sending to the answer.
  bool execute = true;                          ///< Carried out at once; a test can do it later.
  bool answered = true;                         ///< If not: silence until the client gives up.
  bool cut = false;                             ///< The connection breaks instead of an answer.
  std::optional<http::response> instead{};      ///< Stands in for the true answer.
  std::function<void(http::response&)> edit{};  ///< Changes it.

  std::string field(std::string_view name) const {
    for (auto const& f : fields)
      if (f.name == name) return f.value;
    return {};
  }
};

class fake_azure : public http::network, public std::enable_shared_from_this<fake_azure> {
public:
  explicit fake_azure(virtual_world& world);

  azure_model model;  ///< Of the service, with the container "leases".
  using blob = azure_model::blob;
  azure_model::blob_map& blobs = model.blobs;
  std::vector<blob_call> calls;  ///< All of them, oldest first.

  using test_fn = std::function<bool(blob_call const&)>;
  using act_fn = std::function<void(blob_call&)>;
  /// The next `count` calls that fit are treated so. The latest rule that fits counts.
  void when(test_fn fits, act_fn act, std::size_t count = 1) {
    rules_.push_front({std::move(fits), std::move(act), count});
  }
  void when(std::string kind, act_fn act, std::size_t count = 1) {
    when([kind](blob_call const& c) { return c.kind == kind; }, std::move(act), count);
  }
  void no_rules() { rules_.clear(); }

  std::vector<blob_call> calls_of(std::string const& kind) const;
  http::response carry_out(blob_call const& c);
  static http::response answer(int status, std::string const& code = {});

  std::shared_ptr<http::transport> reach(std::shared_ptr<store_context> context, http::origin, tls_options const&,
                                         http::transport_limits) override;

private:
  friend class fake_azure_transport;
  struct rule {
    test_fn fits;
    act_fn act;
    std::size_t left;
  };
  blob_call arrive(http::request const& what);

  virtual_world& world_;
  std::list<rule> rules_;
};

/// A host's environment whose network is the pretended account.
class azure_environment final : public environment {
public:
  azure_environment(std::shared_ptr<virtual_host> host, std::shared_ptr<fake_azure> azure)
      : host_(std::move(host)), azure_(std::move(azure)) {}
  instant now() const noexcept override { return host_->now(); }
  std::chrono::system_clock::time_point wall_clock() const override { return host_->wall_clock(); }
  std::uint64_t random() override { return host_->random(); }
  std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor where) override { return host_->make_alarm(where); }
  std::shared_ptr<http::network> network() override { return azure_; }

private:
  std::shared_ptr<virtual_host> host_;
  std::shared_ptr<fake_azure> azure_;
};

/// One host, one account. ttl 20 s: V = 17 s, renewed every 6.66 s, 2.5 s a request.
struct azure_scene {
  static constexpr auto V = std::chrono::seconds(17);

  azure_scene() : world(11), host(world.add_host()), azure(std::make_shared<fake_azure>(world)) {
    how.account_url = "https://acct.blob.core.windows.net";
    how.credential = azure_credential::shared_key("acct", "a2V5");
    how.timing.ttl = std::chrono::seconds(20);
    how.env = std::make_shared<azure_environment>(host, azure);
    how.log = [this](severity, std::string_view line) { lines.emplace_back(line); };
  }

  elector make_elector(std::string candidate) {
    elector_options o;
    o.election = "leader";
    o.candidate = std::move(candidate);
    return elector(host->io.get_executor(), make_azure_blob_store(host->io.get_executor(), how), o);
  }
  bool until(std::function<bool()> const& done, nanoseconds limit = std::chrono::seconds(60)) {
    return world.run_until(done, limit);
  }
  void run(nanoseconds span) { world.run_for(span); }
  leadership win(elector& e) {
    catcher<leadership> won;
    e.campaign(won.handler());
    REQUIRE(until([&] { return won.done(); }));
    INFO(e.last_answer().message());
    CHECK(*won.ec == error_code());
    return std::move(won.result);
  }
  nanoseconds deadline(leadership const& term) const { return world.now() + term.remaining(); }
  fake_azure::blob& leader_blob() { return azure->blobs.at("/leases/leader"); }
  std::uint64_t counted() const { return azure->model.term_of("/leases/leader"); }  ///< In the metadata now.

  std::vector<std::string> lines;
  azure_blob_store_options how;
  virtual_world world;
  std::shared_ptr<virtual_host> host;
  std::shared_ptr<fake_azure> azure;
};

}  // namespace coelect::test
