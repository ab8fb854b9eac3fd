// Decides from what the user gave how requests are made acceptable.
#include "base/refuse.hpp"
#include "stores/azure/authorizer.hpp"
#include "stores/azure/bearer.hpp"
#include "stores/azure/token_sources.hpp"
#include "wire/azure_place.hpp"
#include <cstdlib>
#include <utility>

namespace coelect::stores::azure {
namespace {

using kind = azure_credential::impl::kind;

using base::refuse;

std::unique_ptr<authorizer> signing(azure_credential::impl const& who, std::string const& of_url) {
  if (who.secret.empty()) refuse("credential: the account key is empty");
  if (who.account.empty() && of_url.empty())
    refuse(
        "account_url, credential: neither tells the account's name, which a key signs with; "
        "give it to azure_credential::shared_key()");
  auto const wrong = who.account.empty() ? std::string() : wire::azure::what_is_wrong_with_account(who.account);
  if (!wrong.empty()) refuse("credential: " + wrong);
  if (!who.account.empty() && !of_url.empty() && who.account != of_url)
    refuse("account_url, credential: the URL is of account '" + of_url + "', the key of account '" + who.account + "'");
  return by_shared_key(who.account.empty() ? of_url : who.account, who.secret);
}

std::unique_ptr<authorizer> adding(azure_credential::impl const& who) {
  auto text = who.secret.reveal();
  if (text.starts_with('?')) text.remove_prefix(1);
  return by_sas(base::secret(text));
}

std::unique_ptr<token_source> source_for(std::shared_ptr<azure_credential::impl const> const& who,
                                         surroundings around) {
  switch (who->what) {
    case kind::function:
      if (!who->fetch) refuse("credential: the function that brings tokens is empty");
      return from_function(std::move(around.context), who);
    case kind::managed_identity: return from_managed_identity(std::move(around), who->client_id, false);
    case kind::workload_identity: return from_workload_identity(std::move(around));
    case kind::client_secret: return from_client_secret(std::move(around), who->tenant, who->client_id, who->secret);
    case kind::azure_cli: return from_azure_cli(std::move(around.context));
    case kind::automatic: return from_what_is_here(std::move(around));
    case kind::shared_key:
    case kind::sas: break;
  }
  refuse("credential: of no known kind");
}

}  // namespace

std::string variable(char const* name) {
  auto const* const found = std::getenv(name);
  return found == nullptr ? std::string() : std::string(found);
}

std::string unset(std::initializer_list<char const*> names) {
  std::string result;
  for (auto const* const name : names)
    if (variable(name).empty()) result += (result.empty() ? "" : ", ") + std::string(name);
  return result;
}

std::unique_ptr<authorizer> make_authorizer(azure_credential const& who, std::string const& account, bool tls,
                                            std::shared_ptr<store_context> context,
                                            std::shared_ptr<http::network> network) {
  auto const& given = who.get();
  if (!given) refuse("credential: none is given; azure_credential::automatic() takes what is set up here");
  if (given->what == kind::shared_key) return signing(*given, account);
  if (given->what == kind::sas) return adding(*given);
  if (!tls) refuse("account_url, credential: bearer tokens go over https only, and the URL is http");
  auto source = source_for(given, {context, std::move(network)});
  return std::make_unique<bearer>(std::move(context), std::move(source));
}

}  // namespace coelect::stores::azure
