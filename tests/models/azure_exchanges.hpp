// What an account answers, request by request: one list of scripts, to which the model and Azurite are held alike.
#pragma once
#include "azure_model.hpp"
#include "wire/azure_lease.hpp"
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace coelect::test {

/// What a script knows while it runs.
struct script_memory {
  wire::azure::blob_path own;     ///< A blob's name that nobody else uses.
  wire::azure::blob_path other;   ///< The same in a container that only this script could make.
  std::vector<std::string> tags;  ///< The ETags that its blob had, oldest first.
};

/// One request and what must come back, or a while that passes.
struct exchange {
  enum class etag { any, kept, changed };

  std::string what;
  std::function<http::request(script_memory const&)> ask{};
  std::string says{};  ///< "201", or "409 LeaseAlreadyPresent held": what we take it for is a part of it.
  etag tag = etag::any;
  std::vector<http::field> has{};    ///< In the answer, if it is no refusal.
  std::vector<std::string> lacks{};  ///< Not in it.
  int left_least = -1, left_most = -1;
  bool starts_clock = false;                                 ///< The lease begins with it, if it is granted.
  std::function<std::string(http::response const&)> also{};  ///< What else is wrong with the answer.
  std::chrono::nanoseconds pause{};                          ///< Instead of a request.
  std::chrono::nanoseconds lasts{};                          ///< Instead: held so long from its beginning, no longer.

  exchange answers(std::string text) const;
  exchange gives(std::string const& lease) const;            ///< That lease id.
  exchange with(std::string name, std::string value) const;  ///< A field of the answer.
  exchange without(std::string name) const;
  exchange left(int least, int most) const;     ///< Seconds until a broken lease is free.
  exchange is(std::string const& state) const;  ///< "leased", "endless", ...; "gone": no blob.
  exchange keeps_clock() const;
  exchange checked(std::function<std::string(http::response const&)> how) const;
};

struct exchange_script {
  std::string name;
  std::vector<exchange> steps;
  std::string blob{};  ///< A name, encoded, that has something special about it.
};

/// Every operation in every state that a lease can have.
std::vector<exchange_script> azure_cells(azure_column column);
/// What takes more than one operation: time, order, lost answers, conditions, wrong requests.
std::vector<exchange_script> azure_stories(azure_column column);

/// How closely a lease's end can be seen.
struct exchange_clock {
  std::chrono::nanoseconds last_look{1};  ///< So long before the end.
  std::chrono::nanoseconds blur{};        ///< Of the server's clock.
  std::chrono::nanoseconds late{};        ///< So long after it may still be held.
};

/// Where the exchanges are held.
class exchange_place {
public:
  virtual ~exchange_place() = default;
  /// The request still lacks what every request carries.
  virtual http::response ask(http::request what) = 0;
  virtual std::chrono::nanoseconds now() = 0;
  virtual void wait_until(std::chrono::nanoseconds when) = 0;
  virtual exchange_clock clock() const = 0;
};

struct exchange_report {
  std::size_t scripts = 0, requests = 0;
  std::vector<std::string> wrong;  ///< A script ends with its first wrong answer.
};

/// All scripts side by side, so that those in which time passes share it. Makes the container.
exchange_report hold_exchanges(exchange_place& place, std::vector<exchange_script> const& scripts,
                               std::string const& container);

/// "201", or "409 LeaseAlreadyPresent held".
std::string said(http::response const& got);

}  // namespace coelect::test
