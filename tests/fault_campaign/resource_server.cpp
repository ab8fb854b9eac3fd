// The fenced resource: takes writes whose token is not older than the newest one, and notes them in its own order.
#include "resource_server.hpp"
#include "resource.hpp"
#include <algorithm>
#include <poll.h>
#include <sstream>
#include <vector>

namespace coelect::test {

resource_server::resource_server(std::string path, std::filesystem::path const& notes)
    : path_(std::move(path)), out_(notes) {
  auto const where = local_address(path_);
  listener_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (path_.size() >= sizeof where.sun_path ||
      ::bind(listener_, reinterpret_cast<sockaddr const*>(&where), sizeof where) != 0 || ::listen(listener_, 64) != 0 ||
      ::pipe2(bell_, O_CLOEXEC) != 0)
    throw std::runtime_error("cannot serve the resource at " + path_);
  thread_ = std::thread([this] { serve(); });
}

resource_server::~resource_server() {
  ::close(bell_[1]);
  thread_.join();
  ::close(bell_[0]);
  ::close(listener_);
}

void resource_server::serve() {
  std::vector<pollfd> all{{bell_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
  char packet[512];
  for (;;) {
    if (::poll(all.data(), all.size(), -1) < 0) continue;
    if (all[0].revents != 0) break;
    for (std::size_t i = 2; i < all.size(); ++i) {
      if (all[i].revents == 0) continue;
      auto const n = ::recv(all[i].fd, packet, sizeof packet, MSG_DONTWAIT);
      if (n > 0) {
        char const answer = write(std::string(packet, static_cast<std::size_t>(n))) ? 'y' : 'n';
        ::send(all[i].fd, &answer, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
      } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        ::close(all[i].fd);
        all[i].fd = -1;
      }
    }
    all.erase(std::remove_if(all.begin(), all.end(), [](pollfd const& p) { return p.fd < 0; }), all.end());
    if (all[1].revents == 0) continue;
    if (int const client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); client >= 0)
      all.push_back({client, POLLIN, 0});
  }
  for (std::size_t i = 2; i < all.size(); ++i) ::close(all[i].fd);
}

bool resource_server::write(std::string const& ask) {
  std::istringstream words(ask);
  testing::event e;
  words >> e.election >> e.token >> e.candidate;
  bool const fine = fences_[e.election].admit(e.token);
  e.what = fine ? testing::happening::accepted : testing::happening::refused;
  e.at = boot_now();
  out_.note(e);
  ++(fine ? accepted_ : refused_);
  return fine;
}

}  // namespace coelect::test
