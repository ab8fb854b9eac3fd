// Makes requests to a storage account acceptable: by the account's key, or by a shared access signature.
#include "stores/azure/authorizer.hpp"
#include "base/base64.hpp"
#include "wire/azure_signature.hpp"
#include <utility>

namespace coelect::stores::azure {
namespace {

class key_signer final : public authorizer {
public:
  key_signer(std::string account, base::secret key) : account_(std::move(account)), key_(std::move(key)) {}
  void authorize(http::request& what) override {
    what.authorization = wire::azure::shared_key_authorization(what, account_, key_);
  }

private:
  std::string account_;
  base::secret key_;
};

class sas_adder final : public authorizer {
public:
  explicit sas_adder(base::secret token) : token_(std::move(token)) {}
  void authorize(http::request& what) override {
    what.target += what.target.find('?') == std::string::npos ? '?' : '&';
    what.target += token_.reveal();
  }

private:
  base::secret token_;
};

}  // namespace

std::shared_ptr<void> authorizer::prepare(instant, reply<outcome>) { return {}; }

std::unique_ptr<authorizer> by_shared_key(std::string account, base::secret const& key_base64) {
  auto decoded = base::from_base64(key_base64.reveal());
  if (!decoded || decoded->empty())
    throw election_error(errc::bad_options, "account key: it is not base64; copy it whole, with the = at its end");
  base::secret key(*decoded);
  base::wipe(*decoded);
  return std::make_unique<key_signer>(std::move(account), std::move(key));
}

std::unique_ptr<authorizer> by_sas(base::secret token) {
  auto const text = token.reveal();
  bool const plausible = text.find("sig=") != text.npos && text.find_first_of(" \r\n#") == text.npos;
  if (!plausible)
    throw election_error(errc::bad_options, "sas: it has no sig= part; it looks like sv=...&sp=...&sig=...");
  return std::make_unique<sas_adder>(std::move(token));
}

}  // namespace coelect::stores::azure
