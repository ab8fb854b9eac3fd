// What answers are taken for, byte by byte and when they are damaged. No sockets.
#include "http/answer_parser.hpp"
#include <support/catch.hpp>

namespace coelect::test {
namespace {

std::string const chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n"
    "3;x=\"y\"\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: x\r\n\r\n";

}  // namespace

TEST_CASE("An answer is the same however its bytes come", "[N2][http][etcd][azure]") {
  for (std::size_t step = 1; step <= chunked.size(); ++step) {
    http::answer_parser p({1000, 1000}, false);
    for (std::size_t at = 0; at < chunked.size(); at += step) {
      CHECK_FALSE(p.done());
      p.feed(std::string_view(chunked).substr(at, step));
    }
    CHECK(p.problem() == "");
    CHECK(p.done());
    CHECK(p.reusable());
    CHECK(p.got().body == "abc0123456789abcdef");
    CHECK(p.got().get("t") == "x");
  }
}

TEST_CASE("An empty body in chunks, byte by byte", "[http]") {
  http::answer_parser p({1000, 1000}, false);
  for (char const c : std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) {
    CHECK_FALSE(p.done());
    p.feed({&c, 1});
  }
  CHECK(p.done());
  CHECK(p.reusable());
}

TEST_CASE("Nothing of a chunk is held back", "[http]") {
  http::answer_parser p({1000, 1000}, false);
  p.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n");
  p.feed("0");
  CHECK(p.got().body == "0");
  p.feed("\n\r\n");
  CHECK(p.got().body == "0\n");
}

TEST_CASE("A header is counted as a whole, also when its fields come one at a time", "[H4][http][etcd][azure]") {
  http::answer_parser p({500, 100}, false);
  p.feed("HTTP/1.1 200 OK\r\n");
  int fields = 0;
  for (; p.problem().empty() && fields < 1000; ++fields) p.feed("A: b\r\n");
  CHECK(fields == 81);  // 17 bytes and 80 of 6 are within it
  CHECK(p.problem() == "its header is longer than 500 bytes");
}

TEST_CASE("Trailers are bounded too, however they come", "[H4][http][etcd][azure]") {
  http::answer_parser p({500, 100}, false);
  p.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
  int fields = 0;
  for (; p.problem().empty() && fields < 1000; ++fields) p.feed("A: b\r\n");
  CHECK(fields < 100);
}

TEST_CASE("The end of the connection ends only a body that nothing else ends", "[N2][http][etcd][azure]") {
  struct cut {
    std::string answer;
    bool whole;
  };
  auto const t = GENERATE(values<cut>({
      {"HTTP/1.1 200 OK\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\n\r\nabc", true},
      {"HTTP/1.1 200 OK\r\n", false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", false},
  }));
  http::answer_parser p({1000, 1000}, false);
  p.feed(t.answer);
  CHECK_FALSE(p.done());
  p.feed_end();
  CHECK(p.done() == t.whole);
  CHECK_FALSE(p.reusable());
  CHECK(p.problem() == "");
}

TEST_CASE("Damaged answers are judged, never more than that", "[H4][http][etcd][azure]") {
  std::string const sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nabcde";
  std::string const empty = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: x\r\n\r\n";
  std::uint32_t chance = 1;
  auto const next = [&](std::size_t below) { return (chance = chance * 1664525u + 1013904223u) / 65536u % below; };
  int done = 0, bad = 0;
  for (int round = 0; round < 20000; ++round) {
    auto text = next(3) == 0 ? empty : next(2) ? chunked : sized;
    auto const most = 1 + next(30);  // bytes at a time
    for (auto changes = next(4); changes > 0; --changes) {
      auto const at = next(text.size());
      switch (next(4)) {
        case 0: text[at] = static_cast<char>(next(256)); break;
        case 1: text.insert(at, text.substr(next(text.size()), next(20))); break;
        case 2: text.erase(at, 1 + next(5)); break;
        default: text.insert(at, 1, "\r\n\0 :;0f"[next(8)]);
      }
    }
    http::answer_parser p({1000, 1000}, false);
    std::string_view left = text;
    while (!left.empty() && !p.done() && p.problem().empty()) {
      auto const some = std::min<std::size_t>(1 + next(most), left.size());
      p.feed(left.substr(0, some));
      left.remove_prefix(some);
    }
    p.feed_end();
    done += p.done();
    bad += !p.problem().empty();
    CHECK(p.got().body.size() <= 1000);
  }
  CHECK(done > 1000);
  CHECK(bad > 1000);
}

}  // namespace coelect::test
