// What a pretended server is to those who carry requests to it.
#pragma once
#include "http/message.hpp"
#include <cstddef>

namespace coelect::test {

/// Answers at once, from memory. What happens to requests and answers on their way is the network's affair.
class server_model {
public:
  server_model() = default;
  server_model(server_model const&) = delete;
  server_model& operator=(server_model const&) = delete;
  virtual ~server_model() = default;
  /// Carries the request out, as it came to that endpoint.
  virtual http::response serve(std::size_t endpoint, http::request const& what) = 0;
};

}  // namespace coelect::test
