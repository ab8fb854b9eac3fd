// How an Azure Blob store is found and entered: by flags, and by the variables that Azure's own tools read.
#include "cli/azure_access.hpp"
#include "base/refuse.hpp"
#include "wire/azure_place.hpp"
#include <algorithm>
#include <array>
#include <coelect/error.hpp>
#include <utility>

namespace coelect::cli {
namespace {

using std::chrono::milliseconds;

constexpr char const* account_variable = "AZURE_STORAGE_ACCOUNT";
constexpr char const* key_variable = "AZURE_STORAGE_KEY";
constexpr char const* sas_variable = "AZURE_STORAGE_SAS_TOKEN";
constexpr char const* usual_container = "leases";
constexpr std::string_view without_account = "azblob:///";
constexpr milliseconds shortest_poll{100}, longest_poll{600'000};

using base::refuse;

/// "account: '...' is none; ..." with the setting's own name in front.
void check(std::string const& name, std::string const& wrong) {
  if (!wrong.empty()) refuse(name + wrong.substr(wrong.find(':')));
}

std::string container_of(azure_access const& how) {
  if (how.container.text.empty()) return usual_container;
  check(how.container.name, wire::azure::what_is_wrong_with_container(how.container.text));
  return how.container.text;
}

std::string url_of(named_text const& account, std::string const& container) {
  check(account.name, wire::azure::what_is_wrong_with_account(account.text));
  return "azblob://" + account.text + "/" + container;
}

/// The account comes from a connection string.
bool by_connection_string(std::string_view store_url) { return store_url.starts_with(without_account); }

/// Pointers to all texts that only an Azure store has.
std::array<named_text const*, 5> texts_of(azure_access const& how) {
  return {&how.account, &how.container, &how.blob, &how.key_file, &how.sas_file};
}

std::string refusal_elsewhere(azure_access const& how, std::string_view store_url) {
  auto const scheme = store_url.empty() ? "file" : std::string(store_url.substr(0, store_url.find(':')));
  auto const why = ": is for azblob stores, and this one is " + scheme + ":";
  for (auto const* const one : texts_of(how))
    if (!one->text.empty()) return one->name + why;
  if (how.create_container) return "--create-container" + why;
  return how.poll != milliseconds(0) ? "--poll" + why : std::string();
}

std::string refusal_of_credential(azure_access const& how, std::string_view store_url) {
  bool const key = !how.key_file.text.empty(), sas = !how.sas_file.text.empty();
  if (key && sas) return how.key_file.name + ", " + how.sas_file.name + ": one of them is enough";
  if ((key || sas) && by_connection_string(store_url))
    return (key ? how.key_file : how.sas_file).name + ": " + connection_string_variable + " brings the credential";
  return {};
}

// A host of one's own does not tell the account, which a key signs with.
std::string refusal_of_place(azure_access const& how, std::string_view store_url, bool composed) {
  if (composed) return {};
  if (!how.container.text.empty()) return how.container.name + ": the store URL has the container in it";
  bool const named = !how.account.text.empty();
  if (named && by_connection_string(store_url)) return how.account.name + ": the connection string names the account";
  bool const signs = !how.key_file.text.empty() || !variable(key_variable).empty();
  if (named && !signs) return how.account.name + ": the store URL has the account in it";
  return {};
}

}  // namespace

bool is_azure(std::string_view store_url) {
  auto const scheme = store_url.substr(0, store_url.find(':'));
  return scheme == "azblob" || scheme == "azblob+http" || scheme == "azblob+https" || scheme == "https";
}

std::string azure_in_flags(azure_access const& how) {
  return how.account.text.empty() ? std::string() : url_of(how.account, container_of(how));
}

std::string azure_in_environment(azure_access const& how) {
  if (!variable(connection_string_variable).empty()) return std::string(without_account) + container_of(how);
  auto const account = variable(account_variable);
  return account.empty() ? std::string() : url_of({account_variable, std::string(account)}, container_of(how));
}

std::string with_account(std::string store_url) {
  if (!by_connection_string(store_url) || !variable(connection_string_variable).empty()) return store_url;
  auto const account = variable(account_variable);
  if (account.empty())
    refuse("store URL: no account is in it, so " + std::string(connection_string_variable) + " or " + account_variable +
           " must be set; or write azblob://ACCOUNT/CONTAINER");
  return url_of({account_variable, std::string(account)}, store_url.substr(without_account.size()));
}

std::string refusal_of(azure_access const& how, std::string_view store_url, bool composed) {
  if (!is_azure(store_url)) return refusal_elsewhere(how, store_url);
  auto const place = refusal_of_place(how, store_url, composed);
  if (!place.empty()) return place;
  bool const plain = store_url.starts_with("azblob+http:");
  if (plain && !how.ca_file.empty())
    return "--cacert: certificates are for azblob+https://, and this store is azblob+http://";
  bool const in_range = how.poll == milliseconds(0) || (how.poll >= shortest_poll && how.poll <= longest_poll);
  if (!in_range) return "--poll: takes 0.1 to 600 seconds";
  return refusal_of_credential(how, store_url);
}

void enter(azure_access const& how, std::string_view store_url, store_settings& into) {
  into.tls.ca_file = how.ca_file;
  into.create_container = how.create_container;
  into.poll_max = how.poll;
  if (how.poll != milliseconds(0)) into.poll_min = std::max(how.poll / 5, shortest_poll);
  if (by_connection_string(store_url)) {
    into.connection_string = secret_text(variable(connection_string_variable));
    return;
  }
  auto const key = [&how](std::string text) { return azure_credential::shared_key(how.account.text, std::move(text)); };
  if (!how.key_file.text.empty()) into.credential = key(first_line_of(how.key_file));
  else if (!how.sas_file.text.empty()) into.credential = azure_credential::sas(first_line_of(how.sas_file));
  else if (auto const k = variable(key_variable); !k.empty()) into.credential = key(secret_text(k));
  else if (auto const s = variable(sas_variable); !s.empty()) into.credential = azure_credential::sas(secret_text(s));
}

std::vector<std::string> flags_for(azure_access const& how, std::string_view store_url) {
  std::vector<std::string> flags;
  if (!is_azure(store_url)) return flags;
  for (auto const* const one : {&how.key_file, &how.sas_file})
    if (!one->text.empty()) flags.insert(flags.end(), {one->name, one->text});
  // The account is in the URL already where that was made from it.
  bool const told = store_url.starts_with("azblob:");
  if (!told && !how.account.text.empty()) flags.insert(flags.end(), {how.account.name, how.account.text});
  if (how.create_container) flags.emplace_back("--create-container");
  if (how.poll != milliseconds(0)) {
    auto const seconds = static_cast<double>(how.poll.count()) / 1000;
    flags.insert(flags.end(), {"--poll", std::to_string(seconds)});
  }
  return flags;
}

std::string key_source(azure_access const& how) { return how.key_file.text.empty() ? key_variable : how.key_file.name; }
std::string sas_source(azure_access const& how) { return how.sas_file.text.empty() ? sas_variable : how.sas_file.name; }

}  // namespace coelect::cli
