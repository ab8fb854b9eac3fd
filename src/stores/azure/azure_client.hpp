// Sends requests to one storage account: dated and authorized anew each time, with an answer by a deadline.
#pragma once
#include "stores/azure/authorizer.hpp"
#include "wire/azure_lease.hpp"
#include <memory>
#include <string>

namespace coelect::stores::azure {

/// How one request went.
struct answered {
  outcome how;                                                   ///< ok: the service did what was asked.
  wire::azure::trouble trouble = wire::azure::trouble::passing;  ///< Only when !how.ok().
  bool by_service = false;  ///< The service itself answered: it did not happen, unless trouble is `passing`.
  instant sent;             ///< Before the first byte of the try that was answered (R1).
  http::response got;
};

class conversation {
public:
  virtual ~conversation() = default;
};
using asked = std::shared_ptr<conversation>;

/// On the store's strand. Nothing is called any more after it is destroyed.
class azure_client {
public:
  azure_client(std::shared_ptr<store_context> context, std::shared_ptr<http::transport> way,
               std::unique_ptr<authorizer> who);

  /// Dropping the returned handle: not called any more.
  [[nodiscard]] asked ask(http::request what, instant give_up, std::function<void(answered)> done);

  store_context& context() const noexcept { return *context_; }

private:
  class call;
  friend class call;

  std::shared_ptr<store_context> context_;
  std::shared_ptr<http::transport> way_;
  std::unique_ptr<authorizer> who_;
  std::string const requests_;  // what their ids begin with
  std::uint64_t sent_ = 0;      // and what they end with
};

}  // namespace coelect::stores::azure
