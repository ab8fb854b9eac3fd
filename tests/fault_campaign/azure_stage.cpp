// The Azure part of the campaign: Azurite behind proxies, three candidate processes in four elections, and their troubles.
#include "azure_stage.hpp"
#include "blob_operator.hpp"
#include <csignal>

namespace coelect::test {

using namespace std::chrono_literals;

namespace {

/// The holder of a broken lease hears of it at its next renewal: one in a third of the ttl, and one request.
constexpr milliseconds heard_by{7'500};

}  // namespace

struct azure_stage::place {
  place(run& in, int number, std::uint16_t port)
      : way(port),
        who(in, "azure", number,
            {"azure=AccountName=devstoreaccount1;AccountKey=" + std::string(azure::development_key) +
                 ";BlobEndpoint=" + way.url() + "/devstoreaccount1",
             "elections=" + joined(numbered("azure", election_count)), "ttl=" + std::to_string(ttl.count()),
             "reign=20000"}) {}
  fault_proxy way;
  actor who;
};

azure_stage::azure_stage(run& in) : in_(in) {
  for (std::size_t i = 0; i < actors; ++i) {
    places_[i] = std::make_unique<place>(in_, static_cast<int>(i), server_.port());
    notes_.push_back(places_[i]->who.notes());
    places_[i]->who.start();
  }
}

azure_stage::~azure_stage() {
  in_.faults.end_all();
  for (auto& lane : lanes_) lane.join();
  for (auto& p : places_)
    if (p) p->who.kill();
}

int azure_stage::make_trouble() {
  for (std::size_t i = 0; i < actors; ++i) lanes_.emplace_back([this, i] { lane(i); });
  return static_cast<int>(lanes_.size());
}

void azure_stage::end() {
  for (auto& p : places_) p->who.kill();
}

void azure_stage::lane(std::size_t who) {
  deck cards({{"kill -9", 3},
              {"short stop", 1},
              {"stop for more than V", 1},
              {"stop for more than the ttl", 1},
              {"stop between check and write", 1},
              {"blackhole for more than the ttl", 1},
              {"short blackhole", 1},
              {"refuse", 1},
              {"lost replies", 2},
              {"cut replies", 2},
              {"slow", 1},
              {"Azurite paused", 1},
              {"lease broken", 2},
              {"blob deleted", 1}},
             in_.seed + 300 + who);
  auto& at = *places_[who];
  while (in_.faults.rest(cards.between(1s, 4s))) {
    auto const kind = cards.deal();
    try {
      bool const known = candidate_fault(kind, at, cards) || network_fault(kind, at, cards) ||
                         operator_fault(kind, at, cards) || server_fault(kind, cards);
      if (!known) throw std::logic_error("no such fault");
    } catch (std::exception const& e) {
      in_.log.remark("azure", kind + ": " + e.what());
    }
    at.who.cont();
    at.way.pass();
  }
  in_.faults.wait_for_the_end();
}

bool azure_stage::candidate_fault(std::string const& kind, place& at, deck& cards) {
  auto const from = boot_now();
  auto const name = at.who.name();
  if (kind == "kill -9") {
    at.who.kill();
    in_.log.fault("azure", kind, name, from, boot_now());
    in_.faults.rest(cards.between(200ms, 2s));
    at.who.start();
    return true;
  }
  milliseconds span{};
  if (kind == "short stop") span = cards.between(500ms, 4s);
  else if (kind == "stop for more than V") span = cards.between(12'600ms, 14'500ms);
  else if (kind == "stop for more than the ttl") span = cards.between(16s, 20s);
  else if (kind != "stop between check and write") return false;
  if (span.count() > 0) {
    at.who.stop();
  } else {
    if (!at.who.stop_before_write(1s)) return true;  // it leads nothing now
    span = cards.between(17s, 20s);
  }
  in_.faults.rest(span);
  at.who.cont();
  in_.log.fault("azure", kind, name, from, boot_now());
  return true;
}

bool azure_stage::network_fault(std::string const& kind, place& at, deck& cards) {
  auto const from = boot_now();
  auto span = cards.between(1s, 4s);
  auto const anything = [](proxy_request const&) { return true; };
  if (kind == "blackhole for more than the ttl") {
    span = cards.between(15'500ms, 18s);
    at.way.blackhole();
  } else if (kind == "short blackhole") {
    at.way.blackhole();
  } else if (kind == "refuse") {
    at.way.refuse();
    at.way.reset_all();
  } else if (kind == "lost replies") {
    at.way.lose_reply(anything, 1 + cards.below(8), cards.below(2) ? ending::rst : ending::fin);
  } else if (kind == "cut replies") {
    auto const how = std::array{ending::rst, ending::fin, ending::stall}[cards.below(3)];
    at.way.next_connection_cut(direction::reply, cards.below(600), how, 1 + cards.below(6));
    at.way.finish_all();
  } else if (kind == "slow") {
    at.way.slow(500 + cards.below(5'000), cards.between(20ms, 300ms));
  } else {
    return false;
  }
  in_.faults.rest(span);
  at.way.pass();
  in_.log.fault("azure", kind, at.who.name(), from, boot_now());
  return true;
}

/// This candidate and the server are left alone until the holder must have heard of it.
bool azure_stage::operator_fault(std::string const& kind, place& at, deck& cards) {
  if (kind != "lease broken" && kind != "blob deleted") return false;
  tail seen(notes_);
  seen.read();
  auto const held = seen.led_by(at.who.name());
  if (held.empty()) return true;
  auto const& election = held[cards.below(held.size())];
  blob_operator by(server_.port(), "faults");
  std::lock_guard const nothing_else(server_trouble_);
  auto const from = boot_now();
  try {
    by.break_lease(election);
    if (kind == "blob deleted") by.erase(election);
  } catch (std::exception const& e) {
    in_.log.remark("azure", kind + ": " + e.what());
  }
  auto const now = boot_now();
  in_.log.excuse(election, from, now + heard_by, kind + " by the campaign");
  in_.log.fault("azure", kind, election, from, now);
  in_.faults.rest(heard_by);
  return true;
}

bool azure_stage::server_fault(std::string const& kind, deck& cards) {
  if (kind != "Azurite paused") return false;
  std::lock_guard const nothing_else(server_trouble_);
  auto const from = boot_now();
  server_.signal(SIGSTOP);
  in_.faults.rest(cards.between(2s, 8s));
  server_.signal(SIGCONT);
  in_.log.fault("azure", kind, "server", from, boot_now());
  in_.faults.rest(1s);
  return true;
}

}  // namespace coelect::test
