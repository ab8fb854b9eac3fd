// Real etcd servers for tests: one member or a cluster, run as child processes, and a small blocking client for them.
#include "support/etcd_server.hpp"
#include "support/child.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <random>
#include <set>
#include <sstream>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace coelect::test {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::steady_clock;

namespace {

constexpr std::string_view directory_prefix = "coelect-etcd-";  // then our pid
constexpr int attempts = 5;                                     // at finding ports that nobody takes before etcd does

struct file_descriptor {
  explicit file_descriptor(int number) : fd(number) {}
  file_descriptor(file_descriptor const&) = delete;
  file_descriptor& operator=(file_descriptor const&) = delete;
  ~file_descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Tries `done` every few milliseconds until it holds; false when it does not in time.
template <class Done>
bool poll_until(Done done, milliseconds limit) {
  auto const end = steady_clock::now() + limit;
  while (!done()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

[[noreturn]] void fail_with(int error, std::string const& what) {
  using reason = etcd_unreachable::reason;
  auto const why = error == ECONNREFUSED ? reason::refused : reason::reset;
  throw etcd_unreachable(why, what + ": " + std::strerror(error));
}

void wait_for(int fd, short events, steady_clock::time_point end, std::string const& what) {
  pollfd p{fd, events, 0};
  for (;;) {
    auto const left = std::chrono::ceil<milliseconds>(end - steady_clock::now()).count();
    if (left <= 0) throw etcd_unreachable(etcd_unreachable::reason::timed_out, what + ": timed out");
    if (::poll(&p, 1, static_cast<int>(left)) > 0) return;
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// The bodies of all chunks; nothing until the last one is there.
std::optional<std::string> unchunk(std::string_view raw) {
  std::string body;
  for (;;) {
    auto const line = raw.find("\r\n");
    if (line == raw.npos) return {};
    auto const size = std::stoul(std::string(raw.substr(0, line)), nullptr, 16);
    if (size == 0) return body;
    if (raw.size() < line + 2 + size + 2) return {};
    body += raw.substr(line + 2, size);
    raw.remove_prefix(line + 2 + size + 2);
  }
}

/// Nothing while the answer is incomplete.
std::optional<etcd_answer> parse_answer(std::string const& raw) {
  auto const head_end = raw.find("\r\n\r\n");
  if (head_end == raw.npos) return {};
  auto const head = lower(raw.substr(0, head_end + 2));
  auto const rest = std::string_view(raw).substr(head_end + 4);
  etcd_answer answer;
  answer.status = std::stoi(raw.substr(std::min(raw.find(' '), head_end)));
  if (head.find("\r\ntransfer-encoding: chunked\r\n") != head.npos) {
    auto body = unchunk(rest);
    if (!body) return {};
    answer.text = std::move(*body);
  } else {
    static constexpr std::string_view field = "\r\ncontent-length: ";
    auto const at = head.find(field);
    auto const size = at == head.npos ? 0 : std::stoul(head.substr(at + field.size()));
    if (rest.size() < size) return {};
    answer.text = rest.substr(0, size);
  }
  answer.body = json::parse(answer.text, nullptr, false);
  return answer;
}

etcd_answer exchange(std::uint16_t port, std::string const& request, milliseconds limit) {
  auto const end = steady_clock::now() + limit;
  auto const what = "127.0.0.1:" + std::to_string(port) + " " + request.substr(0, request.find(" HTTP"));
  file_descriptor const s(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  auto const address = loopback(port);
  if (::connect(s.fd, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    if (errno != EINPROGRESS) fail_with(errno, what);
    wait_for(s.fd, POLLOUT, end, what);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(s.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) fail_with(error, what);
  }
  for (std::size_t sent = 0; sent < request.size();) {
    auto const n = ::send(s.fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n >= 0) sent += static_cast<std::size_t>(n);
    else if (errno == EAGAIN) wait_for(s.fd, POLLOUT, end, what);
    else fail_with(errno, what);
  }
  std::string raw;
  char buffer[16384];
  for (;;) {
    auto const n = ::recv(s.fd, buffer, sizeof buffer, 0);
    if (n == 0)
      throw etcd_unreachable(etcd_unreachable::reason::closed, what + ": closed after " + std::to_string(raw.size()));
    if (n < 0 && errno != EAGAIN) fail_with(errno, what);
    if (n < 0) {
      wait_for(s.fd, POLLIN, end, what);
      continue;
    }
    raw.append(buffer, static_cast<std::size_t>(n));
    if (auto answer = parse_answer(raw)) return std::move(*answer);
  }
}

std::int64_t number(json const& object, char const* field) {
  auto const found = object.find(field);  // etcd leaves out zeros and sends int64 as strings
  return found == object.end() ? 0 : std::stoll(found->get<std::string>());
}

etcd_key read_key(json const& kv) {
  etcd_key k;
  k.key = base64_decode(kv.value("key", ""));
  k.value = base64_decode(kv.value("value", ""));
  k.create_revision = number(kv, "create_revision");
  k.mod_revision = number(kv, "mod_revision");
  k.version = number(kv, "version");
  k.lease = number(kv, "lease");
  return k;
}

/// A test that was killed leaves its directories behind, and each takes 64 MiB of memory and more.
void remove_leftovers(fs::path const& where) {
  std::error_code ignored;
  for (auto const& entry : fs::directory_iterator(where, ignored)) {
    auto const name = entry.path().filename().string();
    if (name.rfind(directory_prefix, 0) != 0) continue;
    auto const owner = std::atoi(name.c_str() + directory_prefix.size());
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

/// ETCD_NAME and the like would be taken for flags.
std::vector<char*> environment_for_etcd() {
  std::vector<char*> kept;
  for (char** e = environ; *e; ++e) {
    std::string_view const entry(*e);
    if (entry.rfind("ETCD_", 0) != 0 || entry.rfind("ETCD_UNSUPPORTED_ARCH=", 0) == 0) kept.push_back(*e);
  }
  kept.push_back(nullptr);
  return kept;
}

}  // namespace

// --- Programs ---------------------------------------------------------------------------------------------------------

std::string find_program(std::string const& name, char const* variable) {
  auto const runs = [](std::string const& path) { return ::access(path.c_str(), X_OK) == 0; };
  if (auto const* const asked = variable ? std::getenv(variable) : nullptr; asked) return runs(asked) ? asked : "";
  auto const* const path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (auto const file = folder + "/" + name; runs(file)) return file;
  return {};
}

std::string etcd_program() {
  auto const found = find_program("etcd", "COELECT_ETCD");
  if (found.empty())
    throw std::runtime_error("etcd is not installed: apt-get install etcd-server (or set COELECT_ETCD to the program)");
  return found;
}

std::string etcdctl_program() {
  auto const found = find_program("etcdctl", "COELECT_ETCDCTL");
  if (found.empty())
    throw std::runtime_error(
        "etcdctl is not installed: apt-get install etcd-client (or set COELECT_ETCDCTL to the program)");
  return found;
}

std::string run_program(std::vector<std::string> command, milliseconds limit) {
  std::string shown;
  for (auto const& word : command) shown += word + " ";
  child program(std::move(command));
  auto const code = program.wait(limit);
  if (code != 0) throw std::runtime_error(shown + "ended with " + std::to_string(code) + ":\n" + program.output());
  return program.output();
}

std::string etcdctl(std::vector<std::string> arguments, milliseconds limit) {
  // ETCDCTL_API=2 would be another program; from 3.4 on 3 is the default, and newer ones warn about the variable.
  std::vector<std::string> command{find_program("env"), "-u", "ETCDCTL_API", etcdctl_program()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(std::move(command), limit);
}

std::uint16_t free_port() {
  static std::mutex mutex;
  static std::mt19937 dice{std::random_device{}()};
  static std::set<std::uint16_t> handed_out;
  std::lock_guard const lock(mutex);
  for (int i = 0; i < 1000; ++i) {
    auto const port = std::uniform_int_distribution<std::uint16_t>(15000, 32000)(dice);
    auto const address = loopback(port);
    file_descriptor const probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(probe.fd, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) continue;
    if (handed_out.insert(port).second) return port;
  }
  throw std::runtime_error("no free port between 15000 and 32000");
}

// --- The client -------------------------------------------------------------------------------------------------------

static constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_encode(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const part = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < part.size() ? static_cast<unsigned char>(part[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= part.size() ? base64_alphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string base64_decode(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int have = 0;
  for (char const c : text) {
    if (c == '=') break;
    auto const value = base64_alphabet.find(c);
    if (value == std::string_view::npos) throw std::runtime_error("no base64: " + std::string(text));
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes += static_cast<char>(bits >> have & 255);
  }
  return bytes;
}

etcd_answer rpc(std::uint16_t port, std::string const& path, json const& body, milliseconds limit,
                std::string const& authorization) {
  auto const text = body.dump();
  auto request = "POST /v3/" + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                 "\r\nAccept: application/json\r\nContent-Type: application/json\r\nConnection: close\r\n";
  if (!authorization.empty()) request += "Authorization: " + authorization + "\r\n";
  request += "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
  return exchange(port, request, limit);
}

etcd_answer http_get(std::uint16_t port, std::string const& page, milliseconds limit) {
  auto const host = "127.0.0.1:" + std::to_string(port);
  return exchange(port, "GET " + page + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n", limit);
}

json etcd_client::call(std::string const& path, json const& body) const {
  auto answer = rpc(port_, path, body, limit, token_);
  if (answer.status == 200 && answer.body.is_object()) return std::move(answer.body);
  throw std::runtime_error(path + ": " + std::to_string(answer.status) + " " + answer.text);
}

std::int64_t etcd_client::revision() const {
  return number(call("kv/range", {{"key", base64_encode("x")}, {"count_only", true}})["header"], "revision");
}

std::int64_t etcd_client::put(std::string_view key, std::string_view value, std::int64_t lease) const {
  json body{{"key", base64_encode(key)}, {"value", base64_encode(value)}};
  if (lease) body["lease"] = std::to_string(lease);
  return number(call("kv/put", body)["header"], "revision");
}

std::optional<etcd_key> etcd_client::get(std::string_view key) const {
  auto const body = call("kv/range", {{"key", base64_encode(key)}});
  auto const kvs = body.find("kvs");
  if (kvs == body.end() || kvs->empty()) return {};
  return read_key(kvs->front());
}

std::vector<etcd_key> etcd_client::list(std::string_view prefix) const {
  std::string end(prefix);
  end.back() = static_cast<char>(end.back() + 1);  // fine for the ASCII names of tests
  auto const body = call("kv/range", {{"key", base64_encode(prefix)},
                                      {"range_end", base64_encode(end)},
                                      {"sort_order", "ASCEND"},
                                      {"sort_target", "CREATE"}});
  std::vector<etcd_key> keys;
  for (auto const& kv : body.value("kvs", json::array())) keys.push_back(read_key(kv));
  return keys;
}

std::int64_t etcd_client::del(std::string_view key) const {
  return number(call("kv/deleterange", {{"key", base64_encode(key)}}), "deleted");
}

std::int64_t etcd_client::grant(std::int64_t seconds, std::int64_t id) const {
  return number(call("lease/grant", {{"TTL", std::to_string(seconds)}, {"ID", std::to_string(id)}}), "ID");
}

void etcd_client::revoke(std::int64_t lease) const { call("lease/revoke", {{"ID", std::to_string(lease)}}); }

std::int64_t etcd_client::time_to_live(std::int64_t lease) const {
  return number(call("lease/timetolive", {{"ID", std::to_string(lease)}}), "TTL");
}

std::vector<std::int64_t> etcd_client::leases() const {
  std::vector<std::int64_t> ids;
  for (auto const& lease : call("lease/leases", json::object()).value("leases", json::array()))
    ids.push_back(number(lease, "ID"));
  return ids;
}

void etcd_client::compact(std::int64_t revision) const {
  call("kv/compaction", {{"revision", std::to_string(revision)}});
}

std::string etcd_client::authenticate(std::string const& user, std::string const& password) const {
  return call("auth/authenticate", {{"name", user}, {"password", password}})["token"];
}

// --- One member -------------------------------------------------------------------------------------------------------

etcd_server::etcd_server(etcd_options options, in_cluster) : options_(std::move(options)) {
  for (auto const* const where : {"/dev/shm", "/tmp"}) {
    remove_leftovers(where);
    auto pattern = std::string(where) + "/" + std::string(directory_prefix) + std::to_string(::getpid()) + "-XXXXXX";
    if (!::mkdtemp(pattern.data())) continue;
    directory_ = pattern;
    return;
  }
  throw std::runtime_error("cannot make a directory in /dev/shm or /tmp");
}

etcd_server::etcd_server(etcd_options options) : etcd_server(std::move(options), in_cluster{}) {
  for (int i = 1;; ++i) {
    pick_ports();
    members_ = options_.name + "=" + peer_url();
    try {
      start();
      return;
    } catch (std::runtime_error const&) {
      if (i == attempts || !port_was_taken()) throw;
      kill();
      fs::remove_all(directory_ / "data");
    }
  }
}

etcd_server::~etcd_server() {
  kill();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void etcd_server::pick_ports() {
  client_port_ = free_port();
  peer_port_ = free_port();
  if (options_.tls) metrics_port_ = free_port();
}

std::string etcd_server::endpoint() const { return "127.0.0.1:" + std::to_string(client_port_); }
std::string etcd_server::url() const { return (options_.tls ? "https://" : "http://") + endpoint(); }
std::string etcd_server::peer_url() const { return "http://127.0.0.1:" + std::to_string(peer_port_); }
std::string etcd_server::advertised_peer_url() const {
  return advertised_peer_port_ ? "http://127.0.0.1:" + std::to_string(advertised_peer_port_) : peer_url();
}

void etcd_server::launch() {
  std::vector<std::string> words{etcd_program(),
                                 "--name",
                                 options_.name,
                                 "--data-dir",
                                 directory_ / "data",
                                 "--listen-client-urls",
                                 url(),
                                 "--advertise-client-urls",
                                 url(),
                                 "--listen-peer-urls",
                                 peer_url(),
                                 "--initial-advertise-peer-urls",
                                 advertised_peer_url(),
                                 "--initial-cluster",
                                 members_,
                                 "--initial-cluster-token",
                                 "coelect-test-clusters",
                                 "--initial-cluster-state",
                                 "new"};
  auto const add = [&words](std::initializer_list<std::string> more) { words.insert(words.end(), more); };
  if (options_.quick) add({"--heartbeat-interval", "50", "--election-timeout", "500"});
  if (options_.tls) {
    add({"--cert-file", options_.tls->certificate, "--key-file", options_.tls->key});
    add({"--listen-metrics-urls", "http://127.0.0.1:" + std::to_string(metrics_port_)});
    if (!options_.tls->client_ca.empty()) add({"--trusted-ca-file", options_.tls->client_ca});
    if (options_.tls->client_cert_auth) add({"--client-cert-auth"});
  }
  words.insert(words.end(), options_.flags.begin(), options_.flags.end());

  // All that needs memory comes before the fork: other threads may hold the allocator's locks.
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  auto const env = environment_for_etcd();
  file_descriptor const log(
      ::open((directory_ / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  auto const parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(log.fd, 1);
    ::dup2(log.fd, 2);
    ::close_range(3, ~0U, 0);  // else the test's sockets stay open here when the test closes them
    ::execve(argv[0], argv.data(), env.data());
    ::_exit(127);
  }
  stopped_ = false;
}

void etcd_server::collect(int flags) const {
  if (pid_ <= 0) return;
  pid_t ended;
  while ((ended = ::waitpid(pid_, nullptr, flags)) < 0 && errno == EINTR) {
  }
  if (ended != 0) pid_ = -1;
}

bool etcd_server::running() const {
  collect(WNOHANG);
  return pid_ > 0 && !stopped_;
}

void etcd_server::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void etcd_server::stop() {
  signal(SIGSTOP);
  // The signal reaches the threads one by one; only then the kernel says that the process is stopped.
  siginfo_t info{};
  if (pid_ > 0) ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT);
  stopped_ = true;
}

void etcd_server::cont() {
  signal(SIGCONT);
  stopped_ = false;
}

void etcd_server::kill() {
  signal(SIGKILL);  // ends a stopped process, too, and without letting it run on first
  collect(0);
  stopped_ = false;
}

void etcd_server::terminate() {
  cont();
  signal(SIGTERM);
  auto const ended = [this] { return collect(WNOHANG), pid_ < 0; };
  if (!poll_until(ended, std::chrono::seconds(20))) throw std::runtime_error("etcd ignores SIGTERM:\n" + log());
}

void etcd_server::start(bool wait) {
  if (pid_ > 0) throw std::logic_error("this etcd is started already");
  launch();
  if (wait) wait_until_ready();
}

void etcd_server::restart() {
  kill();
  start();
}

bool etcd_server::ready() const {
  auto const brief = milliseconds(500);
  try {
    if (!options_.tls) {
      auto const status = rpc(client_port_, "maintenance/status", json::object(), brief);
      if (status.status == 200) return status.body.is_object() && !status.body.value("leader", "").empty();
    }
    // Also when status demands a token: /health asks the store by itself.
    return http_get(metrics_port(), "/health", brief).status == 200;
  } catch (etcd_unreachable const&) {
    return false;
  }
}

void etcd_server::wait_until_ready(milliseconds limit) {
  auto const ready_or_ended = [this] { return collect(WNOHANG), pid_ < 0 || ready(); };
  auto const in_time = poll_until(ready_or_ended, limit);
  if (in_time && pid_ > 0) return;
  auto text = log();
  if (text.size() > 3000) text = "..." + text.substr(text.size() - 3000);
  throw std::runtime_error("etcd " + options_.name + (in_time ? " has ended:\n" : " does not get ready:\n") + text);
}

bool etcd_server::port_was_taken() const { return log().find("address already in use") != std::string::npos; }

std::string etcd_server::log() const {
  std::ifstream file(directory_ / "log");
  return {std::istreambuf_iterator<char>(file), {}};
}

// --- A cluster --------------------------------------------------------------------------------------------------------

etcd_cluster::etcd_cluster(std::size_t members, etcd_options options) {
  for (int i = 1;; ++i) {
    std::string all;
    for (std::size_t m = 0; m < members; ++m) {
      options.name = "m" + std::to_string(m);
      auto& member = *members_.emplace_back(new etcd_server(options, etcd_server::in_cluster{}));
      member.pick_ports();
      if (options.peers_through) member.advertised_peer_port_ = options.peers_through(m, member.peer_port_);
      all += (m ? "," : "") + options.name + "=" + member.advertised_peer_url();
    }
    try {
      for (auto const& member : members_) {
        member->members_ = all;
        member->launch();
      }
      for (auto const& member : members_) member->wait_until_ready();
      wait_for_leader();
      return;
    } catch (std::runtime_error const&) {
      auto const taken = [](auto const& member) { return member->port_was_taken(); };
      if (i == attempts || std::none_of(members_.begin(), members_.end(), taken)) throw;
      members_.clear();
    }
  }
}

std::vector<std::string> etcd_cluster::endpoints() const {
  std::vector<std::string> urls;
  for (auto const& member : members_) urls.push_back(member->url());
  return urls;
}

std::optional<std::size_t> etcd_cluster::leader(std::string const& token) const {
  auto const brief = milliseconds(500);
  std::optional<std::size_t> leads;
  std::set<std::string> named;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    auto const& member = *members_[m];
    if (!member.running()) continue;
    try {
      bool claims;
      if (member.options_.tls) {
        auto const page = http_get(member.metrics_port(), "/metrics", brief);
        claims = page.text.find("\netcd_server_is_leader 1\n") != std::string::npos;
      } else {
        auto const status = rpc(member.client_port_, "maintenance/status", json::object(), brief, token);
        if (status.status != 200) return {};
        auto const leader = status.body.value("leader", "");
        named.insert(leader);
        claims = !leader.empty() && status.body["header"].value("member_id", "") == leader;
      }
      if (claims && leads) return {};
      if (claims) leads = m;
    } catch (etcd_unreachable const&) {
      return {};
    }
  }
  if (named.size() > 1) return {};
  return leads;
}

std::size_t etcd_cluster::wait_for_leader(milliseconds limit, std::string const& token) const {
  std::optional<std::size_t> found;
  auto const known = [&] { return (found = leader(token)).has_value(); };
  if (!poll_until(known, limit)) throw std::runtime_error("the etcd members do not agree on a leader in time");
  return *found;
}

}  // namespace coelect::test
