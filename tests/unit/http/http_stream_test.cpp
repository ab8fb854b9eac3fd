// Streams of lines over real sockets, against servers that follow scripts.
#include "http/line_splitter.hpp"
#include "http_bench.hpp"

namespace coelect::test {
namespace {

std::string const head = "HTTP/1.1 200 OK\r\nGrpc-Metadata: x\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(std::string const& text) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

struct listener final : http::stream_reader {
  std::string story;  // what was called, in order
  std::optional<outcome> end;
  std::unique_ptr<http::pending> pending;
  std::function<void()> at_each = [] {};

  void on_head(http::response const& h) override { tell("head " + std::to_string(h.status) + h.body); }
  void on_line(std::string_view line) override { tell("line " + std::string(line)); }
  void on_skipped() override { tell("skipped"); }
  void on_end(outcome how) override {
    end = how;
    tell(how.ok() ? "end" : "broken");
  }
  void tell(std::string const& what) {
    story += what + "; ";
    at_each();
  }
};

std::string listen(http_bench& b, http::transport& net, listener& l, std::chrono::nanoseconds head_by = ample) {
  l.pending = net.open_stream(post(), b.in(head_by), l);
  CHECK(l.story.empty());
  CHECK(run_until(b.io, [&] { return l.end.has_value(); }));
  return l.story;
}

}  // namespace

TEST_CASE("Lines are cut at newlines, never by chunks", "[H6][http][etcd]") {
  struct cutting {
    std::string body, story;
  };
  auto const t = GENERATE(values<cutting>({
      {chunk("a\n") + chunk("b\n"), "line a; line b; "},
      {chunk("a\nb\n"), "line a; line b; "},
      {chunk("a") + chunk("b") + chunk("c\nd") + chunk("\n"), "line abc; line d; "},
      {chunk("a\nb"), "line a; line b; "},
      {chunk("\n\nx\n"), "line ; line ; line x; "},
      {chunk("a\n12345678901\nb\n"), "line a; skipped; line b; "},
      {chunk("1234567890\nb\n"), "line 1234567890; line b; "},
      {chunk("12345678") + chunk("90123") + chunk(std::string(100, 'x')) + chunk("z\nb\n"), "skipped; line b; "},
      {chunk("12345678901"), "skipped; "},
      {chunk("12345678901\n"), "skipped; "},
      {"", ""},
  }));
  bool const trickle = GENERATE(false, true);
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    std::string const all = head + t.body + "0\r\n\r\n";
    if (!trickle) p.write(all);
    else
      for (char const c : all) p.write({&c, 1});
    p.read_request();
    p.write(sized("next"));
  });
  http_bench b;
  auto const net = b.reach(server, {1000, 1000, 10, 2});
  listener l;
  CHECK(listen(b, *net, l) == "head 200; " + t.story + "end; ");
  CHECK(l.end->ok());
  CHECK(ask(b, *net).got.body == "next");
  CHECK(server.accepted() == 1);
}

TEST_CASE("A stream may be longer than bodies may, and its long lines cost no memory", "[http]") {
  http::line_splitter lines(10);
  int skipped = 0;
  std::string got;
  for (int i = 0; i < 1000; ++i) {
    lines.push(std::string(1000, 'x'));
    while (auto const piece = lines.take()) skipped += piece->skipped;
  }
  CHECK(skipped == 1);
  lines.push("the rest\nshort\n");
  while (auto const piece = lines.take()) got += piece->line;
  CHECK(got == "short");

  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(head);
    for (int i = 0; i < 1000; ++i) p.write(chunk(std::string(99, 'x') + "\n"));
    p.write("0\r\n\r\n");
  });
  http_bench b;
  auto const net = b.reach(server, {1000, 100, 100, 2});
  listener l;
  CHECK(listen(b, *net, l).size() > 100'000);
  CHECK(l.end->ok());
}

TEST_CASE("Lines are told as they come, for as long as it lasts", "[http]") {
  std::atomic<int> heard{0};
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(head);
    for (int i = 0; i < 3; ++i) {
      p.write(chunk("x\n"));
      while (heard <= i) std::this_thread::yield();
    }
    p.write("0\r\n\r\n");
  });
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  l.at_each = [&] { heard += l.story.ends_with("line x; "); };
  CHECK(listen(b, *net, l) == "head 200; line x; line x; line x; end; ");
}

TEST_CASE("The time for the head is no limit for the body", "[http]") {
  std::atomic<bool> go{false};
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(head);
    while (!go) std::this_thread::yield();
    p.write(chunk("x") + "0\r\n\r\n");
  });
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  timer later;
  l.at_each = [&] {
    if (!go) later = b.context->after(400ms, [&] { go = true; });
  };
  CHECK(listen(b, *net, l, 200ms) == "head 200; line x; end; ");
}

TEST_CASE("A head that does not come in time ends the stream", "[N3][http][etcd]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write("HTTP/1.1 200 OK\r\n");
    p.wait_for_end();
  });
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  CHECK(listen(b, *net, l, 200ms) == "broken; ");
  CHECK(l.end->ec == errc::timed_out);
  CHECK(run_until(b.io, [&] { return server.ended() == 1; }));
}

TEST_CASE("A stream that is cut off says so, after what was whole", "[N2][http][etcd]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    p.write(head + chunk("a\nb"));
    p.close();
  });
  http_bench b;
  auto const net = b.reach(server);
  listener l;
  CHECK(listen(b, *net, l) == "head 200; line a; broken; ");
  CHECK(l.end->ec == errc::unreachable);
  CHECK_THAT(l.end->details.message(), ContainsSubstring("cut off"));
}

TEST_CASE("Any status is a head; no connection and no HTTP are not", "[http]") {
  http_bench b;
  listener l;
  SECTION("status") {
    scripted_server server(always(sized("no\nway", "503 Service Unavailable")));
    auto const net = b.reach(server);
    CHECK(listen(b, *net, l) == "head 503; line no; line way; end; ");
  }
  SECTION("garbage") {
    scripted_server server(always("garbage\r\n\r\n"));
    auto const net = b.reach(server);
    CHECK(listen(b, *net, l) == "broken; ");
    CHECK(l.end->ec == errc::bad_response);
  }
  SECTION("garbage later") {
    scripted_server server(always(head + chunk("a\n") + "garbage\r\n"));
    auto const net = b.reach(server);
    CHECK(listen(b, *net, l) == "head 200; line a; broken; ");
    CHECK(l.end->ec == errc::bad_response);
  }
}

TEST_CASE("A stream over a connection that was closed is opened again", "[N9][http][etcd]") {
  scripted_server server([&](scripted_peer& p) {
    p.read_request();
    if (p.number == 2) return p.write(sized("x"));
    p.write(sized(""));
    p.read_request();
    p.close();
  });
  http_bench b;
  auto const net = b.reach(server);
  CHECK(ask(b, *net).how.ok());
  listener l;
  CHECK(listen(b, *net, l) == "head 200; line x; end; ");
  CHECK(server.accepted() == 2);
}

TEST_CASE("Each call may destroy the stream, or the transport", "[L3][http][etcd]") {
  std::string const whole = "head 200; line a; skipped; line b; end; ";
  auto const last = GENERATE(as<std::string>(), "head 200; ", "line a; ", "skipped; ", "line b; ", "end; ");
  bool const transport = GENERATE(false, true);
  scripted_server server(always(head + chunk("a\n12345678901\nb") + "0\r\n\r\n"));
  http_bench b;
  auto net = b.reach(server, {1000, 1000, 10, 2});
  listener l;
  l.pending = net->open_stream(post(), b.in(ample), l);
  bool gone = false;
  l.at_each = [&] {
    if (!l.story.ends_with(last)) return;
    gone = true;
    if (transport) net.reset();
    else l.pending.reset();
  };
  CHECK(run_until(b.io, [&] { return gone; }));
  b.io.restart();
  b.io.run_for(2s);
  CHECK(b.io.stopped());
  CHECK(l.story == whole.substr(0, whole.find(last) + last.size()));
}

}  // namespace coelect::test
