// A connection ends, or falls silent, after any byte of any exchange: it costs a retry, and nothing stays in etcd.
#include "cut_lanes.hpp"
#include "fault_place.hpp"
#include "support/certificates.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

constexpr auto lease = 5s;
constexpr auto shorter_than_a_lease = 3s;
constexpr auto request_limit = 500ms;
constexpr auto renewals = 500ms;
constexpr auto longest_allowed = 10s;  // a lease whose end was not confirmed, and the rest
constexpr auto a_step = 100ms;  // between what one renewal and the next make of a deadline; readings differ by less

etcd_store_options hurried(std::string const& url) {
  auto how = etcd_process::options({url}, lease);
  how.timing.retry_min = 5ms;
  how.timing.retry_max = 50ms;
  how.timing.request_timeout = request_limit;
  how.timing.renew_every = renewals;
  return how;
}

/// What all lanes know: where they are and how they get in.
struct place {
  etcd_process& process;
  etcd_server const& server;
  std::function<void(etcd_store_options&)> also{};
  std::string scheme = "http://";
  std::function<bool(std::string const& election)> any_key{};  ///< In etcd, asked past the proxy.
};

class etcd_lane : public cut_lane {
public:
  etcd_lane(place p, std::string election)
      : cut_lane(p.server.client_port()), place_(std::move(p)), election_(std::move(election)) {}

protected:
  std::shared_ptr<store> open() { return open_at(place_.scheme + proxy.endpoint()); }
  std::shared_ptr<store> open_at(std::string const& url) {
    auto how = hurried(url);
    how.timing.ttl = ttl();
    if (place_.also) place_.also(how);
    how.log = tell();
    return make_etcd_store(place_.process.io.get_executor(), how);
  }
  virtual std::chrono::milliseconds ttl() const { return lease; }
  elector stand_in(std::shared_ptr<store> where, std::string name) const {
    return place_.process.make_elector(std::move(where), std::move(name), election_);
  }
  awaitable<leadership> win(elector& e) {
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    leadership term = co_await e.campaign(token);
    note("won");
    if (ec || !term.valid()) say("no term, " + ec.message() + ", " + e.last_answer().message());
    co_return term;
  }
  /// Whether etcd has confirmed it.
  awaitable<bool> resign(leadership& term) {
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    co_await term.resign(token);
    note("resigned");
    expect(!term.valid(), "valid after it has resigned");
    if (ec != errc::not_leader) accept(ec, "resign");
    co_return !ec;
  }

  awaitable<void> all_closed() {
    note("the store is gone");
    bool const none = co_await wait_for([this] { return proxy.counters().open == 0; }, 5s);
    expect(none, "connections stay open");
  }

  place place_;
  std::string election_;
};

/// Grant, campaign, the watch on the own key or on the prefix, resignation; a login first where there are users; and the
/// lease is given back.
class campaign_lane final : public etcd_lane {
public:
  using etcd_lane::etcd_lane;
  awaitable<void> get_ready() override {
    where_ = open();
    co_return;
  }
  awaitable<void> exchange() override {
    auto e = stand_in(where_, "A");
    leadership term = co_await win(e);
    confirmed_ = co_await resign(term);
  }
  awaitable<void> go_on() override {
    where_.reset();  // gives the lease back, and with it a key whose removal was not confirmed
    co_await all_closed();
    if (confirmed_ || !place_.any_key) co_return;
    auto const gone = [this] { return !place_.any_key(election_); };
    bool const in_time = co_await wait_for(gone, shorter_than_a_lease);
    expect(in_time, "its key stays");
  }

  awaitable<void> leave() override { co_return; }

private:
  std::shared_ptr<store> where_;
  bool confirmed_ = false;
};

/// A leader, elected once for many offsets.
class leader_lane : public etcd_lane {
public:
  using etcd_lane::etcd_lane;
  awaitable<void> get_ready() override {
    if (elector_ && term_.valid()) co_return;
    term_ = leadership();
    elector_.reset();
    elector_.emplace(stand_in(open(), "A"));
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
    term_ = leadership();  // it keeps the store, too
    elector_.reset();
    co_await all_closed();
  }

protected:
  // A busy machine takes seconds now and then. Nothing here waits for such a lease to run out.
  std::chrono::milliseconds ttl() const override { return 15s; }

  std::optional<elector> elector_;
  leadership term_;
};

/// Keep-alive and anchor put.
class renewal_lane final : public leader_lane {
public:
  using leader_lane::leader_lane;
  awaitable<void> exchange() override {
    later_ = term_.valid_until() + a_step;
    auto const before = proxy.counters().cut;
    co_await wait_for([this, before] { return proxy.counters().cut != before || !term_.valid(); }, 3s);
  }
  awaitable<void> go_on() override {
    bool const renewed = co_await wait_for([this] { return term_.valid_until() > later_; }, 8s);
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
    std::string name = this->name(), content = std::to_string(offset);
    co_await term_.guarded_put(std::move(name), std::move(content), token);
    accept(ec, "guarded write");
    acknowledged_ = !ec;
  }
  awaitable<void> go_on() override {
    if (acknowledged_) {
      auto const there = place_.server.client().get(name());
      auto const instead = there ? "but " + there->value : std::string("nothing is");
      expect(there && there->value == std::to_string(offset), "an acknowledged write is not there, " + instead);
    }
    co_await leader_lane::go_on();
  }

private:
  // One of its own for each exchange: a write in doubt may be carried out late, on top of the next one.
  std::string name() const { return "state/" + election_ + "/" + std::to_string(offset); }

  bool acknowledged_ = false;
};

/// The news that the predecessor has gone, the verifying transaction, the watch on the own key, resignation.
class turn_lane final : public etcd_lane {
public:
  using etcd_lane::etcd_lane;
  awaitable<void> get_ready() override {
    if (!first_) {
      first_.emplace(stand_in(open_at(place_.server.url()), "A"));
      second_.emplace(stand_in(open(), "B"));
    }
    leader_ = co_await win(*first_);
    won_ = std::make_shared<catcher<leadership>>();
    second_->campaign([won = won_](error_code ec, leadership t) {
      won->ec = ec;
      won->result = std::move(t);
    });
    bool const waits =
        co_await wait_for([this] { return place_.server.client().list(election_ + "/").size() == 2; }, 5s);
    expect(waits, "the second candidate does not wait");
  }
  awaitable<void> exchange() override {
    co_await resign(leader_);
    bool const won = co_await wait_for([this] { return won_->done(); }, 10s);
    expect(won && !*won_->ec && won_->result.valid(), "the second candidate does not win");
    co_await resign(won_->result);
  }
  awaitable<void> go_on() override { co_return; }
  awaitable<void> leave() override {
    leader_ = leadership();
    won_.reset();
    first_.reset();
    second_.reset();
    co_await all_closed();
  }

private:
  std::optional<elector> first_, second_;
  leadership leader_;
  std::shared_ptr<catcher<leadership>> won_;
};

// --- The exchanges of one kind, with every ending ----------------------------------------------------------------------

template <class Lane>
cut_group group(place const& where, cut_plan plan, std::size_t how_many_lanes) {
  static std::size_t number = 0;  // names of elections differ
  cut_group g{std::move(plan), {}};
  for (std::size_t i = 0; i < how_many_lanes; ++i)
    g.lanes.push_back(std::make_unique<Lane>(where, "cut" + std::to_string(number++)));
  return g;
}

void cut_all(etcd_process& p, std::vector<cut_group>& groups) {
  cut_side_by_side(p.io, groups, [&](auto const& so, auto limit) { return p.until(so, limit); });
  for (auto const& g : groups) {
    for (auto const& line : g.figures.wrong) UNSCOPED_INFO(g.name() + ", byte " + line);
    CHECK(g.figures.wrong.empty());
    CHECK(g.figures.cuts > 0);
    UNSCOPED_INFO(g.name() << ", byte " << g.figures.longest_at << ":\n" << g.figures.story);
    CHECK(g.figures.longest < longest_allowed);
  }
}

/// Keys are taken away, they do not run out. Leases may: nobody knows of one whose grant was not answered.
void nothing_stays(etcd_server const& server, etcd_process& p, std::string const& token = {}) {
  auto const at = server.client(token);
  auto const begin = std::chrono::steady_clock::now();
  CHECK(p.until([&] { return at.list("cut").empty() && at.list("app/").size() <= 1; }, shorter_than_a_lease));
  std::cout << "cut: no key is left after " << since(begin).count() << " ms" << std::endl;
  CHECK(p.until([&] { return at.leases().empty(); }, 20s));
}

constexpr ending all_endings[] = {ending::rst, ending::fin, ending::stall};
constexpr direction both[] = {direction::request, direction::reply};

/// Strides are primes: what repeats in an exchange does not hide from them. Every byte takes COELECT_ROUNDS=2.
std::size_t every(std::size_t usually) { return rounds(1) > 1 ? 1 : usually; }

/// Those that wait do not need the machine: more of them side by side when there are more bytes.
std::size_t wide(std::size_t usually) { return rounds(1) > 1 ? 3 * usually : usually; }

/// What a renewal carries in either direction, from one that was confirmed to the next.
std::map<direction, std::size_t> bytes_of_renewal(etcd_server const& server) {
  etcd_process p;
  fault_proxy proxy(server.client_port());
  auto e = p.make_elector(p.make_store(hurried(proxy.url())), "A", "measured");
  auto term = p.win(e);
  std::map<direction, std::size_t> most;
  for (int i = 0; i < 3; ++i) {
    auto const later = term.valid_until() + a_step;
    auto const before = proxy.counters();
    REQUIRE(p.until([&] { return term.valid_until() > later; }));
    auto const after = proxy.counters();
    auto& requests = most[direction::request];
    auto& replies = most[direction::reply];
    requests = std::max(requests, after.request_bytes - before.request_bytes);
    replies = std::max(replies, after.reply_bytes - before.reply_bytes);
  }
  p.resign(term);
  return most;
}

}  // namespace

TEST_CASE("etcd faults: a connection that ends after any byte of a campaign costs a retry, and no key stays",
          "[N2][N3][etcd]") {
  etcd_server server;
  etcd_process p;
  place where{p, server};
  where.any_key = [at = server.client()](auto const& election) { return !at.list(election + "/").empty(); };
  std::vector<cut_group> groups;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      bool const waits = how == ending::stall;
      cut_plan plan{"campaign and resignation", whose, how, every(waits ? 11 : 5)};
      groups.push_back(group<campaign_lane>(where, std::move(plan), waits ? wide(24) : 3));
    }
  cut_all(p, groups);
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: any byte of a renewal may be the last one of its connection, and the term goes on",
          "[N2][N3][N6][etcd]") {
  etcd_server server;
  etcd_process p;
  place const where{p, server};
  auto const bytes = bytes_of_renewal(server);
  std::vector<cut_group> groups;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      cut_plan plan{"keep-alive and anchor put", whose, how, every(17), bytes.at(whose)};
      // Not wider with every byte: 432 leaders that renew at once are more than a machine of two cores has time for.
      groups.push_back(group<renewal_lane>(where, std::move(plan), 24));
    }
  cut_all(p, groups);
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: any byte of a proclamation or a guarded write may be the last one of its connection",
          "[N2][N3][etcd]") {
  etcd_server server;
  etcd_process p;
  place const where{p, server};
  std::vector<cut_group> groups;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      bool const waits = how == ending::stall;
      auto const stride = every(waits ? 13 : 7);
      std::size_t const lanes = waits ? wide(12) : 2;
      groups.push_back(group<proclaim_lane>(where, {"proclaim", whose, how, stride}, lanes));
      groups.push_back(group<write_lane>(where, {"guarded write", whose, how, stride}, lanes));
    }
  cut_all(p, groups);
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: any byte of a candidate's turn may be the last one of its connection", "[N2][N3][etcd]") {
  etcd_server server;
  etcd_process p;
  place const where{p, server};
  std::vector<cut_group> groups;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      bool const waits = how == ending::stall;
      cut_plan plan{"turn, verified, and resignation", whose, how, every(waits ? 29 : 19)};
      groups.push_back(group<turn_lane>(where, std::move(plan), waits ? wide(16) : 4));
    }
  cut_all(p, groups);
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: any byte of a login and of a watch on a prefix may be the last one of its connection",
          "[N2][N3][etcd]") {
  etcd_options cheap;
  cheap.flags = {"--bcrypt-cost", "4"};
  etcd_server server(cheap);
  server.client().call("auth/user/add", {{"name", "root"}, {"password", "pass"}});
  server.client().call("auth/user/grant", {{"user", "root"}, {"role", "root"}});
  server.client().call("auth/enable", nlohmann::json::object());
  etcd_process p;
  place where{p, server};
  where.also = [](etcd_store_options& how) {
    how.prefix = "app/";
    how.username = "root";
    how.password = "pass";
  };
  auto const token = server.client().authenticate("root", "pass");
  where.any_key = [at = server.client(token)](auto const& election) {
    return !at.list("app/" + election + "/").empty();
  };
  std::vector<cut_group> groups;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      bool const waits = how == ending::stall;
      cut_plan plan{"login, campaign on a prefix, resignation", whose, how, every(waits ? 61 : 43)};
      groups.push_back(group<campaign_lane>(where, std::move(plan), waits ? wide(16) : 3));
    }
  cut_all(p, groups);
  nothing_stays(server, p, token);
}

TEST_CASE("etcd faults: a connection over TLS may end after any byte of a handshake or a record",
          "[N2][N3][T2][etcd][tls]") {
  test_certificates const pem;
  etcd_options serving;
  serving.tls = etcd_tls{pem.server.file, pem.server.key, {}, false};
  etcd_server server(serving);
  etcd_process p;
  place where{p, server};
  where.scheme = "https://";
  where.also = [&](etcd_store_options& how) { how.tls.ca_file = pem.ca; };
  std::vector<cut_group> groups;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      bool const waits = how == ending::stall;
      cut_plan plan{"campaign over TLS", whose, how, every(waits ? 211 : 107)};
      groups.push_back(group<campaign_lane>(where, std::move(plan), waits ? wide(16) : 3));
    }
  cut_all(p, groups);
}
