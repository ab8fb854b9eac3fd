// Writes a request as it goes over the connection: one piece of text that is wiped when let go of.
#pragma once
#include "http/message.hpp"
#include <memory>
#include <string>
#include <string_view>

namespace coelect::http {

/// Holds credentials: written once, never copied or moved.
struct wiped_text {
  wiped_text() = default;
  wiped_text(wiped_text const&) = delete;
  wiped_text& operator=(wiped_text const&) = delete;
  ~wiped_text() { base::wipe(text); }
  std::string text;
};

/// Empty when a part of the header holds what would end it, so that nobody slips in fields of his own.
/// Wipes the body of `what`.
std::shared_ptr<wiped_text const> request_text(request what, std::string_view host_field);

}  // namespace coelect::http
