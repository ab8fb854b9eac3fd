// What the campaign does to a candidate of the etcd stage: to its process, to its network, and to its hold in the store.
#include "etcd_stage.hpp"

namespace coelect::test {

using namespace std::chrono_literals;

namespace {

// What is asked of a paused member is carried out when it goes on, after 5 s at most.
constexpr auto carried_out_by = 8s;

}  // namespace

bool etcd_stage::candidate_fault(std::string const& kind, place& at, deck& cards) {
  auto const from = boot_now();
  auto const name = at.who.name();
  if (kind == "kill -9") {
    at.who.kill();
    in_.log.fault("etcd", kind, name, from, boot_now());
    in_.faults.rest(cards.between(100ms, 800ms));
    at.who.start();
    return true;
  }
  milliseconds span{};
  if (kind == "stop for less than V") span = cards.between(300ms, 1'800ms);
  else if (kind == "stop for more than V") span = cards.between(2'250ms, 2'900ms);
  else if (kind == "stop for more than the ttl") span = cards.between(3'500ms, 5'500ms);
  else if (kind != "stop between check and write") return false;
  if (span.count() > 0) {
    at.who.stop();
  } else {
    if (!at.who.stop_before_write(500ms)) return true;  // it leads nothing now
    span = cards.between(4'200ms, 5'500ms);             // until somebody else leads and has written
  }
  in_.faults.rest(span);
  at.who.cont();
  in_.log.fault("etcd", kind, name, from, boot_now());
  return true;
}

bool etcd_stage::network_fault(std::string const& kind, place& at, deck& cards) {
  auto const from = boot_now();
  auto span = cards.between(800ms, 1'800ms);
  auto const anything = [](proxy_request const& r) { return r.path != "/v3/watch"; };
  auto const byte = [&] { return cards.below(1'500); };
  if (kind == "blackhole for more than the ttl") {
    span = cards.between(3'300ms, 4'500ms);
    at.each_way([](fault_proxy& way) { way.blackhole(); });
  } else if (kind == "short blackhole") {
    at.each_way([](fault_proxy& way) { way.blackhole(); });
  } else if (kind == "refuse") {
    span = cards.between(500ms, 4'000ms);
    at.each_way([](fault_proxy& way) {
      way.refuse();
      way.reset_all();
    });
  } else if (kind == "RST at byte N" || kind == "FIN at byte N") {
    auto const how = kind.starts_with("RST") ? ending::rst : ending::fin;
    at.each_way([&](fault_proxy& way) {
      way.cut(direction::request, byte(), how);
      way.cut(direction::reply, byte(), how);
    });
  } else if (kind == "slow") {
    span = cards.between(1'500ms, 4'000ms);
    at.each_way([&](fault_proxy& way) { way.slow(2'000 + cards.below(20'000), cards.between(10ms, 150ms)); });
  } else if (kind == "lost replies") {
    at.each_way([&](fault_proxy& way) { way.lose_reply(anything, 1 + cards.below(8), ending::rst); });
  } else if (kind == "cut replies") {
    at.each_way([&](fault_proxy& way) {
      way.next_connection_cut(direction::reply, cards.below(700), ending::stall, 1 + cards.below(4));
      way.finish_all();
    });
  } else {
    return false;
  }
  in_.faults.rest(span);
  at.each_way([](fault_proxy& way) { way.pass(); });
  in_.log.fault("etcd", kind, at.who.name(), from, boot_now());
  return true;
}

/// An operator takes somebody's hold away. Until the holder has heard of it two may act: at most as long as a renewed
/// lease is trusted, and the holder is left alone meanwhile.
bool etcd_stage::operator_fault(std::string const& kind, place& at, deck& cards) {
  if (kind != "lease revoked" && kind != "leader's key deleted") return false;
  auto* holder_of_one = &at;
  std::unique_lock<std::mutex> its;
  for (auto const& [election, holder] : watch_->holders())
    for (auto const& p : places_)
      if (p.get() != &at && holder_of_one == &at && p->who.name() == holder.candidate)
        if (its = std::unique_lock(p->who.trouble, std::try_to_lock); its) holder_of_one = p.get();
  auto const name = holder_of_one->who.name();
  std::vector<std::pair<std::string, store_watch::holder>> held;
  for (auto const& [election, holder] : watch_->holders())
    if (holder.candidate == name) held.emplace_back(election, holder);
  if (held.empty()) return true;
  etcd_client client(healthy_port());
  client.limit = 2s;
  bool const all = kind == "lease revoked";
  auto const& [election, holder] = held[all ? 0 : cards.below(held.size())];
  auto const key = all ? watch_->anchor_of(holder.lease) : holder.key;
  auto const from = boot_now();
  watch_->will_go(key, kind + " by the campaign");
  try {
    if (all) client.revoke(holder.lease);
    else if (client.del(key) == 0) watch_->was_not_there(key);
  } catch (std::exception const& e) {  // it may be carried out all the same
    in_.log.remark("etcd", kind + ": " + e.what());
  }
  auto const asked_until = boot_now();
  for (auto const end = asked_until + carried_out_by; watch_->awaits(key) && boot_now() < end;)
    if (!in_.faults.rest(20ms)) break;
  in_.log.fault("etcd", kind, all ? name : election, from, asked_until);
  in_.faults.rest(trusted);
  return true;
}

}  // namespace coelect::test
