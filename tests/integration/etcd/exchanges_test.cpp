// The model of etcd that unit tests and the simulation run on, beside a real server: the same exchanges, the same answers.
#include "etcd_place.hpp"
#include "models/etcd_exchanges.hpp"
#include "models/etcd_model.hpp"
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <iostream>
#include <istream>

namespace coelect::test {
namespace {

using boost::asio::ip::tcp;

class real_etcd final : public etcd_exchange_partner {
public:
  explicit real_etcd(etcd_server& server) : server_(server) {}

  std::pair<int, std::string> ask(std::string const& path, std::string const& body) override {
    auto const answer = rpc(server_.client_port(), path.substr(4), nlohmann::json::parse(body));
    return {answer.status, answer.text};
  }

  // Chunks of a stream may be cut anywhere but, for messages as small as these, hold one line each.
  std::vector<std::string> watch(std::string const& body, std::size_t lines) override {
    tcp::iostream connection;
    connection.expires_after(std::chrono::seconds(5));
    connection.connect(tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), server_.client_port()));
    connection << "POST /v3/watch HTTP/1.1\r\nHost: x\r\nContent-Length: " << body.size() << "\r\n\r\n"
               << body << std::flush;
    std::vector<std::string> got;
    for (std::string line; got.size() < lines && std::getline(connection, line);)
      if (line.starts_with('{')) got.push_back(line);
    return got;
  }

  void compact(std::int64_t revision) override { server_.client().compact(revision); }

private:
  etcd_server& server_;
};

class modelled_etcd final : public etcd_exchange_partner {
public:
  modelled_etcd() { model_.revision = 1; }

  std::pair<int, std::string> ask(std::string const& path, std::string const& body) override {
    auto const [status, got] = model_.carry_out(path, json::parse(body));
    return {status, got.dump()};
  }

  std::vector<std::string> watch(std::string const& body, std::size_t lines) override {
    auto const all = model_.first_lines(etcd_watch(json::parse(body)));
    return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(lines, all.size()))};
  }

  void compact(std::int64_t) override { model_.compact(); }

private:
  etcd_model model_;
};

}  // namespace

TEST_CASE("etcd model: it answers as a real server does, exchange by exchange", "[etcd][harness]") {
  etcd_server server;
  real_etcd real(server);
  modelled_etcd modelled;
  std::size_t number = 0, exchanges = 0;
  for (auto const& script : etcd_exchanges()) {
    INFO(script.name);
    auto const wanted = run_script(script, real, ++number);
    auto const got = run_script(script, modelled, number);
    exchanges += wanted.size();
    CHECK(got == wanted);
  }
  std::cout << "etcd model: " << number << " scripts, " << exchanges << " answers compared\n";
  CHECK(exchanges > 200);
}

}  // namespace coelect::test
