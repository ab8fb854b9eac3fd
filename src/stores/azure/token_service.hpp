// Talks to one HTTP service that issues tokens: asks again where that may help, within the time there is.
#pragma once
#include "base/endpoint.hpp"
#include "stores/azure/token_sources.hpp"
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace coelect::stores::azure {

/// http(s)://host[:port][/path]
struct http_place {
  base::endpoint at;
  std::string path;  ///< "" or with its slash, without one at its end.
};
/// Throws election_error(errc::bad_options), beginning with `option`.
http_place read_http_place(std::string_view option, std::string_view url);

/// On the store's strand.
class token_service {
public:
  struct settings {
    std::string who{};              ///< For messages: "managed identity".
    std::string look_at{};          ///< What a person should look at when the service refuses.
    bool not_found_passes = false;  ///< 404 and 410 are trouble that passes.
  };

  /// May throw election_error(errc::bad_options).
  token_service(surroundings const& around, base::endpoint const& where, settings how);

  /// `write` makes the request, once for each try. `hidden` must not appear in messages.
  [[nodiscard]] std::shared_ptr<void> fetch(std::function<http::request()> write,
                                            std::shared_ptr<base::secret const> hidden, instant give_up,
                                            fetched_fn done);
  /// One request, not repeated.
  [[nodiscard]] std::unique_ptr<http::pending> probe(http::request what, instant give_up,
                                                     std::function<void(http::exchanged)> done) {
    return way_->exchange(std::move(what), give_up, std::move(done));
  }

  std::string const& trouble() const noexcept { return trouble_; }
  std::string const& name() const noexcept { return way_->name(); }

private:
  class asking;

  std::shared_ptr<store_context> context_;
  std::shared_ptr<http::transport> way_;
  settings how_;
  std::string trouble_;  // of the attempt that is under way
};

}  // namespace coelect::stores::azure
