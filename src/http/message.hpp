// HTTP requests and responses as values.
#pragma once
#include "base/secret.hpp"
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace coelect::http {

struct field {
  std::string name;
  std::string value;
};

/// What is sent. The transport adds Host, Content-Length and the end of the header, and wipes its own
/// copies once they are not needed any more.
struct request {
  std::string method = "POST";
  std::string target;          ///< Origin form: "/v3/kv/txn".
  std::vector<field> fields;   ///< Neither name nor value may hold CR or LF.
  base::secret authorization;  ///< Sent as the Authorization field unless empty.
  std::string body;
  /// Nothing bad happens if the server acts on it twice. Only then is it sent again, once and without
  /// a word, when a kept connection turns out to have been closed.
  bool repeatable = true;
};

/// What came back. Trailer fields are among the fields.
struct response {
  int status = 0;
  std::vector<field> fields;
  std::string body;

  /// Value of the first field of that name, in any case; empty when there is none.
  std::string_view get(std::string_view name) const noexcept;
  /// Retry-After in seconds, 0 to 30: longer is the store's business, not a candidate's. As a date, or not understood: 0.
  std::chrono::seconds retry_after() const noexcept;
};

}  // namespace coelect::http
