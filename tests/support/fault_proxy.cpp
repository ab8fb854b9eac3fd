// A TCP proxy on the loopback that does to a connection what networks do, when a test says so.
#include "support/fault_proxy.hpp"
#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <cstdlib>
#include <fcntl.h>
#include <future>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>

namespace coelect::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t most_pending = 4 << 20;  // etcd takes requests up to 1.5 MiB
constexpr std::size_t longest_head = 64 << 10;

/// Children of the test must not keep connections open that the proxy has closed.
template <class Socket>
void close_on_exec(Socket& s) {
  ::fcntl(s.native_handle(), F_SETFD, FD_CLOEXEC);
}

struct cut_rule {
  std::size_t left;  // bytes
  ending how;
};

/// For the next `left` requests that fit.
struct request_rule {
  request_test fits;
  std::size_t left = 0;
  ending how = ending::rst;

  bool take(proxy_request const& r) {
    if (left == 0 || !fits(r)) return false;
    --left;
    return true;
  }
};

struct http_reader {
  bool opaque = false;   // from here on nothing is looked at
  bool upgrade = false;  // because of one

  /// The request at the start of `data`, and its size; nothing while it is incomplete.
  std::optional<std::pair<proxy_request, std::size_t>> read(std::string_view data) {
    if (data.empty() || opaque) return {};
    auto const head_end = data.find("\r\n\r\n");
    // TLS does not start with a capital letter.
    if (data[0] < 'A' || data[0] > 'Z' || (head_end == data.npos && data.size() > longest_head)) opaque = true;
    if (head_end == data.npos || opaque) return {};
    std::string head(data.substr(0, head_end + 2));
    for (auto& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    upgrade = head.find("\r\nupgrade:") != head.npos;
    if (head.find("\r\ntransfer-encoding:") != head.npos || upgrade) opaque = true;
    static constexpr std::string_view field = "\r\ncontent-length:";
    auto const at = head.find(field);
    auto const length = at == head.npos ? 0 : std::strtoul(head.c_str() + at + field.size(), nullptr, 10);
    auto const size = head_end + 4 + length;
    if (data.size() < size) return {};
    auto const from = std::min(data.find(' '), head_end) + 1;
    auto const to = std::min(data.find(' ', from), head_end);
    auto const path = from < to ? data.substr(from, to - from) : std::string_view();
    return std::pair(proxy_request{std::string(path), std::string(data.substr(head_end + 4, length))}, size);
  }
};

}  // namespace

struct session;

struct fault_proxy::impl {
  explicit impl(std::uint16_t target);
  ~impl();

  void listen();
  void accept();
  std::optional<ending> spend(session& s, direction whose, std::size_t bytes);
  std::chrono::nanoseconds pause_before(std::size_t bytes) const {
    return delay + std::chrono::nanoseconds(rate ? bytes * 1'000'000'000 / rate : 0);
  }

  /// Runs `f` on the proxy's thread and waits for it.
  template <class F>
  auto there(F f) {
    auto const task = std::make_shared<std::packaged_task<decltype(f())()>>(std::move(f));
    auto result = task->get_future();
    asio::post(io, [task] { (*task)(); });
    return result.get();
  }
  template <class F>
  void each_session(F f) {
    auto const now = sessions;  // f may end them
    for (auto const& s : now) f(*s);
  }

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  tcp::acceptor acceptor{io};
  tcp::endpoint const target;
  std::uint16_t port = 0;

  bool black = false;
  bool no_upgrades = false;
  std::size_t rate = 0;
  std::chrono::milliseconds delay{};
  std::map<direction, cut_rule> cuts;
  std::map<direction, std::pair<cut_rule, std::size_t>> cuts_to_come;  // for how many connections
  request_rule losses, holds;
  proxy_counters counted;
  std::set<std::shared_ptr<session>> sessions;
  std::thread thread;
};

// --- One connection ---------------------------------------------------------------------------------------------------

/// One direction of a connection: reads into `pending`, writes from it what may go.
struct pump {
  pump(direction d, tcp::socket& f, tcp::socket& t) : whose(d), from(f), to(t), timer(f.get_executor()) {}
  direction const whose;
  tcp::socket &from, &to;
  asio::steady_timer timer;
  std::array<char, 16384> buffer;
  std::string pending, going;
  bool reading = false, busy = false;  // busy: writing, or waiting before it
  bool ended = false;                  // nothing more comes
  bool finished = false;               // and the other side has been told
};

struct session : std::enable_shared_from_this<session> {
  session(fault_proxy::impl& p, tcp::socket c) : proxy(p), client(std::move(c)), server(p.io) {}

  void start() {
    server.async_connect(proxy.target, [self = shared_from_this()](error_code ec) {
      self->connected = !ec;
      self->no_server = static_cast<bool>(ec);
      if (!ec) close_on_exec(self->server);
      self->server.set_option(tcp::no_delay(true), ec);
      self->go_on();
    });
    read(requests);
  }

  /// After anything has changed: tries everything that may be possible now.
  void go_on() {
    if (over || dead || stalled) return;
    if (no_server) return end(ending::rst);
    if (!connected) return;
    read(replies);
    write(requests);
    write(replies);
  }

  void resume() {
    stalled = false;
    requests.timer.cancel();
    replies.timer.cancel();
    go_on();
  }

  void release() {
    if (!held) return;
    --proxy.counted.held;
    judged += std::exchange(held, 0);
    late = true;
    judge();
    go_on();
  }

  void end(ending how) {
    if (over) return;
    error_code ignored;
    if (how == ending::rst) {
      client.set_option(asio::socket_base::linger(true, 0), ignored);
      server.set_option(asio::socket_base::linger(true, 0), ignored);
      return close();
    }
    dead = true;
    drop_requests();
    replies.pending.clear();
    read(requests);
    if (how == ending::stall) return;
    // Closing a socket with unread data sends RST: say FIN, and read on until the client has closed, too.
    server.close(ignored);
    client.shutdown(tcp::socket::shutdown_send, ignored);
    gone();
    if (requests.ended) close();
  }

  fault_proxy::impl& proxy;
  tcp::socket client, server;
  pump requests{direction::request, client, server}, replies{direction::reply, server, client};
  http_reader http;
  std::map<direction, cut_rule> cuts;
  std::size_t judged = 0;         // bytes of requests.pending that may go
  std::size_t held = 0;           // bytes of the request after them that is held
  std::optional<ending> lose_as;  // what the next reply is for
  bool stalled = false, dead = false, over = false;
  bool connected = false, no_server = false, counted_open = true;
  bool late = false;  // the server works on a released request: FIN now would make it cancel that

private:
  void read(pump& p) {
    if (p.reading || p.ended || over || p.pending.size() > most_pending) return;
    p.reading = true;
    p.from.async_read_some(asio::buffer(p.buffer), [self = shared_from_this(), &p](error_code ec, std::size_t n) {
      p.reading = false;
      if (self->over) return;
      if (ec) self->on_end(p, ec);
      else self->on_data(p, n);
    });
  }

  void on_data(pump& p, std::size_t n) {
    auto const is_reply = p.whose == direction::reply;
    if (!dead) p.pending.append(p.buffer.data(), n);
    if (is_reply) {
      late = false;
      if (lose_as) {
        ++proxy.counted.lost;
        end(*std::exchange(lose_as, std::nullopt));
      }
    } else if (!dead) {
      judge();
    }
    go_on();
    read(p);
  }

  void on_end(pump& p, error_code ec) {
    p.ended = true;
    auto const is_client = p.whose == direction::request;
    if (is_client) gone();
    else late = false;
    if (dead && is_client) return close();
    // Not while stalled, and not while late: a host that was cut off hears of it later.
    if (!is_client && ec != asio::error::eof && !dead && !stalled) return end(ending::rst);
    judge();
    go_on();
  }

  /// Looks at the requests that have come in completely.
  void judge() {
    while (!held) {
      auto const next = http.read(std::string_view(requests.pending).substr(judged));
      if (!next) break;
      auto const& [request, size] = *next;
      ++proxy.counted.requests[request.path];
      if (proxy.holds.take(request)) {
        held = size;
        ++proxy.counted.held;
        return;
      }
      if (http.upgrade && proxy.no_upgrades) {
        replies.pending += "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n";
        return drop_requests();
      }
      if (proxy.losses.take(request)) lose_as = proxy.losses.how;
      judged += size;
    }
    // When the client has ended within a request, the server gets it as far as it came.
    if (!held && (http.opaque || requests.ended)) judged = requests.pending.size();
  }

  void write(pump& p, bool paused = false) {
    if (p.busy || p.finished || over || dead || stalled) return;
    auto const ready = p.whose == direction::request ? judged : p.pending.size();
    if (ready == 0) return finish(p);
    if (auto const how = proxy.spend(*this, p.whose, 0)) return end(*how);
    auto n = ready;
    if (proxy.rate) n = std::min(n, std::max<std::size_t>(proxy.rate / 50, 1));
    for (auto const* const rules : {&cuts, &proxy.cuts})
      if (auto const rule = rules->find(p.whose); rule != rules->end()) n = std::min(n, rule->second.left);

    p.busy = true;
    if (auto const pause = proxy.pause_before(n); pause.count() > 0 && !paused) {
      p.timer.expires_after(pause);
      p.timer.async_wait([self = shared_from_this(), &p](error_code) {
        p.busy = false;
        self->write(p, true);
      });
      return;
    }
    auto const last = proxy.spend(*this, p.whose, n);
    p.going = p.pending.substr(0, n);
    p.pending.erase(0, n);
    if (p.whose == direction::request) judged -= n;
    // Before they go: who has got them may look here at once.
    (p.whose == direction::request ? proxy.counted.request_bytes : proxy.counted.reply_bytes) += n;
    asio::async_write(p.to, asio::buffer(p.going), [self = shared_from_this(), &p, last](error_code ec, std::size_t) {
      p.busy = false;
      if (!self->over) self->on_written(p, ec, last);
    });
  }

  void on_written(pump& p, error_code ec, std::optional<ending> last) {
    if (last) return end(*last);
    // Nobody takes it: what is left goes nowhere, and the other direction tells how it ended.
    if (ec && p.whose == direction::request) drop_requests();
    if (ec && p.whose == direction::reply) p.pending.clear();
    go_on();
    read(p);
  }

  /// Passes on that nothing more comes, and closes when both sides have said so.
  void finish(pump& p) {
    if (!p.ended || !p.pending.empty()) return;
    if (p.whose == direction::request && late) return;
    p.finished = true;
    error_code ignored;
    p.to.shutdown(tcp::socket::shutdown_send, ignored);
    if (requests.finished && replies.finished) close();
  }

  void drop_requests() {
    if (std::exchange(held, 0)) --proxy.counted.held;
    judged = 0;
    requests.pending.clear();
  }

  void gone() {
    if (std::exchange(counted_open, false)) --proxy.counted.open;
  }

  void close() {
    over = true;
    gone();
    drop_requests();
    error_code ignored;
    requests.timer.cancel();
    replies.timer.cancel();
    client.close(ignored);
    server.close(ignored);
    proxy.sessions.erase(shared_from_this());
  }
};

// --- All connections --------------------------------------------------------------------------------------------------

fault_proxy::impl::impl(std::uint16_t to) : target(asio::ip::address_v4::loopback(), to) {
  std::random_device dice;
  for (int i = 0; i < 1000 && !acceptor.is_open(); ++i) {
    port = std::uniform_int_distribution<std::uint16_t>(15000, 32000)(dice);
    try {
      listen();
    } catch (boost::system::system_error const&) {
      acceptor.close();
    }
  }
  if (!acceptor.is_open()) throw std::runtime_error("no free port between 15000 and 32000");
  thread = std::thread([this] { io.run(); });
}

fault_proxy::impl::~impl() {
  io.stop();
  thread.join();
  sessions.clear();
}

void fault_proxy::impl::listen() {
  if (acceptor.is_open()) return;
  acceptor.open(tcp::v4());
  close_on_exec(acceptor);
  // Connections of before may still be there when it opens again; a second listener is refused all the same.
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.bind({asio::ip::address_v4::loopback(), port});
  acceptor.listen();
  accept();
}

void fault_proxy::impl::accept() {
  acceptor.async_accept([this](error_code ec, tcp::socket client) {
    if (ec == asio::error::operation_aborted || !acceptor.is_open()) return;
    if (!ec) {
      close_on_exec(client);
      client.set_option(tcp::no_delay(true), ec);
      auto const s = std::make_shared<session>(*this, std::move(client));
      s->stalled = black;
      for (auto& [whose, order] : cuts_to_come)
        if (order.second > 0 && order.second--) s->cuts.emplace(whose, order.first);
      ++counted.accepted;
      ++counted.open;
      sessions.insert(s);
      s->start();
    }
    accept();
  });
}

/// Takes `bytes` from what may still pass; how the connection ends when that was the last.
std::optional<ending> fault_proxy::impl::spend(session& s, direction whose, std::size_t bytes) {
  std::optional<ending> end;
  for (auto* const rules : {&s.cuts, &cuts}) {
    auto const rule = rules->find(whose);
    if (rule == rules->end() || (rule->second.left -= bytes) > 0) continue;
    end = rule->second.how;
    rules->erase(rule);
  }
  if (end) ++counted.cut;
  return end;
}

// --- The test's side --------------------------------------------------------------------------------------------------

fault_proxy::fault_proxy(std::uint16_t target_port) : impl_(std::make_unique<impl>(target_port)) {}
fault_proxy::~fault_proxy() = default;

std::uint16_t fault_proxy::port() const noexcept { return impl_->port; }
std::string fault_proxy::endpoint() const { return "127.0.0.1:" + std::to_string(port()); }
std::string fault_proxy::url() const { return "http://" + endpoint(); }

void fault_proxy::pass() {
  impl_->there([&p = *impl_] {
    p.black = p.no_upgrades = false;
    p.rate = 0;
    p.delay = {};
    p.cuts.clear();
    p.cuts_to_come.clear();
    p.losses = p.holds = {};
    p.listen();
    p.each_session([](session& s) {
      s.cuts.clear();
      s.lose_as.reset();
      s.resume();
    });
  });
}

void fault_proxy::refuse() {
  impl_->there([this] { impl_->acceptor.close(); });
}

void fault_proxy::blackhole() {
  impl_->there([this] { impl_->black = true; });
  stall();
}

void fault_proxy::stall() {
  impl_->there([this] { impl_->each_session([](session& s) { s.stalled = true; }); });
}

void fault_proxy::refuse_upgrades() {
  impl_->there([this] { impl_->no_upgrades = true; });
}

void fault_proxy::slow(std::size_t bytes_per_second, std::chrono::milliseconds each) {
  impl_->there([&, this] { std::tie(impl_->rate, impl_->delay) = std::tuple(bytes_per_second, each); });
}

void fault_proxy::reset_all() {
  impl_->there([this] { impl_->each_session([](session& s) { s.end(ending::rst); }); });
}

void fault_proxy::finish_all() {
  impl_->there([this] { impl_->each_session([](session& s) { s.end(ending::fin); }); });
}

void fault_proxy::cut(direction whose, std::size_t after, ending how) {
  impl_->there([&, this] { impl_->cuts.insert_or_assign(whose, cut_rule{after, how}); });
}

void fault_proxy::next_connection_cut(direction whose, std::size_t after, ending how, std::size_t count) {
  impl_->there([&, this] { impl_->cuts_to_come.insert_or_assign(whose, std::pair(cut_rule{after, how}, count)); });
}

void fault_proxy::lose_reply(request_test fits, std::size_t count, ending how) {
  impl_->there([&, this] { impl_->losses = {std::move(fits), count, how}; });
}

void fault_proxy::hold_request(request_test fits, std::size_t count) {
  impl_->there([&, this] { impl_->holds = {std::move(fits), count, {}}; });
}

void fault_proxy::release() {
  impl_->there([&p = *impl_] {
    p.holds = {};
    p.each_session([](session& s) { s.release(); });
  });
}

proxy_counters fault_proxy::counters() const {
  return impl_->there([this] { return impl_->counted; });
}

bool fault_proxy::wait_until(std::function<bool(proxy_counters const&)> const& so,
                             std::chrono::milliseconds limit) const {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (!so(counters())) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace coelect::test
