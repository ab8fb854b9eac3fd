// HTTP exchanges over real sockets, against servers that follow scripts.
#include "http/connector.hpp"
#include "http_bench.hpp"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coelect::test {
namespace {

bool says(http::exchanged const& e, errc code, std::string const& part) {
  INFO(e.how.text());
  CHECK(e.how.ec == code);
  CHECK_THAT(e.how.details.message(), ContainsSubstring(part));
  return e.how.ec == code;
}

/// A port whose queue is full: the kernel drops further connections without a word.
class black_hole {
public:
  black_hole() {
    for (int i = 0; i < 3; ++i) fill_.emplace_back(io_).async_connect(address(), [](error_code const&) {});
    io_.run_for(100ms);
  }
  boost::asio::ip::tcp::endpoint address() const { return full_.local_endpoint(); }

private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor full_ = listen_somewhere(io_, 0);
  std::list<boost::asio::ip::tcp::socket> fill_;
};

}  // namespace

TEST_CASE("An exchange sends what it was given and brings back the answer", "[http]") {
  std::string seen;
  scripted_server server([&](scripted_peer& p) {
    seen = p.read_request();
    p.write("HTTP/1.1 404 Not Found\r\nx-ms-request-id: 7\r\nContent-Length: 3\r\n\r\nabc");
  });
  http_bench b;
  auto const net = b.reach(server);
  auto what = post("{\"a\":1}");
  what.authorization = base::secret("Bearer token");
  auto const e = ask(b, *net, std::move(what));
  CHECK(e.how.ok());
  CHECK(e.sent);
  CHECK(e.got.status == 404);
  CHECK(e.got.body == "abc");
  CHECK(e.got.get("X-MS-Request-ID") == "7");
  CHECK(e.got.get("missing").empty());
  CHECK(net->name() == server.name());
  REQUIRE(run_until(b.io, [&] { return server.ended() == 1; }));
  CHECK(seen == "POST /v3/kv/range HTTP/1.1\r\nHost: " + server.name() +
                    "\r\nContent-Type: application/json\r\nAuthorization: Bearer token\r\nContent-Length: 7\r\n\r\n"
                    "{\"a\":1}");
}

TEST_CASE("One connection serves exchange after exchange", "[http]") {
  scripted_server server(always(sized("ok")));
  http_bench b;
  auto const net = b.reach(server);
  for (int i = 0; i < 5; ++i) CHECK(ask(b, *net).got.body == "ok");
  CHECK(server.accepted() == 1);
}

TEST_CASE("An unannounced trailer is among the fields, and the connection goes on", "[http]") {
  scripted_server server(
      always("HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nGrpc-Trailer-Content-Type: application/grpc\r\n\r\n"));
  http_bench b;
  auto const net = b.reach(server);
  for (int i = 0; i < 2; ++i) {
    auto const e = ask(b, *net);
    CHECK(e.got.body == "abcde");
    CHECK(e.got.get("grpc-trailer-content-type") == "application/grpc");
  }
  CHECK(server.accepted() == 1);
}

TEST_CASE("A body may end with the connection, which is then not kept", "[http]") {
  scripted_server server([](scripted_peer& p) {
    p.read_request();
    p.write("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    p.close();
  });
  http_bench b;
  auto const net = b.reach(server);
  for (int i = 0; i < 2; ++i) CHECK(ask(b, *net).got.body == "until the end");
  CHECK(server.accepted() == 2);
}

TEST_CASE("HEAD, 204 and 304 have no body, whatever their length says", "[http]") {
  auto const status = GENERATE(as<std::string>(), "200 OK", "204 No Content", "304 Not Modified");
  scripted_server server(always("HTTP/1.1 " + status + "\r\nContent-Length: 9\r\n\r\n"));
  http_bench b;
  auto const net = b.reach(server);
  for (int i = 0; i < 2; ++i) {
    auto what = post("");
    what.method = status == "200 OK" ? "HEAD" : "GET";
    auto const e = ask(b, *net, std::move(what));
    CHECK(e.how.ok());
    CHECK(e.got.body.empty());
  }
  CHECK(server.accepted() == 1);
}

TEST_CASE("An answer byte by byte is still an answer", "[N2][http][etcd][azure]") {
  std::string const chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: x\r\n\r\n";
  scripted_server server([&](scripted_peer& p) {
    for (;;) {
      p.read_request();
      for (char const c : chunked) p.write({&c, 1});
    }
  });
  http_bench b;
  auto const net = b.reach(server);
  for (int i = 0; i < 2; ++i) CHECK(ask(b, *net).got.body == "abc0123456789abcdef");
  CHECK(server.accepted() == 1);
}

TEST_CASE("What is no good answer is a bad response and ends the connection", "[H4][H8][http][etcd][azure]") {
  struct bad {
    std::string answer, why;
  };
  auto const t = GENERATE_COPY(values<bad>({
      {sized(std::string(101, 'x')), "longer than 100 bytes"},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), "longer than 100 bytes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", "longer than 100 bytes"},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(1000, 'x'), "header is longer than 500 bytes"},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(1000, 'x') + "\r\nContent-Length: 0\r\n\r\n",
       "header is longer than 500"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + std::string(1000, 'x'), "more than 500 bytes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no good answer"},
      {"\x15\x03\x01 not http at all\r\n\r\n", "no good answer"},
      {"HTTP/2.0 200 OK\r\n\r\n", "no good answer"},
      {"HTTP/1.1 100 Continue\r\n\r\n", "interim status 100"},
      {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "unknown encoding"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", "unknown transfer encoding"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "no good answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nx", "no good answer"},
  }));
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(t.answer);
    p.wait_for_end();
  });
  http_bench b;
  auto const net = b.reach(server, {500, 100, 100, 2});
  auto const e = ask(b, *net);
  CHECK(says(e, errc::bad_response, t.why));
  CHECK(e.sent);
  CHECK(e.how.details.endpoint() == server.name());
  CHECK(run_until(b.io, [&] { return server.ended() == 1; }));
}

TEST_CASE("A redirect is an answer like any other", "[H3][http][etcd][azure]") {
  scripted_server server(always("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"));
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).got.status == 302);
  CHECK(server.accepted() == 1);
}

TEST_CASE("Bytes behind an answer end the connection, and are nobody's answer", "[H4][http][etcd][azure]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(sized(std::to_string(p.number)) + sized("smuggled"));
    p.wait_for_end();
  });
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).got.body == "1");
  CHECK(ask(b, *net).got.body == "2");
}

TEST_CASE("Bytes that come while a connection rests end it", "[H4][http][etcd][azure]") {
  std::atomic<bool> go{false}, smuggled{false};
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(sized(std::to_string(p.number)));
    if (p.number > 1) return;
    while (!go) std::this_thread::yield();
    p.write(sized("smuggled"));
    smuggled = true;
    p.wait_for_end();
  });
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).got.body == "1");
  go = true;
  REQUIRE(run_until(b.io, [&] { return smuggled.load(); }));
  CHECK(ask(b, *net).got.body == "2");
  CHECK(run_until(b.io, [&] { return server.ended() == 2; }));
}

TEST_CASE("Connection: close and HTTP/1.0 are not kept", "[H4][http][etcd][azure]") {
  auto const head = GENERATE(as<std::string>(), "HTTP/1.1 200 OK\r\nConnection: close\r\n", "HTTP/1.0 200 OK\r\n");
  scripted_server server(always(head + "Content-Length: 0\r\n\r\n"));
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).how.ok());
  CHECK(ask(b, *net).how.ok());
  CHECK(server.accepted() == 2);
}

TEST_CASE("As many exchanges as wanted run at a time; so many connections are kept as allowed", "[http]") {
  std::atomic<int> asked{0};
  scripted_server server([&](scripted_peer& p) {
    for (;;) {
      p.read_request();
      ++asked;
      while (asked < 4) std::this_thread::yield();
      p.write(sized(""));
    }
  });
  http_bench b;
  auto const net = b.reach(server, {1000, 1000, 1000, 2});
  std::list<one_exchange> all;
  for (int i = 0; i < 4; ++i) all.emplace_back(*net, post(), b.in(ample));
  auto const answered = [&] { return std::all_of(all.begin(), all.end(), [](auto& one) { return one.calls == 1; }); };
  CHECK(run_until(b.io, answered));
  CHECK(server.accepted() == 4);
  CHECK(run_until(b.io, [&] { return server.ended() == 2; }));
  all.clear();
  for (int i = 0; i < 2; ++i) all.emplace_back(*net, post(), b.in(ample));
  CHECK(run_until(b.io, answered));
  CHECK(server.accepted() == 4);
}

TEST_CASE("run() returns while connections rest", "[http]") {
  scripted_server server(always(sized("")));
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).how.ok());
  b.io.restart();
  b.io.run_for(5s);
  CHECK(b.io.stopped());
  CHECK(server.ended() == 0);
  CHECK(ask(b, *net).how.ok());
  CHECK(server.accepted() == 1);
}

TEST_CASE("Nobody listens: unreachable, and nothing was sent", "[N1][http][etcd][azure]") {
  std::uint16_t port = 0;
  {
    boost::asio::io_context io;
    port = listen_somewhere(io).local_endpoint().port();
  }
  http_bench b;
  auto const net = b.reach("127.0.0.1", port);
  auto const e = ask(b, *net);
  CHECK(says(e, errc::unreachable, "no connection to 127.0.0.1:" + std::to_string(port) + ": Connection refused"));
  CHECK_FALSE(e.sent);
}

TEST_CASE("A name is looked up, and all of its addresses are tried", "[N1][http][etcd][azure]") {
  scripted_server server(always(sized("ok")));
  http_bench b;
  CHECK(ask(b, *b.reach("localhost", server.port())).got.body == "ok");
  auto const e = ask(b, *b.reach("no-such-host.invalid", 80));
  CHECK(says(e, errc::unreachable, "no address for no-such-host.invalid:80"));
  CHECK_FALSE(e.sent);
}

TEST_CASE("An IPv6 address has brackets in names", "[http]") {
  http_bench b;
  CHECK(b.reach("::1", 2379)->name() == "[::1]:2379");
  CHECK_THROWS_AS(b.reach("a b", 1), election_error);
  CHECK_THROWS_AS(b.reach("", 1), election_error);
}

TEST_CASE("give_up ends an attempt to connect", "[N3][http][etcd][azure]") {
  black_hole const hole;
  http_bench b;
  auto const net = b.reach("127.0.0.1", hole.address().port());
  auto const e = ask(b, *net, post(), 200ms);
  CHECK(says(e, errc::timed_out, "no connection to " + net->name() + " in time"));
  CHECK_FALSE(e.sent);
}

TEST_CASE("An address where nothing answers leaves time for the others", "[N3][http][etcd][azure]") {
  black_hole const hole;
  scripted_server server(always(sized("")));
  http_bench b;
  auto const to = std::make_shared<http::destination>(http::destination{{false, "somewhere", 80}, "somewhere:80", {}});
  boost::asio::ip::tcp::endpoint const good(boost::asio::ip::address_v4::loopback(), server.port());
  auto const began = b.context->now();
  auto const trying = std::make_shared<http::connector>(b.context, to, began + 600ms);
  std::optional<outcome> how;
  std::shared_ptr<http::byte_stream> stream;
  trying->start({hole.address(), good, hole.address()}, [&](outcome o, std::shared_ptr<http::byte_stream> s) {
    how = std::move(o);
    stream = std::move(s);
  });
  CHECK_THAT(trying->late(), ContainsSubstring("no connection to somewhere:80 in time"));
  REQUIRE(run_until(b.io, [&] { return how.has_value(); }));
  CHECK(how->ok());
  CHECK(stream);
  CHECK((began + 200ms).reached(b.context->now()));
  CHECK(run_until(b.io, [&] { return server.accepted() == 1; }));
  CHECK_THAT(trying->late(), ContainsSubstring("before that: no connection to somewhere:80: 127.0.0.1: no answer"));
}

TEST_CASE("give_up ends the wait for an answer, and for the rest of one", "[N3][http][etcd][azure]") {
  struct slow {
    std::string begins, says;
  };
  auto const t = GENERATE(
      values<slow>({{"", "no answer from "}, {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "did not end"}}));
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(t.begins);
    p.wait_for_end();
  });
  http_bench b;
  auto const net = b.reach(server);
  auto const before = b.context->now();
  auto const e = ask(b, *net, post(), 200ms);
  CHECK(says(e, errc::timed_out, t.says));
  CHECK(e.sent);
  CHECK((before + 200ms).reached(b.context->now()));
  CHECK(run_until(b.io, [&] { return server.ended() == 1; }));
}

TEST_CASE("A trickle does not outlast give_up", "[N4][http][etcd][azure]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write("HTTP/1.1 200 OK\r\n\r\n");
    for (;;) {
      p.write("x");
      std::this_thread::yield();
    }
  });
  http_bench b;
  auto const e = ask(b, *b.reach(server, {1000, 1u << 30, 1000, 2}), post(), 300ms);
  CHECK(says(e, errc::timed_out, "did not end"));
  CHECK(e.how.details.http_status() == 200);
}

TEST_CASE("A give_up that has passed sends nothing", "[http]") {
  scripted_server server(always(sized("")));
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).how.ok());
  auto const e = ask(b, *net, post(), -1ms);
  CHECK(says(e, errc::timed_out, "no connection"));
  CHECK_FALSE(e.sent);
}

TEST_CASE("give_up may be never", "[http]") {
  scripted_server server(always(sized("")));
  http_bench b;
  auto const net = b.reach("localhost", server.port());
  one_exchange one(*net, post(), instant::never());
  CHECK(run_until(b.io, [&] { return one.calls == 1; }));
  CHECK(one.result->how.ok());
}

TEST_CASE("An answer that is cut off is no answer", "[N2][http][etcd][azure]") {
  auto const begins = GENERATE(as<std::string>(), "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  bool const hard = GENERATE(false, true);
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(begins);
    if (hard) p.reset();
    else p.close();
  });
  http_bench b;
  auto const e = ask(b, *b.reach(server));
  CHECK(says(e, errc::unreachable, begins.empty() ? "without an answer" : hard ? server.name() : "was cut off"));
  CHECK(e.sent);
  CHECK(server.accepted() == 1);
}

TEST_CASE("A kept connection that the server closes at the next request", "[N9][http][etcd][azure]") {
  std::atomic<int> requests{0};
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    ++requests;
    p.write(sized(std::to_string(p.number)));
    p.read_request();
    ++requests;
    p.close();
  });
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).got.body == "1");
  SECTION("The request is sent once more where that does no harm") {
    CHECK(ask(b, *net).got.body == "2");
    CHECK(requests == 3);
  }
  SECTION("And reported where it might") {
    auto what = post();
    what.repeatable = false;
    auto const e = ask(b, *net, std::move(what));
    CHECK(says(e, errc::unreachable, "closed a kept connection"));
    CHECK(e.sent);
    CHECK(requests == 2);
    CHECK(server.accepted() == 1);
  }
}

TEST_CASE("The silent retry happens once", "[N9][http][etcd][azure]") {
  std::atomic<int> requests{0};
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    if (++requests > 1) return p.close();
    p.write(sized(""));
    p.read_request();
    p.close();
  });
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).how.ok());
  CHECK(says(ask(b, *net), errc::unreachable, "without an answer"));
  CHECK(server.accepted() == 2);
}

TEST_CASE("A connection that was closed while it rested is not used", "[N9][http][etcd][azure]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(sized(std::to_string(p.number)));
    p.close();
  });
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).got.body == "1");
  REQUIRE(run_until(b.io, [&] { return server.ended() == 1; }));
  auto what = post();
  what.repeatable = false;
  auto const e = ask(b, *net, std::move(what));
  CHECK(e.how.ok());
  CHECK(e.got.body == "2");
}

TEST_CASE("Who drops the pending hears nothing, and the connection is closed", "[L1][http][etcd][azure]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.wait_for_end();
  });
  http_bench b;
  auto const net = b.reach(server);
  one_exchange one(*net, post(), b.in(ample));
  SECTION("at once") {
    one.pending.reset();
    b.io.run_for(1s);
    CHECK(b.io.stopped());
    CHECK(server.accepted() == 0);
  }
  SECTION("in the middle") {
    CHECK(run_until(b.io, [&] { return server.accepted() == 1; }));
    one.pending.reset();
    CHECK(run_until(b.io, [&] { return server.ended() == 1; }));
    b.io.restart();
    b.io.run_for(5s);
    CHECK(b.io.stopped());
  }
  CHECK(one.calls == 0);
}

TEST_CASE("The transport may go before what is under way, without a call", "[L2][http][etcd][azure]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(sized(""));
    p.read_request();
    p.wait_for_end();
  });
  http_bench b;
  auto net = b.reach(server);
  CHECK(ask(b, *net).how.ok());
  one_exchange one(*net, post(), b.in(ample));
  b.io.restart();
  b.io.poll();
  net.reset();
  CHECK(run_until(b.io, [&] { return server.ended() == 1; }));
  CHECK(one.calls == 0);
}

TEST_CASE("done may destroy the transport, and its own pending", "[L3][http][etcd][azure]") {
  scripted_server server(always(sized("ok")));
  http_bench b;
  auto net = b.reach(server);
  std::unique_ptr<http::pending> pending, other;
  std::string body;
  other = net->exchange(post(), instant::never(), [&](http::exchanged) { body += "?"; });
  pending = net->exchange(post(), b.in(ample), [&](http::exchanged e) {
    body += e.got.body;
    net.reset();
    pending.reset();
  });
  other.reset();
  CHECK(run_until(b.io, [&] { return !body.empty(); }));
  CHECK(run_until(b.io, [&] { return server.ended() == server.accepted(); }));
  CHECK(body == "ok");
}

TEST_CASE("The end of the execution context closes everything without a call", "[L2][http][etcd][azure]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    if (p.number == 1) p.write(sized(""));
    p.wait_for_end();
  });
  auto const token = std::make_shared<int>(0);
  std::shared_ptr<http::transport> net;
  std::unique_ptr<http::pending> waiting, connecting, later;
  auto const never = [token](http::exchanged) { FAIL("nothing is called"); };
  {
    auto b = std::make_unique<http_bench>();
    net = b->reach(server);
    CHECK(ask(*b, *net).how.ok());
    one_exchange taken(*net, post(), b->in(ample));  // takes the kept one
    waiting = net->exchange(post(), b->in(ample), never);
    CHECK(run_until(b->io, [&] { return server.accepted() == 2; }));
    taken.pending.reset();
    connecting = b->reach("localhost", server.port())->exchange(post(), b->in(ample), never);
    b.reset();
  }
  CHECK(run_until(*std::make_unique<boost::asio::io_context>(), [&] { return server.ended() == 2; }));
  CHECK(token.use_count() == 2);  // ours and the one in `never`: what was kept for calls is gone
  later = net->exchange(post(), instant::never(), never);
  CHECK(token.use_count() == 2);
}

TEST_CASE("Secrets are in no message and in no log", "[http]") {
  std::string const canary = "canary-4711";
  auto const answer =
      GENERATE(as<std::string>(), "", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(answer);
    p.close();
  });
  http_bench b;
  auto what = post(canary);
  what.authorization = base::secret(canary);
  auto const e = ask(b, *b.reach(server), std::move(what));
  CHECK_FALSE(e.how.ok());
  CHECK(e.how.text().find(canary) == std::string::npos);
  CHECK(b.logged.empty());
}

TEST_CASE("A field cannot bring others along", "[http]") {
  scripted_server server(always(sized("")));
  http_bench b;
  auto const net = b.reach(server);
  std::string const canary = "x\r\nInjected: 1";
  auto what = post();
  SECTION("value") { what.fields.push_back({"A", canary}); }
  SECTION("name") { what.fields.push_back({canary, "a"}); }
  SECTION("target") { what.target = "/a b"; }
  SECTION("authorization") { what.authorization = base::secret(canary); }
  auto const e = ask(b, *net, std::move(what));
  CHECK(says(e, errc::bad_options, "header"));
  CHECK_FALSE(e.sent);
  CHECK(e.how.text().find("Injected") == std::string::npos);
}

TEST_CASE("A process without free descriptors is told so", "[P6][http][etcd][azure]") {
  scripted_server server(always(sized("")));
  http_bench b;
  auto const net = b.reach(server);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  int const used = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  auto few = before;
  few.rlim_cur = 0;  // every new descriptor is one too many
  one_exchange one(*net, post(), b.in(ample));
  ::setrlimit(RLIMIT_NOFILE, &few);
  bool const answered = run_until(b.io, [&] { return one.calls == 1; });
  ::setrlimit(RLIMIT_NOFILE, &before);
  ::close(used);
  REQUIRE(answered);
  CHECK(says(*one.result, errc::unreachable, "Too many open files"));
  CHECK_FALSE(one.result->sent);
}

TEST_CASE("Connections are not left to programs that this one starts", "[P5][http][etcd][azure]") {
  scripted_server server(always(sized("")));
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).how.ok());
  int ours = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in to{};
    socklen_t size = sizeof to;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&to), &size) != 0 || to.sin_port != htons(server.port()))
      continue;
    ++ours;
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(ours == 1);
}

TEST_CASE("A forked child that lets go of everything takes nothing from its parent", "[P5][http][etcd][azure]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(sized("1"));
    p.read_request();
    p.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
    p.read_request();  // of another connection never comes: waits for the parent below
  });
  http_bench b;
  auto net = b.reach(server);
  CHECK(ask(b, *net).got.body == "1");
  one_exchange one(*net, post(), b.in(300ms));  // under way, waits for the body
  CHECK(run_until(b.io, [&] { return server.accepted() == 1; }));
  b.io.restart();
  b.io.poll();
  auto idle = b.reach(server);
  CHECK(ask(b, *idle).got.body == "1");
  auto const child = ::fork();
  if (child == 0) {
    one.pending.reset();
    net.reset();
    idle.reset();
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  // Its epoll registration is still there: the end of the wait and the next exchange are heard.
  CHECK(run_until(b.io, [&] { return one.calls == 1; }));
  CHECK(one.result->how.ec == errc::timed_out);
  auto const next = ask(b, *idle, post(), 300ms);
  CHECK(next.how.ec == errc::timed_out);
  CHECK(next.how.details.http_status() == 200);
  CHECK(server.accepted() == 2);
}

}  // namespace coelect::test
