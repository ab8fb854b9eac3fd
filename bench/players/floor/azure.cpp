// The floor for Azure: signed requests, made beforehand, sent again and again over kept-alive connections.
#include "players/floor/http.hpp"
#include "players/player.hpp"
#include <fstream>
#include <memory>
#include <sstream>
#include <sys/epoll.h>

namespace {

using namespace bench;

/// Three requests a blob (acquire, renew, release), each ended by a zero byte. The server does not mind old dates.
std::vector<std::string> read_requests(std::string const& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  std::vector<std::string> requests;
  std::string one;
  for (std::istringstream rest(all.str()); std::getline(rest, one, '\0');) requests.push_back(one);
  return requests;
}

struct loop {
  explicit loop(std::string const& endpoint) : line(endpoint) {}
  connection line;
  int step = 0;
  double begin = 0;
};

class floor {
public:
  floor(options const& o, std::vector<std::string> requests)
      : requests_(std::move(requests)), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (requests_.size() < 3 * static_cast<std::size_t>(o.n)) throw std::runtime_error("too few signed requests");
    for (int i = 0; i < o.n; ++i) {
      loops_.push_back(std::make_unique<loop>(o.endpoint));
      epoll_event e{};
      e.events = EPOLLIN;
      e.data.u32 = static_cast<std::uint32_t>(i);
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, loops_.back()->line.fd(), &e);
    }
  }
  ~floor() { ::close(poll_); }
  floor(floor const&) = delete;
  floor& operator=(floor const&) = delete;

  void play(double seconds) {
    auto const stop_at = now() + seconds;
    for (std::size_t i = 0; i < loops_.size(); ++i) send(i);
    while (under_way_ > 0) {
      epoll_event events[128];
      int const count = ::epoll_wait(poll_, events, 128, -1);
      for (int k = 0; k < count; ++k) {
        auto const i = static_cast<std::size_t>(events[k].data.u32);
        auto& l = *loops_[i];
        if (!l.line.receive()) continue;
        --under_way_;
        if (l.line.status() / 100 != 2)
          throw std::runtime_error("HTTP " + std::to_string(l.line.status()) + l.line.body());
        us[l.step].push_back((now() - l.begin) * 1e6);
        l.step = (l.step + 1) % 3;
        if (l.step != 0 || now() < stop_at) send(i);
      }
    }
  }

  std::vector<double> us[3];

private:
  void send(std::size_t i) {
    auto& l = *loops_[i];
    l.begin = now();
    l.line.send(requests_[3 * i + static_cast<std::size_t>(l.step)]);
    ++under_way_;
  }

  std::vector<std::string> requests_;
  int poll_;
  int under_way_ = 0;
  std::vector<std::unique_ptr<loop>> loops_;
};

void play(options const& o) {
  floor all(o, read_requests(o.requests));
  all.play(0.3);
  for (auto& values : all.us) values.clear();
  cpu_meter cpu(o.server_pid);
  auto const begin = now();
  all.play(o.seconds);
  auto const operations = static_cast<double>(all.us[0].size() + all.us[1].size() + all.us[2].size());
  metrics m;
  m.put("operations_per_s", operations / (now() - begin));
  cpu.put(m, operations);
  m.put("rss_mb", own_rss_mb());
  m.put_all("acquire_us", all.us[0]);
  m.put_all("renew_us", all.us[1]);
  m.put_all("release_us", all.us[2]);
  m.print();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    play(read_options(argc, argv));
    return 0;
  } catch (std::exception const& e) {
    std::fprintf(stderr, "floor-azure: %s\n", e.what());
    return 1;
  }
}
