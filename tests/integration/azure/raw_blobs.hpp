// Azurite as another client sees it: single requests, made by the library's own wire functions, with their answers.
#pragma once
#include "azure_place.hpp"
#include "base/base64.hpp"
#include "http/transport.hpp"
#include "wire/azure_date.hpp"
#include "wire/azure_lease.hpp"
#include "wire/azure_place.hpp"
#include "wire/azure_signature.hpp"
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

namespace coelect::test {

namespace az = wire::azure;

/// COELECT_ROUNDS, or what is fit for every build.
inline int rounds(int usually) {
  auto const* const asked = std::getenv("COELECT_ROUNDS");
  return asked ? std::max(1, std::atoi(asked)) : usually;
}

inline std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

/// Lease ids as they should be: lower-case GUIDs.
inline std::string const id_a = "aaaaaaaa-0000-4000-8000-000000000001";
inline std::string const id_b = "bbbbbbbb-0000-4000-8000-000000000002";
inline std::string const id_c = "cccccccc-0000-4000-8000-000000000003";

/// The account's key in its URL's container, as the store itself would use it. Runs its own loop while it waits.
class raw_blobs {
public:
  explicit raw_blobs(std::uint16_t port, std::string container = "leases")
      : container_("/devstoreaccount1/" + std::move(container)),
        context_(store_context::make(io_.get_executor(), environment::real(), {})),
        way_(http::real_network()->reach(context_, {false, "127.0.0.1", port}, {}, {})),
        key_(base::from_base64(az::development_key).value()) {}

  az::blob_path path(std::string const& blob = "leader") const { return {container_, blob}; }

  http::response ask(http::request what) {
    az::add_common(what, az::http_date(std::chrono::system_clock::now()), "raw", 5);
    what.authorization = az::shared_key_authorization(what, az::development_account, key_);
    std::optional<http::exchanged> got;
    std::unique_ptr<http::pending> under_way;
    auto const sent = std::make_shared<http::request>(std::move(what));
    context_->post([&, sent] {
      under_way =
          way_->exchange(std::move(*sent), context_->now() + 5s, [&](http::exchanged e) { got = std::move(e); });
    });
    run_until(io_, [&] { return got.has_value(); });
    if (!got || !got->how.ok()) throw std::runtime_error("no answer: " + (got ? got->how.text() : "none at all"));
    return std::move(got->got);
  }

  /// A lease request of any kind, also such as the library never makes.
  http::response lease(std::string const& blob, char const* action, std::vector<http::field> more = {}) {
    auto what = put(path(blob).full() + "?comp=lease");
    what.fields.push_back({"x-ms-lease-action", action});
    what.fields.insert(what.fields.end(), more.begin(), more.end());
    return ask(std::move(what));
  }
  http::response set_metadata(std::string const& blob, std::vector<http::field> fields) {
    auto what = put(path(blob).full() + "?comp=metadata");
    what.fields = std::move(fields);
    return ask(std::move(what));
  }
  http::response erase(std::string const& blob, std::string const& lease) {
    http::request what;
    what.method = "DELETE";
    what.target = path(blob).full();
    if (!lease.empty()) what.fields = {{"x-ms-lease-id", lease}};
    return ask(std::move(what));
  }
  http::response content(std::string const& blob) {
    http::request what;
    what.method = "GET";
    what.target = path(blob).full();
    return ask(std::move(what));
  }
  az::blob_properties look(std::string const& blob = "leader") {
    return az::read_properties(ask(az::properties(path(blob))));
  }
  std::uint64_t term(std::string const& blob = "leader") {
    auto const seen = look(blob);
    return seen.record ? seen.record->term : 0;
  }

  void make_container() { must(ask(az::create_container(path("x"))), 201); }
  /// Terms were counted there before: so the next one does not wait for the service's clock, as a new blob's does.
  void make(std::string const& blob = "leader", std::uint64_t counted = 1) {
    auto what = az::create_blob(path(blob), counted);
    std::erase_if(what.fields, [](http::field const& f) { return f.name == "x-ms-meta-fresh"; });
    must(ask(std::move(what)), 201);
  }
  void acquire(std::string const& blob, std::string const& id, int seconds = 15) {
    must(ask(az::acquire(path(blob), id, seconds)), 201);
  }
  static void must(http::response const& got, int status) {
    if (got.status != status) throw std::runtime_error("prepared wrongly: " + az::judge(got).message);
  }

private:
  static http::request put(std::string target) {
    http::request what;
    what.method = "PUT";
    what.target = std::move(target);
    return what;
  }

  std::string container_;
  boost::asio::io_context io_;
  std::shared_ptr<store_context> context_;
  std::shared_ptr<http::transport> way_;
  base::secret key_;
};

}  // namespace coelect::test
