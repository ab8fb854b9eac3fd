// Elections on Azure Blob leases: nothing but a storage account is needed.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <coelect/azure_credential.hpp>
#include <coelect/store.hpp>
#include <coelect/tls_options.hpp>
#include <memory>
#include <string>

namespace coelect {

/// Settings of an Azure Blob store.
struct azure_blob_store_options {
  /// https://ACCOUNT.blob.core.windows.net, or with the account after it for hosts that are addresses:
  /// http://127.0.0.1:10000/devstoreaccount1 (Azurite).
  std::string account_url{};
  std::string container{"leases"};
  std::string prefix{};  ///< Before the blobs' names; end it with a slash. Up to 256 bytes.
  azure_credential credential{};
  bool create_container = false;  ///< When it is missing. A shared access signature of a service cannot do it.
  /// How long a candidate that does not lead waits between two tries, drawn from this range each time;
  /// 100 ms to 10 min. Each try is one billed request; a clean hand-over takes up to poll_max.
  std::chrono::milliseconds poll_min{1'000};
  std::chrono::milliseconds poll_max{5'000};
  /// ttl: whole seconds, 15 s to 60 s, default 30 s. store_slack default 1 s: the service's seconds are whole.
  lease_timing timing{};
  tls_options tls{};                   ///< For https. ca_file for an Azurite with a certificate of its own.
  log_fn log{};                        ///< One line per request at severity::debug.
  std::shared_ptr<environment> env{};  ///< Empty: environment::real().
};

/// A store in an Azure storage account: one block blob CONTAINER/PREFIX ELECTION per election, made when it
/// is missing, never deleted. The leader holds its lease; the fencing token is a term that is counted in
/// the blob's metadata, under the lease id and the blob's ETag, before anybody hears of the win. A new
/// blob's terms begin with the service's time in microseconds, so that they stay above those of one that
/// was deleted; the first term of a new blob waits until that clock, which tells whole seconds, has passed it. A published value has up to 4 KiB.
///
/// No queue and no push: candidates poll. depose() breaks the lease: the leader learns of it at its next
/// renewal, and others can win when the lease would have run out, or at once with depose_how::force.
/// Guarded writes: one blob at a time, in the same container, with the term in its metadata.
///
/// Does no network I/O before it is used. Throws election_error(errc::bad_options) that names the option.
/// Source: https://learn.microsoft.com/rest/api/storageservices/lease-blob
std::shared_ptr<store> make_azure_blob_store(boost::asio::any_io_executor ex, azure_blob_store_options how);

/// The same from a connection string, which brings the account's URL and credential; those in `how` must
/// be empty. UseDevelopmentStorage=true is Azurite on its usual port.
std::shared_ptr<store> make_azure_blob_store(boost::asio::any_io_executor ex, std::string const& connection_string,
                                             azure_blob_store_options how = {});

}  // namespace coelect
