// The recipe that most people write first for leader election on etcd, kept as it usually is. Not for use.
#include "naive_recipe.hpp"
#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace versus {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto request_limit = 5s;  // what HTTP and gRPC clients are often left at, or set to
constexpr auto look_again = 250ms;  // eager: most people poll every second or watch the key

/// One blocking connection to 127.0.0.1, closed at the end of its scope.
class connection {
public:
  explicit connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval limit{};
    limit.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(request_limit).count();
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("connect");
  }
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;
  ~connection() {
    if (fd_ >= 0) ::close(fd_);
  }

  void send(std::string const& text) {
    for (std::size_t done = 0; done < text.size();) {
      auto const n = ::send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (n <= 0) fail("send");
      done += static_cast<std::size_t>(n);
    }
  }
  std::string read_to_end() {
    std::string all;
    char buffer[4096];
    for (;;) {
      auto const n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n == 0) return all;
      if (n < 0) fail("recv");
      all.append(buffer, static_cast<std::size_t>(n));
    }
  }

private:
  // The destructor of an object that was never whole does not run.
  [[noreturn]] void fail(char const* what) {
    ::close(std::exchange(fd_, -1));
    throw std::runtime_error(what);
  }

  int fd_;
};

json ask(std::uint16_t port, std::string const& path, json const& body) {
  auto const text = body.dump();
  connection c(port);
  c.send("POST /v3/" + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: " +
         std::to_string(text.size()) + "\r\n\r\n" + text);
  auto const answer = c.read_to_end();
  auto const status_at = answer.find(' ');
  auto const body_at = answer.find("\r\n\r\n");
  if (status_at == answer.npos || body_at == answer.npos) throw std::runtime_error("no HTTP answer");
  if (answer.compare(status_at + 1, 3, "200") != 0) throw std::runtime_error(answer.substr(body_at + 4));
  auto const begin = answer.find('{', body_at);
  auto const end = answer.rfind('}');  // a chunked body has its sizes around it
  if (begin == answer.npos || end == answer.npos) throw std::runtime_error("no JSON");
  return json::parse(answer.substr(begin, end - begin + 1));
}

constexpr auto key = "bmFpdmUvbGVhZGVy";  // "naive/leader"; etcd's JSON has keys in base64

}  // namespace

naive_recipe::naive_recipe(std::string name, std::uint16_t port, int ttl_seconds)
    : name_(std::move(name)), port_(port), ttl_seconds_(ttl_seconds) {}

void naive_recipe::run() {
  for (;;) {
    try {
      lease_.clear();
      stand();
      lead();
    } catch (std::exception const&) {
      // as usual: log it, and begin again
    }
    leader_ = false;
    std::this_thread::sleep_for(look_again);
  }
}

// Puts the key if it is absent; asks again until it is, and refreshes the lease meanwhile.
void naive_recipe::stand() {
  lease_ = ask(port_, "lease/grant", {{"TTL", ttl_seconds_}}).at("ID").get<std::string>();
  json const put_if_absent = {
      {"compare", {{{"key", key}, {"target", "CREATE"}, {"result", "EQUAL"}, {"create_revision", "0"}}}},
      {"success", {{{"request_put", {{"key", key}, {"value", "bGVhZGVy"}, {"lease", lease_}}}}}}};
  for (;;) {
    auto const answer = ask(port_, "kv/txn", put_if_absent);
    if (answer.value("succeeded", false)) {
      term_ = std::stoull(answer.at("header").at("revision").get<std::string>());
      leader_ = true;
      return;
    }
    std::this_thread::sleep_for(look_again);
    ask(port_, "lease/keepalive", {{"ID", lease_}});
  }
}

// Refreshes three times per ttl, which is what manuals say. Only an answer ends it.
void naive_recipe::lead() {
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(ttl_seconds_ * 1000 / 3));
    auto const answer = ask(port_, "lease/keepalive", {{"ID", lease_}});
    if (!answer.contains("result") || !answer["result"].contains("TTL")) return;  // 200, but the lease is gone
  }
}

}  // namespace versus
