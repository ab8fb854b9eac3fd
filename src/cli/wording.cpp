// Says in the words of the command line what the library says in its own.
#include "cli/wording.hpp"

namespace coelect::cli {
namespace {

void replace(std::string& text, std::string_view what, std::string_view with) {
  auto const place = text.find(what);
  if (place != text.npos) text.replace(place, what.size(), with);
}

void replace_start(std::string& text, std::string_view what, std::string_view with) {
  if (text.starts_with(what)) text.replace(0, what.size(), with);
}

// Phrases rather than words: file names stand between them.
void reword_tls(std::string& text, etcd_access const& how) {
  replace_start(text, "tls ca_file:", how.ca_file.name + ":");
  replace_start(text, "tls ca_file is empty", how.ca_file.name + " is not given");
  replace_start(text, "tls cert_file", how.cert_file.name);
  replace_start(text, "tls key_file", how.key_file.name);
  replace(text, ", but cert_file is not given", ", but " + how.cert_file.name + " is not given");
  replace(text, ", but key_file is not given", ", but " + how.key_file.name + " is not given");
  replace(text, " is not the key of cert_file ", " is not the key of " + how.cert_file.name + " ");
}

void reword_login(std::string& text, std::string const& user) {
  replace(text, ": leave username away", ": leave " + user + " away");
  replace(text, " (username, password)", " (" + user + ", and its password)");
  replace(text, " (username: this server wants one)", " (" + user + ": this server wants one)");
}

// Longer phrases first: some begin with others.
void reword_azure(std::string& text, settings const& how) {
  std::string const whole = connection_string_variable;
  bool const by_string = how.store.starts_with("azblob:///");
  replace_start(text, "account key:", (by_string ? whole + ": AccountKey" : key_source(how.azure)) + ":");
  replace_start(text, "credential: the account key", key_source(how.azure) + ": the account key");
  replace_start(text, "sas:", (by_string ? whole + ": SharedAccessSignature" : sas_source(how.azure)) + ":");
  replace_start(text, "connection string:", whole + ":");
  replace(text, "; give it to azure_credential::shared_key()", "; give --account-name");
  replace(text, "and the URL is http", "and this one is http; give an account key or a shared access signature");
  replace_start(
      text, "account_url, credential:", how.azure.account.text.empty() ? "store URL:" : "store URL, --account-name:");
  replace_start(text, "account_url:", "store URL:");
  replace_start(text, "container:", "store URL, its container:");
  replace_start(text, "tls:", "--cacert:");
  replace_start(text, "tls ca_file:", "--cacert:");
}

void reword_options(std::string& text, settings const& how) {
  replace(text, "allow_volatile", "--allow-tmpfs");
  replace(text, "allow_remote", "--allow-remote");
  replace_start(text, "ttl:", how.ttl_flag + ":");
  replace_start(text, "renew_every +", how.ttl_flag + " is too short: renew_every +");
  replace_start(text, "prefix:", "store URL, its path:");
  if (is_etcd(how.store)) reword_tls(text, how.etcd);
  if (is_azure(how.store)) reword_azure(text, how);
}

}  // namespace

// A wrong option says in its own words which one it is; elsewhere the code's text goes first.
std::string sentence_for(election_error const& e, settings const& how) {
  bool const speaks = e.code() == errc::bad_options && !e.details().message().empty();
  auto text = speaks ? e.details().message() : outcome(e.code(), e.details()).text();
  reword_login(text, how.etcd.user.name);
  replace(text, "allow it with create_container", "allow it with --create-container");
  if (!speaks) return text;
  reword_options(text, how);
  return text;
}

}  // namespace coelect::cli
