// The network between the members of an etcd cluster: a proxy in front of each one's peer port, which can be split in two.
#include "peer_network.hpp"
#include "support/etcd_server.hpp"
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <fstream>
#include <future>
#include <sstream>

namespace coelect::test {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t unknown = peer_network::most_members;

/// The inode of the socket that was dialled from one loopback port to the other; empty when there is none any more.
std::string inode_of(std::uint16_t from, std::uint16_t to) {
  char wanted[32];
  std::snprintf(wanted, sizeof wanted, "0100007F:%04X 0100007F:%04X ", from, to);
  std::ifstream table("/proc/net/tcp");
  for (std::string line; std::getline(table, line);) {
    if (line.find(wanted) == line.npos) continue;
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 10; ++i) words >> word;
    return word;
  }
  return {};
}

bool holds(pid_t pid, std::string const& inode) {
  auto const wanted = "socket:[" + inode + "]";
  std::error_code ec;
  for (auto const& fd : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ec))
    if (fs::read_symlink(fd.path(), ec) == wanted) return true;
  return false;
}

/// Runs `f` on the network's thread and waits for it.
template <class F>
auto there(asio::io_context& io, F f) {
  auto const task = std::make_shared<std::packaged_task<decltype(f())()>>(std::move(f));
  auto result = task->get_future();
  asio::post(io, [task] { (*task)(); });
  return result.get();
}

}  // namespace

struct peer_network::gate {
  std::size_t member;
  tcp::acceptor acceptor;
  tcp::endpoint target;
};

/// One connection, dialled by the member `from` to the member `to`.
struct peer_network::link : std::enable_shared_from_this<link> {
  link(peer_network& n, tcp::socket c, gate const& g) : net(n), near(std::move(c)), far(n.io_), to(g.member) {
    error_code ec;
    from_port = near.remote_endpoint(ec).port();
    to_port = g.acceptor.local_endpoint(ec).port();
  }
  void start(tcp::endpoint const& target) {
    far.async_connect(target, [self = shared_from_this()](error_code ec) {
      if (ec) return self->close();
      ::fcntl(self->far.native_handle(), F_SETFD, FD_CLOEXEC);
      self->far.set_option(tcp::no_delay(true), ec);
      self->read(self->there_way);
      self->read(self->back_way);
    });
  }
  void go_on() {
    for (auto* const w : {&there_way, &back_way})
      if (std::exchange(w->waits, false)) write(*w);
  }
  void close() {
    error_code ignored;
    near.close(ignored);
    far.close(ignored);
    net.links_.erase(shared_from_this());
  }

  struct way {
    tcp::socket &in, &out;
    std::array<char, 65536> bytes{};
    std::size_t size = 0;
    bool waits = false;  // for the end of a split, with `size` bytes
  };
  void read(way& w) {
    w.in.async_read_some(asio::buffer(w.bytes), [self = shared_from_this(), &w](error_code ec, std::size_t n) {
      w.size = ec ? 0 : n;
      self->write(w);
    });
  }
  void write(way& w) {
    if (net.cut(*this)) {
      w.waits = true;
      return;
    }
    if (w.size == 0) return close();
    asio::async_write(w.out, asio::buffer(w.bytes, w.size),
                      [self = shared_from_this(), &w](error_code ec, std::size_t) {
                        if (ec) return self->close();
                        self->read(w);
                      });
  }

  peer_network& net;
  tcp::socket near, far;
  std::size_t from = unknown, to;
  std::uint16_t from_port = 0, to_port = 0;
  way there_way{near, far}, back_way{far, near};
};

peer_network::peer_network() : thread_([this] { io_.run(); }) {}

peer_network::~peer_network() {
  io_.stop();
  thread_.join();
  links_.clear();
}

std::uint16_t peer_network::add(std::size_t member, std::uint16_t peer_port) {
  auto const here = asio::ip::address_v4::loopback();
  auto g = std::make_unique<gate>(gate{member, tcp::acceptor(io_, {here, free_port()}), {here, peer_port}});
  ::fcntl(g->acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  auto const port = g->acceptor.local_endpoint().port();
  there(io_, [&] {
    accept(*g);
    gates_.push_back(std::move(g));
  });
  return port;
}

void peer_network::accept(gate& at) {
  at.acceptor.async_accept([this, &at](error_code ec, tcp::socket client) {
    if (ec == asio::error::operation_aborted) return;
    if (!ec) {
      ::fcntl(client.native_handle(), F_SETFD, FD_CLOEXEC);
      client.set_option(tcp::no_delay(true), ec);
      auto const l = std::make_shared<link>(*this, std::move(client), at);
      if (isolated_ != unknown) l->from = dialled_by(l->from_port, l->to_port);
      links_.insert(l);
      l->start(at.target);
    }
    accept(at);
  });
}

std::size_t peer_network::dialled_by(std::uint16_t from_port, std::uint16_t to_port) const {
  auto const inode = inode_of(from_port, to_port);
  if (inode.empty()) return unknown;
  for (std::size_t m = 0; m < most_members; ++m)
    if (auto const pid = pids_[m].load(); pid > 0 && holds(pid, inode)) return m;
  return unknown;
}

/// A connection of nobody that we know is cut, too: its member may just have ended.
bool peer_network::cut(link const& l) const {
  if (isolated_ == unknown) return false;
  return l.from == unknown || (l.from == isolated_) != (l.to == isolated_);
}

std::size_t peer_network::isolate(std::size_t member) {
  return there(io_, [&] {
    isolated_ = member;
    std::size_t count = 0;
    for (auto const& l : links_) {
      l->from = dialled_by(l->from_port, l->to_port);
      if (cut(*l)) ++count;
    }
    return count;
  });
}

void peer_network::heal() {
  there(io_, [this] {
    isolated_ = unknown;
    auto const all = links_;  // some may end
    for (auto const& l : all) l->go_on();
  });
}

}  // namespace coelect::test
