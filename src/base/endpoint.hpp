// Reads "host:port" in its forms.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coelect::base {

struct endpoint {
  bool tls = false;
  std::string host;  ///< An IPv6 address without its brackets.
  std::uint16_t port = 0;
};

/// http://host:port, https://host:port, host:port or host. Throws election_error(errc::bad_options)
/// that says what is wrong, beginning with `option`.
endpoint parse_endpoint(std::string_view option, std::string_view text, std::uint16_t default_port);

/// The parts between commas. "a,,b" has an empty one.
std::vector<std::string> split_at_commas(std::string_view text);

/// host:port, with brackets around an IPv6 address.
std::string host_and_port(endpoint const& where);

/// localhost and the addresses that never leave this host.
bool is_loopback(std::string_view host);

}  // namespace coelect::base
