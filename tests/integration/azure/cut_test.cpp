// A connection ends, or falls silent, after any byte of any exchange: it costs a retry, and nobody locks itself out.
#include "fault_place.hpp"
#include "integration/etcd/cut_lanes.hpp"
#include "support/certificates.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

constexpr auto longest_allowed = 12s;  // whoever waits for a lease of its own waits 15 s
constexpr auto a_step = 100ms;  // between what one renewal and the next make of a deadline; readings differ by less

/// What all lanes know: where they are and how they get in.
struct place {
  azure_process& process;
  azurite const& server;
  std::string prefix;          ///< Of the blobs: every run of a test has its own.
  raw_blobs* maker = nullptr;  ///< Makes the blob first; else the candidate makes it, and waits for its first term.
  std::string ca{};            ///< Set: https.
};

class azure_lane : public cut_lane {
public:
  azure_lane(place p, std::size_t number)
      : cut_lane(p.server.port()), place_(std::move(p)), election_(place_.prefix + std::to_string(number)) {}

protected:
  std::shared_ptr<store> open() {
    auto how = lively();
    how.timing.renew_every = 2s;
    how.tls.ca_file = place_.ca;
    how.log = tell();
    auto where = through(proxy.port());
    if (!place_.ca.empty()) where.replace(where.find("http://"), 7, "https://");
    return make_azure_blob_store(place_.process.io.get_executor(), where, how);
  }
  elector stand_in(std::string election) { return place_.process.make_elector(open(), "A", std::move(election)); }
  awaitable<leadership> win(elector& e) {
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    leadership term = co_await e.campaign(token);
    if (ec || !term.valid()) say("no term, " + ec.message() + ", " + e.last_answer().message());
    co_return term;
  }
  /// Whether the service has confirmed it.
  awaitable<bool> resign(leadership& term) {
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    co_await term.resign(token);
    expect(!term.valid(), "valid after it has resigned");
    if (ec != errc::not_leader) accept(ec, "resign");
    co_return !ec;
  }

  place place_;
  std::string election_;
};

/// Acquire, look, term write, release; where nobody has made the blob, its creation first. A blob of its own each time:
/// no run waits for another one's lease.
class campaign_lane final : public azure_lane {
public:
  using azure_lane::azure_lane;
  awaitable<void> get_ready() override {
    name_ = place_.prefix + std::to_string(offset);
    if (place_.maker != nullptr) place_.maker->make(name_);
    co_return;
  }
  awaitable<void> exchange() override {
    auto e = stand_in(name_);
    leadership term = co_await win(e);
    // Nobody else stands here. Time would not tell a lease of its own in its way from a busy machine.
    expect(story().find(" acquire: 409") == std::string::npos, "it was refused, by a lease of its own:\n" + story());
    released_ = co_await resign(term);
  }
  awaitable<void> go_on() override {
    // What was confirmed is free at once; the other leases run out.
    if (!released_ || place_.maker == nullptr) co_return;
    auto const next = place_.maker->ask(az::acquire(place_.maker->path(name_), id_b, 15));
    expect(next.status == 201, "the lease is held though its release was confirmed");
  }
  awaitable<void> leave() override { co_return; }

private:
  std::string name_;
  bool released_ = false;
};

/// A leader, elected once for many offsets.
class leader_lane : public azure_lane {
public:
  using azure_lane::azure_lane;
  awaitable<void> get_ready() override {
    if (elector_ && term_.valid()) co_return;
    term_ = leadership();
    elector_.reset();
    elector_.emplace(stand_in(election_));
    term_ = co_await win(*elector_);
  }
  awaitable<void> go_on() override {
    expect(term_.valid(), "the term is over, " + term_.ended().detail());
    co_return;
  }
  awaitable<void> leave() override {
    if (elector_) {
      co_await resign(term_);
    }
    term_ = leadership();
    elector_.reset();
  }

protected:
  std::optional<elector> elector_;
  leadership term_;
};

class renewal_lane final : public leader_lane {
public:
  using leader_lane::leader_lane;
  awaitable<void> exchange() override {
    later_ = term_.valid_until() + a_step;
    auto const before = proxy.counters().cut;
    co_await wait_for([this, before] { return proxy.counters().cut != before || !term_.valid(); }, 6s);
  }
  awaitable<void> go_on() override {
    bool const renewed = co_await wait_for([this] { return term_.valid_until() > later_; }, 6s);
    expect(renewed, "no renewal comes through");
    co_await leader_lane::go_on();
  }

private:
  clock::time_point later_{};  // than what was trusted when the renewal began
};

class proclaim_lane final : public leader_lane {
public:
  using leader_lane::leader_lane;
  awaitable<void> exchange() override {
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    std::string value = "value " + std::to_string(offset);
    co_await term_.proclaim(std::move(value), token);
    accept(ec, "proclaim");
  }
};

class write_lane final : public leader_lane {
public:
  using leader_lane::leader_lane;
  awaitable<void> exchange() override {
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    std::string name = election_ + ".state", content = std::to_string(offset);
    co_await term_.guarded_put(std::move(name), std::move(content), token);
    accept(ec, "guarded write");
    acknowledged_ = !ec;
  }
  awaitable<void> go_on() override {
    if (acknowledged_ && place_.maker != nullptr) {
      auto const there = place_.maker->content(election_ + ".state");
      expect(there.body == std::to_string(offset), "an acknowledged write is not there");
    }
    co_await leader_lane::go_on();
  }

private:
  bool acknowledged_ = false;
};

template <class Lane>
cut_group group(place where, cut_plan plan, std::size_t how_many_lanes) {
  where.prefix += std::to_string(static_cast<int>(plan.whose)) + std::to_string(static_cast<int>(plan.how)) + "/";
  cut_group g{std::move(plan), {}};
  for (std::size_t i = 0; i < how_many_lanes; ++i) g.lanes.push_back(std::make_unique<Lane>(where, i));
  return g;
}

void cut_all(azure_process& p, std::vector<cut_group>& groups) {
  cut_side_by_side(p.io, groups, [&](auto const& so, auto limit) { return p.until(so, limit); });
  for (auto const& g : groups) {
    for (auto const& line : g.figures.wrong) UNSCOPED_INFO(g.name() + ", byte " + line);
    CHECK(g.figures.wrong.empty());
    CHECK(g.figures.cuts > 0);
    UNSCOPED_INFO(g.name() << ", byte " << g.figures.longest_at << ":\n" << g.figures.story);
    CHECK(g.figures.longest < longest_allowed);
  }
}

constexpr ending all_endings[] = {ending::rst, ending::fin, ending::stall};
constexpr direction both[] = {direction::request, direction::reply};

/// Strides are primes: what repeats in an exchange does not hide from them. Every byte takes COELECT_ROUNDS=2.
std::size_t every(std::size_t usually) { return rounds(1) > 1 ? 1 : usually; }

/// Those that wait do not need the machine: more of them side by side when there are more bytes.
std::size_t wide(std::size_t usually) { return rounds(1) > 1 ? 3 * usually : usually; }

/// What a renewal carries in either direction.
std::map<direction, std::size_t> bytes_of_renewal(azurite const& server) {
  azure_process p;
  fault_proxy proxy(server.port());
  auto how = lively();
  how.timing.renew_every = 2s;
  auto e = p.make_elector(p.make_store(through(proxy.port()), how), "A", "measured");
  auto term = p.win(e);
  auto const later = term.valid_until() + a_step;
  auto const before = proxy.counters();
  REQUIRE(p.until([&] { return term.valid_until() > later; }));
  auto const after = proxy.counters();
  p.resign(term);
  return {{direction::request, after.request_bytes - before.request_bytes},
          {direction::reply, after.reply_bytes - before.reply_bytes}};
}

}  // namespace

TEST_CASE("azure faults: a connection that ends after any byte costs a retry, and nobody locks itself out",
          "[N2][N3][azure]") {
  azurite server;
  azure_process p;
  raw_blobs raw(server.port());
  raw.make_container();
  place const made{p, server, "made/", &raw}, fresh{p, server, "new/"};
  std::vector<cut_group> known, all;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      bool const waits = how == ending::stall;
      cut_plan plan{"acquire, term write, release", whose, how, every(waits ? 19 : 11)};
      known.push_back(group<campaign_lane>(made, std::move(plan), waits ? wide(12) : 2));
    }
  cut_all(p, known);
  for (auto const whose : both)
    for (auto const how : all_endings) {
      cut_plan plan{"blob made, and the same", whose, how, every(127)};
      all.push_back(group<campaign_lane>(fresh, std::move(plan), wide(8)));  // each waits for the clock's next second
    }
  cut_all(p, all);
}

TEST_CASE("azure faults: any byte of a leader's requests may be the last one of its connection, and the term goes on",
          "[N2][N3][N6][azure]") {
  azurite server;
  azure_process p;
  raw_blobs raw(server.port());
  raw.make_container();
  place const renews{p, server, "renew/", &raw}, says{p, server, "say/", &raw}, writes{p, server, "write/", &raw};
  auto const bytes = bytes_of_renewal(server);
  std::vector<cut_group> groups;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      std::size_t const lanes = how == ending::stall ? 8 : 2;
      groups.push_back(group<renewal_lane>(renews, {"renew", whose, how, every(13), bytes.at(whose)}, 8));
      groups.push_back(group<proclaim_lane>(says, {"proclaim", whose, how, every(29)}, lanes));
      groups.push_back(group<write_lane>(writes, {"guarded write", whose, how, every(29)}, lanes));
    }
  cut_all(p, groups);
}

TEST_CASE("azure faults: a connection over TLS may end after any byte of a handshake or a record",
          "[N2][N3][T2][azure][tls]") {
  test_certificates const pem;
  azurite_options serving;
  serving.certificate = pem.server.file;
  serving.key = pem.server.key;
  azurite server(serving);
  azure_process p;
  place const where{p, server, "tls/", nullptr, pem.ca};
  std::vector<cut_group> groups;
  for (auto const whose : both)
    for (auto const how : all_endings)
      groups.push_back(group<campaign_lane>(where, {"campaign over TLS", whose, how, every(223)}, wide(6)));
  cut_all(p, groups);
}
