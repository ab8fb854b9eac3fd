// The least HTTP/1.1 there is: one keep-alive connection on a plain socket, answers by length or in chunks.
#include "players/floor/http.hpp"
#include <arpa/inet.h>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

connection::connection(std::string const& host_and_port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto const colon = host_and_port.find(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(host_and_port.c_str() + colon + 1)));
  if (colon == std::string::npos || ::inet_pton(AF_INET, host_and_port.substr(0, colon).c_str(), &to.sin_addr) != 1)
    throw std::runtime_error("the floor needs an IPv4 address and a port, not " + host_and_port);
  int const on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<sockaddr const*>(&to), sizeof to) != 0)
    throw std::runtime_error("cannot connect to " + host_and_port);
}

connection::~connection() {
  if (fd_ >= 0) ::close(fd_);
}

void connection::send(std::string const& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    auto const n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) throw std::runtime_error("send failed");
    sent += static_cast<std::size_t>(n);
  }
}

bool connection::receive() {
  char text[65536];
  auto const n = ::recv(fd_, text, sizeof text, 0);
  if (n <= 0) throw std::runtime_error("the server closed the connection");
  in_.append(text, static_cast<std::size_t>(n));
  return parse();
}

std::string const& connection::ask(std::string const& request) {
  send(request);
  while (!receive()) {
  }
  if (status_ != 200) throw std::runtime_error("HTTP " + std::to_string(status_) + " " + body_);
  return body_;
}

bool connection::parse() {
  if (!in_body_ && !parse_head()) return false;
  if (!chunked_) {
    if (in_.size() < length_) return false;
    body_.assign(in_, 0, length_);
    in_.erase(0, length_);
    in_body_ = false;
    return true;
  }
  for (bool last = false; take_chunk(last);) {
    if (!last) continue;
    in_body_ = false;
    return true;
  }
  return false;
}

bool connection::parse_head() {
  auto const end = in_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  status_ = std::atoi(in_.c_str() + 9);
  auto const head = in_.substr(0, end);
  chunked_ = ::strcasestr(head.c_str(), "\r\ntransfer-encoding: chunked") != nullptr;
  auto const* const length = ::strcasestr(head.c_str(), "\r\ncontent-length:");
  length_ = length == nullptr ? 0 : std::strtoul(length + 17, nullptr, 10);
  in_.erase(0, end + 4);
  body_.clear();
  in_body_ = true;
  return true;
}

bool connection::take_chunk(bool& last) {
  auto const line = in_.find("\r\n");
  if (line == std::string::npos) return false;
  auto const size = std::strtoul(in_.c_str(), nullptr, 16);
  if (in_.size() < line + 2 + size + 2) return false;
  auto const text = in_.substr(line + 2, size);
  in_.erase(0, line + 2 + size + 2);
  last = size == 0;
  if (last) return true;
  if (on_chunk) on_chunk(text);
  else body_ += text;
  return true;
}

std::string post(std::string const& host_and_port, char const* path, std::string const& body) {
  return std::string("POST ") + path + " HTTP/1.1\r\nHost: " + host_and_port +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace bench
