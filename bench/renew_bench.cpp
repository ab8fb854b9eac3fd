// Measures one renewal of an Azure lease beside a bare keep-alive request with a signature made beforehand, in turn.
#include "base/base64.hpp"
#include "stores/azure/azure_client.hpp"
#include "support/azurite.hpp"
#include "wire/azure_date.hpp"
#include "wire/azure_place.hpp"
#include "wire/azure_signature.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

namespace az = coelect::wire::azure;
using coelect::stores::azure::answered;

constexpr auto lease = "1f812371-a41d-49e6-b123-f4b542e851c5";
constexpr auto path = "/devstoreaccount1/bench/leader";

double clock_us(clockid_t which) {
  timespec t{};
  ::clock_gettime(which, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

/// What one way costs: each renewal's latency, and the processor time of all.
struct cost {
  std::vector<double> us;
  double cpu_us = 0;

  template <class Work>
  void measure(Work const& work) {
    auto const cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    auto const begin = clock_us(CLOCK_MONOTONIC);
    work();
    us.push_back(clock_us(CLOCK_MONOTONIC) - begin);
    cpu_us += clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  }
  double at(double quantile) {
    std::sort(us.begin(), us.end());
    return us[static_cast<std::size_t>(quantile * static_cast<double>(us.size() - 1))];
  }
  double cpu() const { return cpu_us / static_cast<double>(us.size()); }
};

/// As coelect does it: dated, signed and read anew each time.
class ours {
public:
  explicit ours(std::uint16_t port)
      : context_(coelect::store_context::make(io_.get_executor(), coelect::environment::real(), {})),
        client_(context_, coelect::http::real_network()->reach(context_, {false, "127.0.0.1", port}, {}, {}),
                coelect::stores::azure::by_shared_key(std::string(az::development_account),
                                                      coelect::base::secret(az::development_key))),
        deadline_(context_->after(std::chrono::minutes(10), [] {})) {}

  void ask(coelect::http::request what) {
    bool done = false;
    auto answer = [&done](answered const& a) {
      if (!a.how.ok()) throw std::runtime_error(a.how.text());
      done = true;
    };
    auto const handle = client_.ask(std::move(what), context_->now() + std::chrono::seconds(5), answer);
    io_.restart();
    while (!done) io_.run_one();
  }

private:
  boost::asio::io_context io_;
  std::shared_ptr<coelect::store_context> context_;
  coelect::stores::azure::azure_client client_;
  coelect::timer deadline_;  // whoever holds a lease has timers running
};

/// The least that can be done: one blocking connection, the same bytes each time. Azurite does not mind an old date.
class bare {
public:
  explicit bare(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int const on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, reinterpret_cast<sockaddr const*>(&to), sizeof to) != 0) throw std::runtime_error("connect");
    auto what = az::renew({"/devstoreaccount1/bench", "leader"}, lease);
    az::add_common(what, az::http_date(std::chrono::system_clock::now()), "bench", 5);
    auto const key = coelect::base::secret(*coelect::base::from_base64(az::development_key));
    auto const authorization = az::shared_key_authorization(what, az::development_account, key);
    text_ = "PUT " + what.target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n";
    for (auto const& f : what.fields) text_ += f.name + ": " + f.value + "\r\n";
    text_ += "Authorization: " + std::string(authorization.reveal()) + "\r\nContent-Length: 0\r\n\r\n";
  }
  ~bare() { ::close(socket_); }
  bare(bare const&) = delete;
  bare& operator=(bare const&) = delete;

  void renew() {
    if (::send(socket_, text_.data(), text_.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("send");
    char answer[4096];
    std::size_t got = 0;
    while (got < 4 || std::memcmp(answer + got - 4, "\r\n\r\n", 4) != 0) {
      auto const n = ::recv(socket_, answer + got, sizeof answer - got, 0);
      if (n <= 0) throw std::runtime_error("recv");
      got += static_cast<std::size_t>(n);
    }
    if (std::strncmp(answer, "HTTP/1.1 200", 12) != 0) throw std::runtime_error(std::string(answer, 40));
  }

private:
  int socket_;
  std::string text_;
};

void print(char const* name, cost& c) {
  std::printf("%-28s p50 %7.1f us   p99 %7.1f us   cpu %5.1f us each\n", name, c.at(0.5), c.at(0.99), c.cpu());
}

}  // namespace

int main(int argc, char** argv) {
  int const rounds = argc > 1 ? std::atoi(argv[1]) : 2'000;
  if (rounds < 1) {
    std::fprintf(stderr, "usage: renew-bench [ROUNDS]\n");
    return 2;
  }
  coelect::test::azurite server;
  ours client(server.port());
  az::blob_path const where{"/devstoreaccount1/bench", "leader"};
  client.ask(az::create_container(where));
  client.ask(az::create_blob(where, 1));
  client.ask(az::acquire(where, lease, 60));
  bare floor(server.port());
  for (int i = 0; i < 200; ++i) {  // node compiles as it goes
    client.ask(az::renew(where, lease));
    floor.renew();
  }
  cost library, least;
  for (int i = 0; i < rounds; ++i) {
    library.measure([&] { client.ask(az::renew(where, lease)); });
    least.measure([&] { floor.renew(); });
  }
  std::printf("%d renewals each, in turn, on %s\n", rounds, path);
  print("coelect", library);
  print("bare, signed beforehand", least);
  std::printf("ratio of the medians %.3f\n", library.at(0.5) / least.at(0.5));
  return 0;
}
