// What the HTTP tests share: a store context on a loop, a transport to a scripted server, and what was answered.
#pragma once
#include "http/transport.hpp"
#include <boost/asio/io_context.hpp>
#include <coelect/store_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <support/catch.hpp>
#include <support/real_loop.hpp>
#include <support/scripted_server.hpp>
#include <vector>

namespace coelect::test {

using namespace std::chrono_literals;

/// A length that nothing in a test reaches.
inline constexpr auto ample = 20s;

struct http_bench {
  boost::asio::io_context io;
  std::vector<std::string> logged;
  std::shared_ptr<store_context> context = store_context::make(
      io.get_executor(), environment::real(), [this](severity, std::string_view line) { logged.emplace_back(line); });

  std::shared_ptr<http::transport> reach(scripted_server const& server, http::transport_limits limits = {}) {
    return reach("127.0.0.1", server.port(), limits);
  }
  std::shared_ptr<http::transport> reach(std::string host, std::uint16_t port, http::transport_limits limits = {}) {
    return http::real_network()->reach(context, {false, std::move(host), port}, {}, limits);
  }
  std::shared_ptr<http::transport> reach_tls(std::string host, std::uint16_t port, tls_options const& tls) {
    return http::real_network()->reach(context, {true, std::move(host), port}, tls, {});
  }
  instant in(std::chrono::nanoseconds wait) const { return context->now() + wait; }
};

inline http::request post(std::string body = "{}") {
  http::request made;
  made.target = "/v3/kv/range";
  made.fields = {{"Content-Type", "application/json"}};
  made.body = std::move(body);
  return made;
}

/// An exchange under way, or what became of it.
struct one_exchange {
  std::optional<http::exchanged> result;
  int calls = 0;
  std::unique_ptr<http::pending> pending;

  one_exchange(http::transport& with, http::request what, instant give_up) {
    pending = with.exchange(std::move(what), give_up, [this](http::exchanged e) {
      ++calls;
      result = std::move(e);
    });
  }
};

inline http::exchanged ask(http_bench& bench, http::transport& with, http::request what = post(),
                           std::chrono::nanoseconds wait = ample) {
  one_exchange one(with, std::move(what), bench.in(wait));
  REQUIRE(!one.result);
  REQUIRE(run_until(
      bench.io, [&] { return one.result.has_value(); }, std::chrono::milliseconds(30000)));
  REQUIRE(one.calls == 1);
  return std::move(*one.result);
}

inline std::string sized(std::string const& body, std::string const& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Answers every request of every connection with the same.
inline scripted_server::script always(std::string answer) {
  return [answer](scripted_peer& p) {
    for (;;) {
      p.read_request();
      p.write(answer);
    }
  };
}

}  // namespace coelect::test
