// Three candidates of one kind, each behind a proxy of its own, and what can be done to their leader.
#include "troupe.hpp"
#include <coelect/clock.hpp>
#include <stdexcept>
#include <thread>

namespace versus {

using namespace std::chrono_literals;
using coelect::test::child;
using coelect::test::fault_proxy;

ns boottime() { return coelect::clock::now().time_since_epoch().count(); }

troupe::troupe(kind what, std::string program, coelect::test::etcd_server& etcd, int ttl_seconds)
    : kind_(what), program_(std::move(program)), etcd_(etcd), ttl_seconds_(ttl_seconds) {
  for (int who = 0; who < size; ++who) {
    proxies_[static_cast<std::size_t>(who)] = std::make_unique<fault_proxy>(etcd_.client_port());
    start(who);
  }
}

std::filesystem::path troupe::file(int who) const { return directory_.path() / std::to_string(who); }

void troupe::start(int who) {
  auto const i = static_cast<std::size_t>(who);
  actors_[i] = std::make_unique<child>(std::vector<std::string>{
      program_, "--candidate", kind_ == kind::naive ? "naive" : "coelect", std::string(1, static_cast<char>('A' + who)),
      file(who).string(), std::to_string(ttl_seconds_), std::to_string(proxies_[i]->port())});
}

referee const& troupe::notes() {
  referee_.clear();
  for (int who = 0; who < size; ++who) referee_.read(file(who), who);
  return referee_;
}

int troupe::wait_for_leader(std::chrono::milliseconds settled) {
  auto const limit = boottime() + 30'000'000'000;
  while (boottime() < limit) {
    auto const leads = notes().leader(boottime(), 100'000'000);
    if (leads && leads->end - leads->begin > std::chrono::nanoseconds(settled).count()) return leads->who;
    std::this_thread::sleep_for(20ms);
  }
  throw std::runtime_error(std::string("nobody leads for 30 s among the ") +
                           (kind_ == kind::naive ? "naive" : "coelect") + " candidates");
}

void troupe::inflict(fault what, int on) {
  auto const i = static_cast<std::size_t>(on);
  switch (what) {
    case fault::stopped: actors_[i]->signal(SIGSTOP); return;
    case fault::cut_off: proxies_[i]->blackhole(); return;
    case fault::slow_answers: proxies_[i]->slow(0, 1200ms); return;
    case fault::killed: actors_[i]->signal(SIGKILL); return;
    case fault::revoked: revoke_lease_of_leader(); return;
  }
}

void troupe::heal(fault what, int on) {
  auto const i = static_cast<std::size_t>(on);
  switch (what) {
    case fault::stopped: actors_[i]->signal(SIGCONT); return;
    case fault::cut_off:
    case fault::slow_answers: proxies_[i]->pass(); return;
    case fault::killed: start(on); return;
    case fault::revoked: return;
  }
}

// What an operator does with etcdctl lease revoke.
void troupe::revoke_lease_of_leader() {
  auto const keys = etcd_.client().list(kind_ == kind::naive ? "naive/leader" : "coelect/leader/");
  if (keys.empty()) throw std::runtime_error("no leader's key to revoke the lease of");
  etcd_.client().revoke(keys.front().lease);
}

}  // namespace versus
