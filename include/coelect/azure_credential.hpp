// Who we are to an Azure storage account.
#pragma once
#include <chrono>
#include <coelect/error.hpp>
#include <functional>
#include <memory>
#include <string>

namespace coelect {

/// An access token for https://storage.azure.com/, and for how long it is good.
struct azure_token {
  std::string token;
  std::chrono::seconds good_for{};
};

/// Brings a token: asked when one is needed, and early when one is about to end. It must call `done`, once,
/// from any thread, now or later; after 30 s nobody listens any more. Called on the store's strand, so it must
/// not block, and by several stores that share the credential at once. A failure with a code of coelect's own
/// is reported as it is, any other as errc::unreachable.
using azure_token_fn = std::function<void(std::function<void(error_code, azure_token)> done)>;

/// One way of proving who we are. Copies share it. Secrets are wiped with the last copy, and never printed.
/// Tokens go over https only. Any thread. Environment variables are read when the store is made, files and
/// `az` each time a token is fetched. A token is replaced in the background after half of its life, or five
/// minutes before its end if it lives for less than two hours; until that works, the old one is used.
class azure_credential {
public:
  azure_credential() = default;  ///< None: refused by the store.

  /// The account's key, in base64 as the portal shows it. `account` may be empty where the URL tells it.
  static azure_credential shared_key(std::string account, std::string key_base64);
  /// A shared access signature, with or without its '?'. Needs read and write on the blobs, and create to make them.
  static azure_credential sas(std::string token);
  /// Your own way to get a token.
  static azure_credential token(azure_token_fn fetch);
  /// The identity of this virtual machine, App Service, Container App or Function: IDENTITY_ENDPOINT and
  /// IDENTITY_HEADER when both are set, else the metadata service at 169.254.169.254 or
  /// AZURE_POD_IDENTITY_AUTHORITY_HOST. `client_id`: of a user-assigned identity; empty: the system's.
  static azure_credential managed_identity(std::string client_id = {});
  /// A federated token file, read anew each time, as Kubernetes provides it: AZURE_TENANT_ID,
  /// AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST.
  static azure_credential workload_identity();
  /// Of an app in Entra ID. AZURE_AUTHORITY_HOST names another authority than login.microsoftonline.com.
  static azure_credential client_secret(std::string tenant, std::string client_id, std::string secret);
  /// The developer's own login: runs `az account get-access-token`, with a time limit.
  static azure_credential azure_cli();
  /// The first of these that is set up here: client secret (AZURE_TENANT_ID, AZURE_CLIENT_ID,
  /// AZURE_CLIENT_SECRET), workload identity, managed identity (of AZURE_CLIENT_ID if that is set), `az
  /// login`. So one program runs on a laptop, in a virtual machine and in Kubernetes. The first one that
  /// answers is kept, also when its answer is a refusal.
  static azure_credential automatic();

  struct impl;
  std::shared_ptr<impl const> const& get() const noexcept { return impl_; }

private:
  explicit azure_credential(std::shared_ptr<impl const> i) : impl_(std::move(i)) {}
  std::shared_ptr<impl const> impl_;
};

}  // namespace coelect
