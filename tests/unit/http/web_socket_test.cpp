// WebSockets over real connections, against servers that follow scripts: what is said, refused, too long, broken, or never comes.
#include "base/base64.hpp"
#include "http_bench.hpp"
#include <openssl/sha.h>
#include <support/certificates.hpp>

namespace coelect::test {
namespace {

// --- The server's side ------------------------------------------------------------------------------------------------

std::string field_of(std::string const& request, std::string const& name) {
  auto const at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  auto const from = at + name.size() + 4;
  return request.substr(from, request.find("\r\n", from) - from);
}

/// RFC 6455, 4.2.2.
std::string agreement(std::string const& request, std::string const& more = {}) {
  auto const key = field_of(request, "Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  ::SHA1(reinterpret_cast<unsigned char const*>(key.data()), key.size(), digest);
  auto const accept = base::base64({reinterpret_cast<char const*>(digest), sizeof digest});
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + more +
         "Sec-WebSocket-Accept: " + accept + "\r\n\r\n";
}

constexpr char text_frame = '\x81', unfinished = '\x01', rest = '\x80', ping = '\x89', closing = '\x88';

std::string frame(char first, std::string const& payload) {
  std::string made(1, first);
  auto const n = payload.size();
  if (n < 126) made += static_cast<char>(n);
  else if (n < 65'536) made += {'\x7e', static_cast<char>(n >> 8), static_cast<char>(n)};
  else {
    made += '\x7f';
    for (int shift = 56; shift >= 0; shift -= 8) made += static_cast<char>(n >> shift);
  }
  return made + payload;
}

struct got_frame {
  char first;
  std::string payload;
};

got_frame read_frame(scripted_peer& p) {
  auto const head = p.read_bytes(2);
  std::size_t n = static_cast<unsigned char>(head[1]) & 0x7fU;
  std::size_t more = n == 126 ? 2 : n == 127 ? 8 : 0;
  if (more != 0) n = 0;
  for (char const c : p.read_bytes(more)) n = n << 8 | static_cast<unsigned char>(c);
  auto const mask = p.read_bytes(4);
  auto text = p.read_bytes(n);
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>(text[i] ^ mask[i % 4]);
  return {head[0], text};
}

/// Agrees, and then does that.
scripted_server::script agree(scripted_server::script then) {
  return [then = std::move(then)](scripted_peer& p) {
    p.write(agreement(p.read_request()));
    then(p);
  };
}

void echo(scripted_peer& p) {
  for (;;) p.write(frame(text_frame, read_frame(p).payload));
}

// --- Ours -------------------------------------------------------------------------------------------------------------

char const* name_of(http::socket_end kind) {
  using http::socket_end;
  switch (kind) {
    case socket_end::no_connection: return "no connection";
    case socket_end::no_answer: return "no answer";
    case socket_end::refused: return "refused";
    case socket_end::broken: return "broken";
  }
  return "?";
}

struct listener final : http::socket_reader {
  std::string story;  // what was called, in order
  std::optional<outcome> end;
  std::unique_ptr<http::web_socket> socket;
  std::function<void()> at_each = [] {};
  std::size_t drained = 0, messages = 0;

  void on_open() override { tell("open"); }
  void on_message(std::string_view text) override {
    ++messages;
    tell(text.size() > 40 ? std::to_string(text.size()) : "'" + std::string(text) + "'");
  }
  void on_skipped() override { tell("skipped"); }
  void on_drained() override { ++drained; }
  void on_end(outcome how, http::socket_end kind) override {
    end = how;
    tell(name_of(kind));
  }
  void tell(std::string const& what) {
    story += what + "; ";
    at_each();
  }
  bool is_open() const { return story.starts_with("open; "); }
};

std::string listen(http_bench& b, http::transport& net, listener& l, std::chrono::nanoseconds open_by = ample) {
  l.socket = net.open_socket("/v3/watch", b.in(open_by), l);
  REQUIRE(l.socket);
  CHECK(l.story.empty());
  CHECK(run_until(b.io, [&] { return l.end.has_value(); }));
  return l.story;
}

test_certificates const& certificates() {
  static test_certificates const made;
  return made;
}

}  // namespace

TEST_CASE("WebSocket: messages of all sizes go both ways, over TCP and TLS", "[http][tls]") {
  bool const secure = GENERATE(false, true);
  std::string request;
  std::shared_ptr<boost::asio::ssl::context> tls;
  if (secure) {
    tls = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
    tls->use_certificate_chain_file(certificates().server.file.string());
    tls->use_private_key_file(certificates().server.key.string(), boost::asio::ssl::context::pem);
  }
  scripted_server server(
      [&](scripted_peer& p) {
        request = p.read_request();
        p.write(agreement(request));
        echo(p);
      },
      tls);
  http_bench b;
  tls_options how;
  how.ca_file = certificates().ca.string();
  auto const net = secure ? b.reach_tls("127.0.0.1", server.port(), how) : b.reach(server);
  listener l;
  std::string expected = "open; ";
  l.socket = net->open_socket("/v3/watch", b.in(ample), l);
  REQUIRE(run_until(b.io, [&] { return l.is_open(); }));
  for (std::size_t const n : {0U, 1U, 125U, 126U, 4'000U, 5'000U, 65'535U, 65'536U, 200'000U}) {
    l.socket->send(std::string(n, 'x'));
    expected += (n > 40 ? std::to_string(n) : "'" + std::string(n, 'x') + "'") + "; ";
  }
  CHECK(l.messages == 0);
  REQUIRE(run_until(b.io, [&] { return l.messages == 9; }));
  CHECK(l.story == expected);
  CHECK(request.starts_with("GET /v3/watch HTTP/1.1\r\n"));
  CHECK(field_of(request, "Host") == server.name());
  CHECK(field_of(request, "Accept") == "application/json");  // as everything that etcd's gateway is sent
  CHECK(request.find("Authorization") == std::string::npos);
}

TEST_CASE("WebSocket: a burst is sent in order, and its end told once", "[http]") {
  scripted_server server(agree(echo));
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  l.socket = net->open_socket("/v3/watch", b.in(ample), l);
  REQUIRE(run_until(b.io, [&] { return l.is_open(); }));
  std::string expected = "open; ";
  for (int i = 0; i < 2'000; ++i) {
    l.socket->send(std::to_string(i));
    expected += "'" + std::to_string(i) + "'; ";
  }
  // The last echo may be here before its own writing is told.
  CHECK(run_until(b.io, [&] { return l.messages == 2'000 && l.drained > 0; }));
  CHECK(l.story == expected);
  CHECK(l.drained == 1);
}

TEST_CASE("WebSocket: an agreement in pieces, with messages right behind it", "[H6][http][etcd]") {
  bool const trickle = GENERATE(false, true);
  auto const more = GENERATE(std::string(), "X-Long: " + std::string(3'000, 'x') + "\r\n");
  scripted_server server([&](scripted_peer& p) {
    auto all = agreement(p.read_request(), more);
    for (int i = 0; i < 30; ++i) all += frame(text_frame, std::string(100, 'x'));
    if (!trickle) p.write(all);
    else
      for (char const c : all) p.write({&c, 1});
    p.write(frame(closing, {}));
    p.wait_for_end();
  });
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  listen(b, *net, l);
  CHECK(l.messages == 30);
}

TEST_CASE("WebSocket: whatever else is answered is a refusal", "[H1][http][etcd]") {
  struct refusal {
    std::string answer, says;
  };
  auto const t = GENERATE(values<refusal>({
      {sized("no\nway", "404 Not Found"), "HTTP status 404"},
      {sized("{}"), "HTTP status 200"},
      {"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "HTTP status 301"},
      {"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP status 400"},
      {"HTTP/1.0 426 Upgrade Required\r\n\r\n", "HTTP status 426"},
      {"HTTP/1.1 100 Continue\r\n\r\n", "no WebSocket"},
      {"garbage\r\n\r\n", "no WebSocket"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), "no WebSocket"},
      {std::string(20'000, '\0'), "no WebSocket"},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "no WebSocket"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
       "no WebSocket"},
      {"HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "no WebSocket"},
  }));
  bool const trickle = GENERATE(false, true);
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    if (!trickle) p.write(t.answer);
    else
      for (char const c : t.answer) p.write({&c, 1});
    p.wait_for_end();
  });
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  CHECK(listen(b, *net, l) == "refused; ");
  CHECK_THAT(l.end->text(), ContainsSubstring(t.says));
  CHECK(run_until(b.io, [&] { return server.ended() == 1; }));
}

TEST_CASE("WebSocket: a server that is reached and does not answer, and one that is not reached",
          "[N1][N3][http][etcd]") {
  http_bench b;
  listener l;
  SECTION("silence") {
    scripted_server server([](scripted_peer& p) { p.wait_for_end(); });
    auto const net = b.reach(server);
    CHECK(listen(b, *net, l, 200ms) == "no answer; ");
    CHECK(l.end->ec == errc::timed_out);
    CHECK(run_until(b.io, [&] { return server.ended() == 1; }));
  }
  SECTION("half an answer") {
    scripted_server server([](scripted_peer& p) {
      p.read_request();
      p.write("HTTP/1.1 101 Switching");
      p.wait_for_end();
    });
    auto const net = b.reach(server);
    CHECK(listen(b, *net, l, 200ms) == "no answer; ");
  }
  SECTION("closed") {
    scripted_server server([](scripted_peer& p) {
      p.read_request();
      p.close();
    });
    auto const net = b.reach(server);
    CHECK(listen(b, *net, l) == "no answer; ");
    CHECK(l.end->ec == errc::unreachable);
  }
  SECTION("cut off") {
    scripted_server server([](scripted_peer& p) {
      p.read_request();
      p.write("HTTP/1.1 101 Switching");
      p.close();
    });
    auto const net = b.reach(server);
    CHECK(listen(b, *net, l) == "no answer; ");
    CHECK_THAT(l.end->text(), ContainsSubstring("cut off"));
  }
  SECTION("nobody there") {
    auto const net = b.reach("127.0.0.1", 1);
    CHECK(listen(b, *net, l) == "no connection; ");
    CHECK(l.end->ec == errc::unreachable);
  }
  SECTION("a plain server where TLS is spoken") {
    scripted_server server([](scripted_peer& p) { p.close(); });
    auto const net = b.reach_tls("127.0.0.1", server.port(), {});
    CHECK(listen(b, *net, l) == "no connection; ");
  }
}

TEST_CASE("WebSocket: parts are one message, pings are answered, and what is too long costs no memory",
          "[H6][http][etcd]") {
  std::string pong;
  scripted_server server(agree([&](scripted_peer& p) {
    p.write(frame(unfinished, "a") + frame('\0', "b") + frame(ping, "hi") + frame(rest, "c"));
    auto const answer = read_frame(p);
    pong = answer.first + answer.payload;
    p.write(frame(unfinished, std::string(60, 'x')));
    for (int i = 0; i < 1'000; ++i) p.write(frame('\0', std::string(1'000, 'x')));
    p.write(frame(rest, "x") + frame(text_frame, std::string(100, 'y')) + frame(text_frame, std::string(101, 'z')));
    p.write(frame(text_frame, "end") + frame(closing,
                                             "\x03\xe9"
                                             "bye"));
    p.wait_for_end();
  }));
  http_bench b;
  auto const net = b.reach(server, {1000, 1000, 100, 2});
  listener l;
  CHECK(listen(b, *net, l) == "open; 'abc'; skipped; 100; skipped; 'end'; broken; ");
  CHECK(pong == "\x8ahi");
  CHECK_THAT(l.end->text(), ContainsSubstring("1001"));
}

TEST_CASE("WebSocket: what breaks it, or breaks its rules, ends it", "[N2][H6][http][etcd]") {
  auto const bad = GENERATE(as<std::string>(), "", "\x81", "\x81\xff", "\x91\x01x", "\x83\x01x", "\x89\x7e\xff\xff",
                            "\x80\x01x", "\x81\x01\xff", "\x88\x01x", "\x88\x02\x00\x01", "\x09\x01x");
  bool const reset = GENERATE(false, true);
  scripted_server server(agree([&](scripted_peer& p) {
    p.write(frame(text_frame, "a") + bad);
    if (bad.size() > 2) return p.wait_for_end();
    read_frame(p);
    if (reset) p.reset();
    else p.close();
  }));
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  l.at_each = [&] {
    if (l.story.ends_with("'a'; ")) l.socket->send("x");
  };
  CHECK(listen(b, *net, l) == "open; 'a'; broken; ");
  CHECK(l.end->ec == errc::unreachable);
}

TEST_CASE("WebSocket: who lets go of it says goodbye and closes", "[http]") {
  std::string last;
  scripted_server server(agree([&](scripted_peer& p) {
    auto const got = read_frame(p);
    last = got.first + got.payload;
    p.wait_for_end();
  }));
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  l.socket = net->open_socket("/v3/watch", b.in(ample), l);
  REQUIRE(run_until(b.io, [&] { return l.is_open(); }));
  l.socket.reset();
  b.io.restart();
  b.io.run_for(5s);
  CHECK(b.io.stopped());  // at once, not when the server has answered
  CHECK(run_until(b.io, [&] { return server.ended() == 1; }));
  CHECK(last == "\x88\x03\xe8");
  CHECK(l.story == "open; ");
}

TEST_CASE("WebSocket: each call may destroy it, or the transport", "[L3][http][etcd]") {
  std::string const whole = "open; 'a'; skipped; broken; ";
  auto const last = GENERATE(as<std::string>(), "open; ", "'a'; ", "skipped; ", "broken; ");
  bool const transport = GENERATE(false, true);
  bool const writing = GENERATE(false, true);
  scripted_server server(agree([](scripted_peer& p) {
    p.write(frame(text_frame, "a") + frame(text_frame, "12345678901") + frame(closing, ""));
    p.wait_for_end();
  }));
  http_bench b;
  auto net = b.reach(server, {1000, 1000, 10, 2});
  listener l;
  l.socket = net->open_socket("/v3/watch", b.in(ample), l);
  bool gone = false;
  l.at_each = [&] {
    if (!l.story.ends_with(last)) return;
    if (writing && !l.end)
      for (int i = 0; i < 3; ++i) l.socket->send(std::string(100'000, 'x'));
    gone = true;
    if (transport) net.reset();
    else l.socket.reset();
  };
  CHECK(run_until(b.io, [&] { return gone; }));
  b.io.restart();
  b.io.run_for(2s);
  CHECK(b.io.stopped());
  CHECK(l.story == whole.substr(0, whole.find(last) + last.size()));
}

TEST_CASE("WebSocket: the execution context may go at any time", "[http]") {
  auto const until = GENERATE(0, 1, 2, 3);
  scripted_server server(agree([](scripted_peer& p) {
    p.write(frame(text_frame, "a"));
    p.wait_for_end();
  }));
  listener l;
  std::shared_ptr<store_context> context;
  {
    http_bench b;
    context = b.context;
    auto const net = b.reach(server);
    l.socket = net->open_socket("/v3/watch", b.in(ample), l);
    if (until == 1) b.io.run_one();
    if (until == 2) REQUIRE(run_until(b.io, [&] { return l.is_open(); }));
    if (until == 3) {
      REQUIRE(run_until(b.io, [&] { return l.messages == 1; }));
      l.socket->send(std::string(50'000, 'x'));
    }
    b.context.reset();
    if (until == 3) l.socket.reset();
  }
  CHECK_FALSE(l.end);
}

}  // namespace coelect::test
