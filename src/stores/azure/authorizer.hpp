// Makes requests to a storage account acceptable: by the account's key, by a shared access signature, or by a token.
#pragma once
#include "http/transport.hpp"
#include <coelect/azure_credential.hpp>
#include <coelect/store.hpp>
#include <memory>

namespace coelect::stores::azure {

/// On the store's strand.
class authorizer {
public:
  authorizer() = default;
  authorizer(authorizer const&) = delete;
  authorizer& operator=(authorizer const&) = delete;
  virtual ~authorizer() = default;

  /// Whether authorize() can be called now.
  virtual bool ready() { return true; }
  /// Gets what is missing; answers by `give_up`. Dropping the returned handle: not called any more.
  [[nodiscard]] virtual std::shared_ptr<void> prepare(instant give_up, reply<outcome> done);
  /// Everything else in `what` is final.
  virtual void authorize(http::request& what) = 0;
  /// What authorize() added was refused with 401. True: prepare() may bring something better.
  virtual bool refused() { return false; }
};

/// From what the user gave. `account`: as the URL tells it, or empty. `tls`: the account is reached over
/// https. Throws election_error(errc::bad_options): no credential, no account for a key, a token without tls.
std::unique_ptr<authorizer> make_authorizer(azure_credential const& who, std::string const& account, bool tls,
                                            std::shared_ptr<store_context> context,
                                            std::shared_ptr<http::network> network);

std::unique_ptr<authorizer> by_shared_key(std::string account, base::secret const& key_base64);
std::unique_ptr<authorizer> by_sas(base::secret token);

}  // namespace coelect::stores::azure
