// The tools of the etcd tests themselves: servers, clusters, certificates, and every fault of the proxy on a real etcd.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <cstdlib>
#include <future>
#include <support/catch.hpp>
#include <support/certificates.hpp>
#include <support/etcd_server.hpp>
#include <support/fault_proxy.hpp>
#include <unistd.h>

using namespace coelect::test;
using namespace std::chrono_literals;
using nlohmann::json;
using reason = etcd_unreachable::reason;

namespace {

json put_body(std::string const& key, std::string const& value) {
  return {{"key", base64_encode(key)}, {"value", base64_encode(value)}};
}

/// How a put that must not be answered fails.
reason failed_put(std::uint16_t port, std::string const& key, milliseconds limit = 5s) {
  try {
    auto const answer = rpc(port, "kv/put", put_body(key, "v"), limit);
    FAIL("answered: " << answer.status << " " << answer.text);
  } catch (etcd_unreachable const& e) {
    return e.why;
  }
  return {};
}

/// One server for all cases here: they use different keys.
etcd_server& shared_server() {
  static etcd_server server;
  return server;
}

auto in_background(std::uint16_t port, std::string key, milliseconds limit = 10s) {
  return std::async(std::launch::async, [=] { return failed_put(port, key, limit); });
}

bool appears(etcd_client const& client, std::string const& key) {
  auto const end = std::chrono::steady_clock::now() + 5s;
  while (!client.get(key))
    if (std::chrono::steady_clock::now() > end) return false;
  return true;
}

struct variable {
  variable(char const* name, char const* value) : name_(name) { ::setenv(name, value, 1); }
  ~variable() { ::unsetenv(name_); }
  char const* name_;
};

}  // namespace

TEST_CASE("base64 there and back", "[etcd][harness]") {
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("foo") == "Zm9v");
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
    CHECK(base64_decode(base64_encode(all)) == all);
  }
}

TEST_CASE("A missing program is named", "[etcd][harness]") {
  variable const etcd("COELECT_ETCD", "/nowhere/etcd");
  variable const etcdctl("COELECT_ETCDCTL", "/nowhere/etcdctl");
  CHECK_THROWS_WITH(etcd_program(),
                    "etcd is not installed: apt-get install etcd-server (or set COELECT_ETCD to the program)");
  CHECK_THROWS_WITH(etcd_server(), ContainsSubstring("apt-get install etcd-server"));
  CHECK_THROWS_WITH(etcdctl_program(), ContainsSubstring("apt-get install etcd-client"));
}

TEST_CASE("A server that cannot start shows its log", "[etcd][harness]") {
  etcd_options options;
  options.flags = {"--no-such-flag"};
  CHECK_THROWS_WITH(etcd_server(options), ContainsSubstring("no-such-flag"));
}

TEST_CASE("One server: the client's calls", "[etcd][harness]") {
  auto& server = shared_server();
  CHECK(server.client_port() < 32768);
  auto const client = server.client();
  auto const first = client.put("calls/a", "1");
  auto const lease = client.grant(30);
  CHECK(client.put("calls/b", std::string("\0\xff", 2), lease) == first + 1);
  auto const b = client.get("calls/b");
  REQUIRE(b);
  CHECK(b->value == std::string("\0\xff", 2));
  CHECK(b->create_revision == first + 1);
  CHECK(b->lease == lease);
  CHECK(client.time_to_live(lease) > 25);
  auto const keys = client.list("calls/");
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].key == "calls/a");
  client.revoke(lease);
  CHECK(client.time_to_live(lease) == -1);
  CHECK_FALSE(client.get("calls/b"));
  auto const absent = client.txn({{"compare", {{{"key", base64_encode("calls/c")}, {"target", "CREATE"}}}},
                                  {"success", {{{"request_put", put_body("calls/c", "3")}}}}});
  CHECK(absent.value("succeeded", false));
  CHECK(client.del("calls/c") == 1);
  CHECK(client.del("calls/c") == 0);
  client.put("calls/big", std::string(20000, 'x'));  // answered in chunks
  CHECK(client.get("calls/big")->value.size() == 20000);
  CHECK(client.grant(30, 4711) == 4711);
  CHECK(client.leases() == std::vector<std::int64_t>{4711});
  client.revoke(4711);
  client.compact(client.revision());
  CHECK_THROWS_WITH(client.call("kv/range", {{"key", base64_encode("calls/a")}, {"revision", std::to_string(first)}}),
                    ContainsSubstring("compacted"));
  CHECK(rpc(server.client_port(), "kv/nothing", json::object()).status == 404);
  CHECK_THAT(etcdctl({"--endpoints", server.url(), "get", "calls/a"}), ContainsSubstring("calls/a\n1"));
}

TEST_CASE("A server restarts with its data and stops on demand", "[etcd][harness]") {
  etcd_server server({{}, {}, {}, true});
  server.client().put("kept", "yes");
  auto const port = server.client_port();
  auto const pid = server.pid();
  server.restart();
  CHECK(server.client_port() == port);
  CHECK(server.pid() != pid);
  CHECK(server.client().get("kept")->value == "yes");

  server.terminate();
  CHECK_FALSE(server.running());
  CHECK(failed_put(port, "x") == reason::refused);
  server.start();
  CHECK(server.client().get("kept")->value == "yes");

  server.stop();
  CHECK_FALSE(server.running());
  CHECK(failed_put(port, "x", 200ms) == reason::timed_out);
  server.cont();
  CHECK(server.running());
  CHECK(server.client().get("kept")->value == "yes");

  server.stop();  // a stopped one can be killed, too
  server.kill();
  CHECK(failed_put(port, "x") == reason::refused);
  server.start();
  ::kill(server.pid(), SIGKILL);  // by somebody else
  while (server.running()) {
  }
  server.restart();
  CHECK(server.client().get("kept")->value == "yes");
}

TEST_CASE("Server data is gone afterwards, and so is the process", "[etcd][harness]") {
  std::filesystem::path where;
  pid_t pid;
  {
    etcd_server const server({{}, {}, {}, true});
    where = server.directory();
    pid = server.pid();
    CHECK(std::filesystem::exists(where / "data"));
  }
  CHECK_FALSE(std::filesystem::exists(where));
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("Three members elect, and elect again", "[etcd][harness]") {
  etcd_options options;
  options.quick = true;
  etcd_cluster cluster(3, options);
  CHECK(cluster.endpoints().size() == 3);
  auto const first = cluster.wait_for_leader();
  auto const follower = (first + 1) % 3;
  cluster.member(follower).client().put("k", "1");

  cluster.member(first).kill();
  auto const second = cluster.wait_for_leader();
  CHECK(second != first);
  cluster.member(second).client().put("k", "2");

  cluster.member(first).start();
  CHECK(cluster.member(first).client().get("k")->value == "2");
  CHECK(cluster.wait_for_leader() == second);

  cluster.member(second).stop();
  auto const third = cluster.wait_for_leader();
  CHECK(third != second);
  cluster.member(third).client().put("k", "3");
  cluster.member(second).cont();
  cluster.wait_for_leader();
  CHECK(cluster.member(second).client().get("k")->value == "3");

  for (std::size_t i = 1; i < 3; ++i) cluster.member(i).kill();
  cluster.member(1).start(false);  // no more than a quorum; it gets ready when the election is over
  cluster.member(1).wait_until_ready();
  CHECK(cluster.wait_for_leader() < 2);
}

TEST_CASE("Users: a restarted server counts as ready although it wants tokens", "[etcd][harness]") {
  etcd_server server({{}, {"--auth-token-ttl", "60"}, {}, true});
  auto const anyone = server.client();
  anyone.call("auth/user/add", {{"name", "root"}, {"password", "secret"}});
  anyone.call("auth/user/grant", {{"user", "root"}, {"role", "root"}});
  anyone.call("auth/enable", json::object());
  CHECK_THROWS_WITH(anyone.put("k", "v"), ContainsSubstring("user name is empty"));
  auto const root = server.client(anyone.authenticate("root", "secret"));
  root.put("k", "v");
  server.restart();
  CHECK(server.client(anyone.authenticate("root", "secret")).get("k")->value == "v");
}

TEST_CASE("TLS servers with good and bad certificates", "[etcd][harness][tls]") {
  test_certificates const made;
  auto const health = [](etcd_server const& server, certificate const* client, std::filesystem::path const& ca,
                         std::string const& patience) {
    std::vector<std::string> words{"--endpoints", server.url(), "--cacert", ca, "endpoint", "health"};
    words.insert(words.begin(), {"--dial-timeout", patience, "--command-timeout", patience});
    if (client) words.insert(words.begin(), {"--cert", client->file, "--key", client->key});
    return etcdctl(words);
  };
  auto const with = [](certificate const& c, std::filesystem::path ca = {}) {
    etcd_options options;
    options.quick = true;
    options.tls = etcd_tls{c.file, c.key, ca, !ca.empty()};
    return options;
  };
  SECTION("good, with client certificates") {
    etcd_server const server(with(made.server, made.ca));
    CHECK_THAT(server.url(), StartsWith("https://127.0.0.1:"));
    CHECK_THAT(health(server, &made.client, made.ca, "5s"), ContainsSubstring("is healthy"));
    CHECK_THAT(health(server, &made.client_with_name, made.ca, "5s"), ContainsSubstring("is healthy"));
    CHECK_THROWS(health(server, nullptr, made.ca, "500ms"));
    CHECK_THROWS(health(server, &made.client_of_other_ca, made.ca, "500ms"));
    CHECK_THROWS(health(server, &made.client, made.other_ca, "500ms"));
    CHECK(http_get(server.metrics_port(), "/health").status == 200);
    auto const plainly = failed_put(server.client_port(), "k");
    CHECK((plainly == reason::closed || plainly == reason::reset));
    // Through the proxy, which cannot read it and lets it pass.
    fault_proxy proxy(server.client_port());
    CHECK_THAT(etcdctl({"--endpoints", "https://" + proxy.endpoint(), "--cacert", made.ca, "--cert", made.client.file,
                        "--key", made.client.key, "endpoint", "health"}),
               ContainsSubstring("is healthy"));
  }
  SECTION("bad ones are served all the same, and clients refuse them") {
    auto const verify = [&](etcd_server const& server) {
      auto const command = "openssl s_client -connect " + server.endpoint() + " -CAfile " + made.ca.string() +
                           " -verify_return_error -verify_ip 127.0.0.1 </dev/null";
      return run_program({find_program("sh"), "-c", command});
    };
    CHECK_THAT(verify(etcd_server(with(made.server))), ContainsSubstring("Verify return code: 0 (ok)"));
    CHECK_THROWS_WITH(verify(etcd_server(with(made.expired))), ContainsSubstring("certificate has expired"));
    CHECK_THROWS_WITH(verify(etcd_server(with(made.wrong_host))), ContainsSubstring("address mismatch"));
    CHECK_THROWS_WITH(verify(etcd_server(with(made.of_other_ca))), ContainsSubstring("verify error:num=20"));
  }
  SECTION("a cluster") {
    etcd_cluster cluster(3, with(made.server));
    CHECK(cluster.wait_for_leader() < 3);
  }
}

TEST_CASE("Proxy: passes and counts", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  CHECK(proxy.port() < 32768);
  etcd_client const client(proxy.port());
  client.put("pass/a", std::string(100000, 'x'));
  CHECK(client.get("pass/a")->value.size() == 100000);
  auto const seen = proxy.counters();
  CHECK(seen.accepted == 2);
  CHECK(seen.requests_to("/v3/kv/put") == 1);
  CHECK(seen.requests_to("/v3/kv/range") == 1);
  CHECK(seen.request_bytes > 130000);
  CHECK(seen.reply_bytes > 130000);
  CHECK(proxy.wait_until([](auto const& c) { return c.open == 0; }));
}

TEST_CASE("Proxy: refuses, and listens again on its port", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  for (int i = 0; i < 3; ++i) {
    proxy.refuse();
    CHECK(failed_put(proxy.port(), "refuse/a") == reason::refused);
    proxy.pass();
    CHECK(etcd_client(proxy.port()).put("refuse/a", "v") > 0);
  }
}

TEST_CASE("Proxy: a dead server resets, also one that is only now seen to be dead", "[etcd][proxy]") {
  etcd_server server({{}, {}, {}, true});
  fault_proxy proxy(server.client_port());
  etcd_client(proxy.port()).put("k", "v");
  server.stop();
  auto failed = in_background(proxy.port(), "k2");
  REQUIRE(proxy.wait_until([](auto const& c) { return c.request_bytes > 200 && c.open == 1; }));
  server.kill();
  auto const why = failed.get();
  CHECK((why == reason::reset || why == reason::closed));
  CHECK(failed_put(proxy.port(), "k2") == reason::reset);
  server.start();
  CHECK(etcd_client(proxy.port()).get("k")->value == "v");
}

TEST_CASE("Proxy: black hole and stall", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  auto const direct = shared_server().client();
  proxy.blackhole();
  CHECK(failed_put(proxy.port(), "hole/a", 200ms) == reason::timed_out);
  CHECK(proxy.wait_until([](auto const& c) { return c.open == 0; }));  // sees that the client has gone
  CHECK_FALSE(direct.get("hole/a"));
  auto patient = std::async(std::launch::async, [&] { return etcd_client(proxy.port()).put("hole/b", "v"); });
  REQUIRE(proxy.wait_until([](auto const& c) { return c.requests_to("/v3/kv/put") == 2; }));
  CHECK_FALSE(direct.get("hole/b"));
  proxy.pass();
  CHECK(patient.get() > 0);

  // Existing connections only. One is there when its request is held.
  proxy.hold_request("/v3/kv/put");
  auto stalled = in_background(proxy.port(), "hole/c", 700ms);
  REQUIRE(proxy.wait_until([](auto const& c) { return c.held == 1; }));
  proxy.stall();
  proxy.release();
  CHECK(etcd_client(proxy.port()).put("hole/d", "v") > 0);
  CHECK(stalled.get() == reason::timed_out);
  CHECK_FALSE(direct.get("hole/c"));
}

TEST_CASE("Proxy: resets and finishes all", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  proxy.blackhole();
  auto a = in_background(proxy.port(), "end/a"), b = in_background(proxy.port(), "end/b");
  REQUIRE(proxy.wait_until([](auto const& c) { return c.requests_to("/v3/kv/put") == 2; }));
  proxy.reset_all();
  CHECK(a.get() == reason::reset);
  CHECK(b.get() == reason::reset);
  auto c = in_background(proxy.port(), "end/c");
  REQUIRE(proxy.wait_until([](auto const& n) { return n.requests_to("/v3/kv/put") == 3; }));
  proxy.finish_all();
  CHECK(c.get() == reason::closed);
  CHECK(proxy.counters().open == 0);
}

TEST_CASE("Proxy: slow", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  auto const timed = [&](auto work) {
    auto const start = std::chrono::steady_clock::now();
    work();
    return std::chrono::steady_clock::now() - start;
  };
  auto const put = [&] { etcd_client(proxy.port()).put("slow/a", std::string(1500, 'x')); };  // 2200 bytes and more
  proxy.slow(10000);
  CHECK(timed(put) > 200ms);
  proxy.slow(0, 100ms);
  CHECK(timed(put) > 190ms);  // there and back
  proxy.pass();
  CHECK(timed(put) < 100ms);
}

TEST_CASE("Proxy: cuts replies after exactly n bytes", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  auto const direct = shared_server().client();
  auto const whole = [&] {
    auto const before = proxy.counters().reply_bytes;
    etcd_client(proxy.port()).put("cut/whole", "v");
    return proxy.counters().reply_bytes - before;
  }();
  int n = 0;
  for (auto const how : {ending::fin, ending::rst, ending::stall}) {
    for (std::size_t const after : {std::size_t(0), std::size_t(1), std::size_t(17), whole - 1}) {
      auto const key = "cut/" + std::to_string(++n);
      auto const before = proxy.counters();
      auto const each = n % 2 == 0;  // by turns
      if (each) proxy.next_connection_cut(direction::reply, after, how);
      else proxy.cut(direction::reply, after, how);
      auto const why = failed_put(proxy.port(), key, how == ending::stall ? 200ms : 5000ms);
      CHECK(why == (how == ending::fin ? reason::closed : how == ending::rst ? reason::reset : reason::timed_out));
      CHECK(proxy.counters().reply_bytes - before.reply_bytes == after);
      CHECK(proxy.counters().cut == before.cut + 1);
      CHECK(direct.get(key));  // it was done
    }
  }
  CHECK(etcd_client(proxy.port()).put("cut/after", "v") > 0);
  // Over several connections: the second answer is cut.
  proxy.cut(direction::reply, whole + 10, ending::fin);
  CHECK(etcd_client(proxy.port()).put("cut/first", "v") > 0);
  CHECK(failed_put(proxy.port(), "cut/second") == reason::closed);
  CHECK(etcd_client(proxy.port()).put("cut/third", "v") > 0);
  // Several connections.
  proxy.next_connection_cut(direction::reply, 5, ending::rst, 2);
  CHECK(failed_put(proxy.port(), "cut/fourth") == reason::reset);
  CHECK(failed_put(proxy.port(), "cut/fifth") == reason::reset);
  CHECK(etcd_client(proxy.port()).put("cut/sixth", "v") > 0);
}

TEST_CASE("Proxy: cuts requests after exactly n bytes", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  auto const direct = shared_server().client();
  int n = 0;
  for (auto const how : {ending::fin, ending::rst, ending::stall}) {
    for (std::size_t const after : {0, 1, 60, 150}) {
      auto const key = "half/" + std::to_string(++n);
      auto const before = proxy.counters().request_bytes;
      if (n % 2) proxy.next_connection_cut(direction::request, after, how);
      else proxy.cut(direction::request, after, how);
      auto const why = failed_put(proxy.port(), key, how == ending::stall ? 200ms : 5000ms);
      CHECK(why == (how == ending::fin ? reason::closed : how == ending::rst ? reason::reset : reason::timed_out));
      CHECK(proxy.counters().request_bytes - before == after);
      CHECK_FALSE(direct.get(key));
    }
  }
}

TEST_CASE("Proxy: loses a reply of what was done", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  etcd_client const through(proxy.port());
  auto const direct = shared_server().client();
  for (auto const how : {ending::rst, ending::fin, ending::stall}) {
    auto const key = "lost/" + std::to_string(static_cast<int>(how));
    proxy.lose_reply("/v3/kv/put", 1, how);
    CHECK_FALSE(through.get(key));  // another path
    auto const why = failed_put(proxy.port(), key, how == ending::stall ? 300ms : 5000ms);
    CHECK(why == (how == ending::fin ? reason::closed : how == ending::rst ? reason::reset : reason::timed_out));
    CHECK(direct.get(key));
    CHECK(through.put(key, "again") > 0);
  }
  CHECK(proxy.counters().lost == 3);
  // By body, twice.
  auto const about = base64_encode("lost/x");
  proxy.lose_reply([&](proxy_request const& r) { return r.body.find(about) != r.body.npos; }, 2);
  CHECK(through.put("lost/y", "v") > 0);
  CHECK(failed_put(proxy.port(), "lost/x") == reason::reset);
  CHECK(failed_put(proxy.port(), "lost/x") == reason::reset);
  CHECK(through.put("lost/x", "v") > 0);
}

TEST_CASE("Proxy: holds a request and lets it go late", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  auto const direct = shared_server().client();
  proxy.hold_request("/v3/kv/put", 2);
  auto gone = in_background(proxy.port(), "held/gone", 300ms);
  auto patient = std::async(std::launch::async, [&] { return etcd_client(proxy.port()).put("held/patient", "v"); });
  REQUIRE(proxy.wait_until([](auto const& c) { return c.held == 2; }));
  CHECK(etcd_client(proxy.port()).put("held/third", "v") > 0);
  CHECK(gone.get() == reason::timed_out);
  REQUIRE(proxy.wait_until([](auto const& c) { return c.open == 1; }));
  CHECK_FALSE(direct.get("held/gone"));
  CHECK_FALSE(direct.get("held/patient"));
  proxy.release();
  CHECK(patient.get() > 0);
  CHECK(appears(direct, "held/gone"));
  CHECK(proxy.counters().held == 0);
}

TEST_CASE("Proxy: a late execution is not cancelled because its client has gone", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  auto const direct = shared_server().client();
  for (int i = 0; i < 5; ++i) {
    auto const key = "late/" + std::to_string(i);
    proxy.hold_request("/v3/kv/put");
    CHECK(failed_put(proxy.port(), key, 20ms) == reason::timed_out);
    REQUIRE(proxy.wait_until([](auto const& c) { return c.held == 1 && c.open == 0; }));
    shared_server().stop();  // so that it would see the request and its client's FIN at once
    auto const before = proxy.counters().request_bytes;
    proxy.release();
    REQUIRE(proxy.wait_until([&](auto const& c) { return c.request_bytes > before; }));
    shared_server().cont();
    CHECK(appears(direct, key));
  }
}

TEST_CASE("Proxy: several requests on one connection", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  auto const direct = shared_server().client();
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket s(io);
  s.connect({boost::asio::ip::address_v4::loopback(), proxy.port()});
  auto const send = [&](std::string const& key) {
    auto const body = put_body(key, "v").dump();
    boost::asio::write(s, boost::asio::buffer("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\ncontent-length: " +
                                              std::to_string(body.size()) + "\r\n\r\n" + body));
  };
  std::string in;
  auto const answer = [&] {
    auto const n = boost::asio::read_until(s, boost::asio::dynamic_buffer(in), "}}");
    auto const one = in.substr(0, n);
    in.erase(0, n);
    return one;
  };
  send("many/a");
  CHECK_THAT(answer(), StartsWith("HTTP/1.1 200"));
  auto const about = base64_encode("many/c");
  proxy.hold_request([&](proxy_request const& r) { return r.body.find(about) != r.body.npos; });
  for (auto const* const key : {"many/b", "many/c", "many/d"}) send(key);
  CHECK_THAT(answer(), StartsWith("HTTP/1.1 200"));
  REQUIRE(proxy.wait_until([](auto const& c) { return c.held == 1; }));
  CHECK_FALSE(direct.get("many/c"));
  CHECK_FALSE(direct.get("many/d"));
  proxy.release();
  CHECK_THAT(answer(), StartsWith("HTTP/1.1 200"));
  CHECK_THAT(answer(), StartsWith("HTTP/1.1 200"));
  CHECK(direct.get("many/d")->create_revision == direct.get("many/c")->create_revision + 1);
  CHECK(proxy.counters().accepted == 1);
  CHECK(proxy.counters().requests_to("/v3/kv/put") == 4);
  // A connection that idles is ended, too, and the client notices.
  proxy.finish_all();
  boost::system::error_code ec;
  boost::asio::read_until(s, boost::asio::dynamic_buffer(in), "}}", ec);
  CHECK(ec == boost::asio::error::eof);
}

TEST_CASE("Proxy: what is not HTTP/1.1 passes", "[etcd][proxy]") {
  fault_proxy proxy(shared_server().client_port());
  CHECK_THAT(etcdctl({"--endpoints", proxy.url(), "put", "grpc/a", "v"}), ContainsSubstring("OK"));
  CHECK(shared_server().client().get("grpc/a"));
}
