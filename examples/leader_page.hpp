// A small HTTP server that answers one question; what the three server examples share.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <string>

namespace example {

/// Serves GET /leader with the text that `answer` returns, on 127.0.0.1:`port` (0: any free port),
/// until `executor`'s context ends. Returns the port. Throws when it cannot listen.
std::uint16_t serve_leader_page(boost::asio::any_io_executor executor, std::uint16_t port,
                                std::function<std::string()> answer);

/// One GET /leader to 127.0.0.1:`port`, blocking: what a load balancer's health check would do.
std::string ask_leader_page(std::uint16_t port);

}  // namespace example
