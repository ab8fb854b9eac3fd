// A WebSocket to one server, over TCP or TLS. Beast does the framing.
#pragma once
#include "http/pool.hpp"
#include <memory>
#include <string>

namespace coelect::http {

/// What transport::open_socket() promises.
std::unique_ptr<web_socket> connect_socket(std::shared_ptr<pool> with, std::string target, instant open_by,
                                           socket_reader& to);

}  // namespace coelect::http
