// The servers that are played on: an etcd on tmpfs, one on disk, an Azurite; or the user's own.
#include "harness/servers.hpp"
#include <arpa/inet.h>
#include <netdb.h>
#include <sstream>

namespace bench {
namespace {

/// Compaction as a busy cluster has it, and room for all that the workloads write.
coelect::test::etcd_options options_on(coelect::test::scratch_directory const* disk) {
  coelect::test::etcd_options how;
  how.name = "bench";
  how.flags = {"--auto-compaction-mode", "revision", "--auto-compaction-retention", "10000"};
  if (disk != nullptr) how.flags.insert(how.flags.end(), {"--data-dir", (disk->path() / "data").string()});
  return how;
}

/// Players and floor want an address: nobody is to measure the resolver.
std::string with_address(std::string const& host_and_port) {
  auto const colon = host_and_port.rfind(':');
  auto const host = host_and_port.substr(0, colon);
  auto const port = colon == std::string::npos ? "2379" : host_and_port.substr(colon + 1);
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_family = AF_INET;
  if (::getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) throw std::runtime_error("unknown host " + host);
  char text[INET_ADDRSTRLEN];
  ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(found->ai_addr)->sin_addr, text, sizeof text);
  ::freeaddrinfo(found);
  return std::string(text) + ":" + port;
}

}  // namespace

etcd_place::etcd_place(on where) {
  if (where == on::disk) disk_ = std::make_unique<coelect::test::scratch_directory>();
  server_ = std::make_unique<coelect::test::etcd_server>(options_on(disk_.get()));
  endpoint_ = server_->endpoint();
  name_ = where == on::disk ? "disk" : "tmpfs";
}

etcd_place::etcd_place(std::string endpoint) : endpoint_(std::move(endpoint)), name_("given") {}

long etcd_place::keys_with(std::string const& prefix) const {
  connection c(endpoint_);
  auto const body =
      "{\"key\":\"" + base64(prefix) + "\",\"range_end\":\"" + base64(after_all_of(prefix)) + "\",\"count_only\":true}";
  auto const& answer = c.ask(post(endpoint_, "/v3/kv/range", body));
  return std::atol(text_of(answer, "count").c_str());
}

std::string etcd_place::get(char const* page) const {
  connection c(endpoint_);
  return c.ask(std::string("GET ") + page + " HTTP/1.1\r\nHost: " + endpoint_ + "\r\n\r\n");
}

etcd_place::counters etcd_place::asked_so_far() const {
  counters c;
  std::istringstream lines(get("/metrics"));
  for (std::string line; std::getline(lines, line);) {
    auto const value = [&] { return std::atof(line.c_str() + line.rfind(' ')); };
    if (line.rfind("grpc_server_handled_total{", 0) == 0) c.calls += value();
    bool const received = line.rfind("grpc_server_msg_received_total{", 0) == 0;
    if (received || line.rfind("grpc_server_msg_sent_total{", 0) == 0) c.messages += value();
    if (received && line.find("\"LeaseKeepAlive\"") != std::string::npos) c.keep_alives += value();
  }
  return c;
}

std::string etcd_place::version() const { return text_of(get("/version"), "etcdserver"); }

servers::servers(settings const& s) {
  auto const scheme = s.store.substr(0, s.store.find("://"));
  if (s.store.empty()) return;
  auto rest = s.store.substr(std::min(s.store.size(), scheme.size() + 3));
  if (scheme == "etcd") etcd_endpoint_ = with_address(rest.substr(0, rest.find_first_of("/,")));
  else if (scheme == "http" || scheme == "https") azure_url_ = s.store;
  else if (scheme == "azblob+http" || scheme == "azblob+https") azure_url_ = s.store.substr(7);
  else throw std::runtime_error("--store: etcd://host:port (without TLS), or the URL of a storage account");
}

std::unique_ptr<etcd_place> servers::etcd(etcd_place::on where) const {
  if (!etcd_endpoint_.empty()) return std::make_unique<etcd_place>(etcd_endpoint_);
  return std::make_unique<etcd_place>(where);
}

std::vector<std::unique_ptr<etcd_place>> servers::both() const {
  std::vector<std::unique_ptr<etcd_place>> all;
  all.push_back(etcd(etcd_place::on::tmpfs));
  if (etcd_endpoint_.empty()) all.push_back(etcd(etcd_place::on::disk));
  return all;
}

servers::azure_place servers::azure() const {
  azure_place place;
  if (!azure_url_.empty()) {
    place.url = azure_url_;
    return place;
  }
  place.server = std::make_unique<coelect::test::azurite>();
  place.url = place.server->url();
  return place;
}

}  // namespace bench
