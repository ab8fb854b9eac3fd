// The etcd part with users: a member whose tokens are short-lived, two candidate processes, and what takes their tokens away.
#include "users_stage.hpp"
#include <cstdlib>

namespace coelect::test {

using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr auto password = "known to this test only";

/// A token that is not used for two seconds is gone, and all are when the member starts again.
etcd_options short_tokens() {
  etcd_options how;
  how.quick = true;
  how.flags = {"--bcrypt-cost", "4", "--auth-token-ttl", "2"};
  return how;
}

void make_users(etcd_client const& at) {
  at.call("auth/role/add", {{"name", "faults"}});
  json const range{{"permType", "READWRITE"}, {"key", base64_encode("f/")}, {"range_end", base64_encode("f0")}};
  at.call("auth/role/grant", {{"name", "faults"}, {"perm", range}});
  for (std::string const user : {"root", "candidate"}) {
    at.call("auth/user/add", {{"name", user}, {"password", password}});
    at.call("auth/user/grant", {{"user", user}, {"role", user == "root" ? "root" : "faults"}});
  }
  at.call("auth/enable", json::object());
}

}  // namespace

users_stage::users_stage(run& in) : in_(in), server_(short_tokens()), way_(server_.client_port()) {
  make_users(server_.client());
  ::setenv("FAULT_PASSWORD", password, 1);
  for (std::size_t i = 0; i < actors; ++i) {
    std::vector<std::string> where{"etcd=" + way_.url(),
                                   "user=candidate",
                                   "elections=" + joined(elections()),
                                   "ttl=" + std::to_string(ttl.count()),
                                   "slack=" + std::to_string(slack.count()),
                                   "reign=8000"};
    actors_[i] = std::make_unique<actor>(in_, "users", static_cast<int>(i), where);
    actors_[i]->start();
  }
}

users_stage::~users_stage() {
  in_.faults.end_all();
  if (lane_.joinable()) lane_.join();
  end();
}

std::vector<std::filesystem::path> users_stage::notes() const {
  std::vector<std::filesystem::path> all;
  for (auto const& a : actors_) all.push_back(a->notes());
  return all;
}

int users_stage::make_trouble() {
  lane_ = std::thread([this] { lane(); });
  return 1;
}

void users_stage::end() {
  for (auto& a : actors_) a->kill();
}

void users_stage::lane() {
  deck cards({{"token expired in a stop", 2},
              {"token expired in a blackhole", 2},
              {"tokens lost in a restart", 2},
              {"kill -9", 1}},
             in_.seed + 400);
  while (in_.faults.rest(cards.between(3s, 6s))) {
    auto const kind = cards.deal();
    try {
      fault(kind, cards);
    } catch (std::exception const& e) {
      in_.log.remark("users", kind + ": " + e.what());
    }
  }
  in_.faults.wait_for_the_end();
}

void users_stage::fault(std::string const& kind, deck& cards) {
  auto& one = *actors_[cards.below(actors)];
  auto victim = one.name();
  auto const from = boot_now();
  if (kind == "token expired in a stop") {
    one.stop();
    in_.faults.rest(cards.between(3'200ms, 4'500ms));
    one.cont();
  } else if (kind == "token expired in a blackhole") {
    way_.blackhole();
    in_.faults.rest(cards.between(3'200ms, 4'500ms));
    way_.pass();
    victim = "m0";
  } else if (kind == "tokens lost in a restart") {
    server_.kill();
    in_.faults.rest(cards.between(100ms, 500ms));
    server_.start();
    victim = "m0";
  } else {
    one.kill();
    in_.faults.rest(300ms);
    one.start();
  }
  in_.log.fault("users", kind, victim, from, boot_now());
}

}  // namespace coelect::test
