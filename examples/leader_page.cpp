// A small HTTP server that answers one question; what the three server examples share.
#include "leader_page.hpp"
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace example {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr auto patience = std::chrono::seconds(5);

asio::awaitable<void> answer_one(beast::tcp_stream stream, std::function<std::string()> const& answer) {
  stream.expires_after(patience);
  beast::flat_buffer buffer;
  http::request<http::empty_body> request;
  auto const read = co_await http::async_read(stream, buffer, request, no_throw);
  if (std::get<0>(read)) co_return;
  bool const known = request.method() == http::verb::get && request.target() == "/leader";
  http::response<http::string_body> response(known ? http::status::ok : http::status::not_found, request.version());
  response.set(http::field::content_type, "text/plain");
  response.body() = known ? answer() : "only GET /leader is served here\n";
  response.keep_alive(false);
  response.prepare_payload();
  auto const written = co_await http::async_write(stream, response, no_throw);
  static_cast<void>(written);
}

asio::awaitable<void> accept_all(tcp::acceptor acceptor, std::function<std::string()> answer) {
  for (;;) {
    auto accepted = co_await acceptor.async_accept(no_throw);
    if (std::get<0>(accepted)) co_return;
    beast::tcp_stream stream(std::move(std::get<1>(accepted)));
    co_await answer_one(std::move(stream), answer);
  }
}

}  // namespace

std::uint16_t serve_leader_page(asio::any_io_executor executor, std::uint16_t port,
                                std::function<std::string()> answer) {
  tcp::acceptor acceptor(executor, {asio::ip::address_v4::loopback(), port});
  auto const listening_on = acceptor.local_endpoint().port();
  asio::co_spawn(executor, accept_all(std::move(acceptor), std::move(answer)), asio::detached);
  return listening_on;
}

std::string ask_leader_page(std::uint16_t port) {
  asio::io_context io;
  tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), port});
  http::request<http::empty_body> request(http::verb::get, "/leader", 11);
  request.set(http::field::host, "localhost");
  http::write(socket, request);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(socket, buffer, response);
  return response.body();
}

}  // namespace example
