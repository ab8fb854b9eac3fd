// An operator of the storage account: breaks leases and deletes blobs, with the account's key.
#pragma once
#include "base/base64.hpp"
#include "http/transport.hpp"
#include "support/real_loop.hpp"
#include "wire/azure_date.hpp"
#include "wire/azure_lease.hpp"
#include "wire/azure_place.hpp"
#include "wire/azure_signature.hpp"
#include <coelect/environment.hpp>
#include <optional>
#include <stdexcept>

namespace coelect::test {

namespace azure = wire::azure;

/// Runs its own loop while it waits. For one thread.
class blob_operator {
public:
  blob_operator(std::uint16_t port, std::string const& container)
      : container_("/devstoreaccount1/" + container),
        context_(store_context::make(io_.get_executor(), environment::real(), {})),
        way_(http::real_network()->reach(context_, {false, "127.0.0.1", port}, {}, {})),
        key_(base::from_base64(azure::development_key).value()) {}

  /// The lease is free at once. False when there was none to break.
  bool break_lease(std::string const& blob) { return ask(azure::break_lease({container_, blob}, true)) == 202; }
  bool erase(std::string const& blob) {
    http::request what;
    what.method = "DELETE";
    what.target = azure::blob_path{container_, blob}.full();
    return ask(std::move(what)) == 202;
  }

private:
  int ask(http::request what) {
    azure::add_common(what, azure::http_date(std::chrono::system_clock::now()), "operator", 5);
    what.authorization = azure::shared_key_authorization(what, azure::development_account, key_);
    std::optional<http::exchanged> got;
    std::unique_ptr<http::pending> under_way;
    auto const sent = std::make_shared<http::request>(std::move(what));
    context_->post([&, sent] {
      auto const give_up = context_->now() + std::chrono::seconds(5);
      under_way = way_->exchange(std::move(*sent), give_up, [&](http::exchanged e) { got = std::move(e); });
    });
    run_until(io_, [&] { return got.has_value(); });
    if (!got || !got->how.ok()) throw std::runtime_error("no answer: " + (got ? got->how.text() : "none at all"));
    return got->got.status;
  }
  std::string container_;
  boost::asio::io_context io_;
  std::shared_ptr<store_context> context_;
  std::shared_ptr<http::transport> way_;
  base::secret key_;
};

}  // namespace coelect::test
