// A connection ends, or falls silent, after any byte of any exchange: it costs a retry, and nothing stays in etcd.
#include "cut_lanes.hpp"
#include "fault_place.hpp"
#include "support/certificates.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

constexpr auto request_limit = 500ms;
constexpr auto renewals = 500ms;
constexpr auto a_step = 100ms;  // between what one renewal and the next make of a deadline; readings differ by less

etcd_store_options hurried(std::string const& url) {
  auto how = etcd_process::options({url}, 5s);
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
};

class etcd_lane : public cut_lane {
public:
  etcd_lane(place p, std::string election)
      : cut_lane(p.server.client_port()), place_(std::move(p)), election_(std::move(election)) {}

protected:
  std::shared_ptr<store> open() const { return open_at(place_.scheme + proxy.endpoint()); }
  std::shared_ptr<store> open_at(std::string const& url) const {
    auto how = hurried(url);
    if (place_.also) place_.also(how);
    return place_.process.make_store(how);
  }
  elector stand_in(std::shared_ptr<store> where, std::string name) const {
    return place_.process.make_elector(std::move(where), std::move(name), election_);
  }
  awaitable<leadership> win(elector& e) {
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    leadership term = co_await e.campaign(token);
    if (ec || !term.valid()) say("no term, " + ec.message() + ", " + e.last_answer().message());
    co_return term;
  }
  awaitable<void> resign(leadership& term) {
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    co_await term.resign(token);
    expect(!term.valid(), "valid after it has resigned");
    if (ec != errc::not_leader) accept(ec, "resign");
  }

  awaitable<void> all_closed() {
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
    co_await resign(term);
  }
  awaitable<void> go_on() override {
    where_.reset();  // gives the lease back, and with it a key whose removal was not confirmed
    co_await all_closed();
  }

  awaitable<void> leave() override { co_return; }

private:
  std::shared_ptr<store> where_;
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
    if (elector_) co_await resign(term_);
    term_ = leadership();  // it keeps the store, too
    elector_.reset();
    co_await all_closed();
  }

protected:
  awaitable<void> next_renewal(std::chrono::milliseconds limit) {
    auto const later = term_.valid_until() + a_step;
    bool const renewed = co_await wait_for([this, later] { return term_.valid_until() > later; }, limit);
    expect(renewed, "no renewal comes through");
  }
  std::optional<elector> elector_;
  leadership term_;
};

/// Keep-alive and anchor put.
class renewal_lane final : public leader_lane {
public:
  using leader_lane::leader_lane;
  awaitable<void> exchange() override {
    auto const before = proxy.counters().cut;
    co_await wait_for([this, before] { return proxy.counters().cut != before || !term_.valid(); }, 3s);
  }
  awaitable<void> go_on() override {
    co_await next_renewal(3s);
    co_await leader_lane::go_on();
  }
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
    std::string name = "state/" + election_, content = std::to_string(offset);
    co_await term_.guarded_put(std::move(name), std::move(content), token);
    accept(ec, "guarded write");
    acknowledged_ = !ec;
  }
  awaitable<void> go_on() override {
    if (acknowledged_) {
      auto const there = place_.server.client().get("state/" + election_);
      expect(there && there->value == std::to_string(offset), "an acknowledged write is not there");
    }
    co_await leader_lane::go_on();
  }

private:
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
    watches_ = proxy.counters().requests_to("/v3/watch");
    won_ = std::make_shared<catcher<leadership>>();
    second_->campaign([won = won_](error_code ec, leadership t) {
      won->ec = ec;
      won->result = std::move(t);
    });
    bool const waits = co_await wait_for([this] { return proxy.counters().requests_to("/v3/watch") > watches_; }, 5s);
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
  std::size_t watches_ = 0;
};

// --- The exchanges of one kind, with every ending ----------------------------------------------------------------------

template <class Lane>
void cut_everywhere(place const& where, cut_plan plan, std::size_t how_many_lanes) {
  auto& p = where.process;
  cut_figures w;
  {
    std::vector<std::unique_ptr<cut_lane>> lanes;
    for (std::size_t i = 0; i < how_many_lanes; ++i)
      lanes.push_back(std::make_unique<Lane>(where, "cut" + std::to_string(i)));
    w = cut_in_lanes(p.io, lanes, plan, [&](auto const& so, auto limit) { return p.until(so, limit); });
  }
  for (auto const& line : w.wrong) UNSCOPED_INFO(plan.exchange + ", " + to_string(plan.how) + ", byte " + line);
  CHECK(w.wrong.empty());
  CHECK(w.cuts > 0);
  CHECK(w.longest < 10s);  // a lease whose end was not confirmed, and the rest
}

void nothing_stays(etcd_server const& server, etcd_process& p, std::string const& token = {}) {
  auto const at = server.client(token);
  CHECK(p.until([&] { return at.list("cut").empty() && at.list("app/").size() <= 1; }));  // the generation key stays
  CHECK(p.until([&] { return at.leases().empty(); }, 20s));
}

constexpr ending all_endings[] = {ending::rst, ending::fin, ending::stall};
constexpr direction both[] = {direction::request, direction::reply};

/// Every byte takes COELECT_ROUNDS=2.
std::size_t every(std::size_t usually) { return rounds(1) > 1 ? 1 : usually; }

/// What a renewal carries in either direction, from one that was confirmed to the next.
std::size_t bytes_of_renewal(etcd_server const& server, direction whose) {
  etcd_process p;
  fault_proxy proxy(server.client_port());
  auto e = p.make_elector(p.make_store(hurried(proxy.url())), "A", "measured");
  auto term = p.win(e);
  std::size_t most = 0;
  for (int i = 0; i < 3; ++i) {
    auto const later = term.valid_until() + a_step;
    auto const before = proxy.counters();
    REQUIRE(p.until([&] { return term.valid_until() > later; }));
    auto const after = proxy.counters();
    auto const n = whose == direction::request ? after.request_bytes - before.request_bytes
                                               : after.reply_bytes - before.reply_bytes;
    most = std::max(most, n);
  }
  return most;
}

}  // namespace

TEST_CASE("etcd faults: a connection that ends after any byte of a request costs a retry, and no key stays",
          "[N2][etcd]") {
  etcd_server server;
  etcd_process p;
  auto const step = every(5);
  cut_everywhere<campaign_lane>({p, server}, {"campaign and resignation", direction::request, ending::rst, 0, step}, 8);
  cut_everywhere<campaign_lane>({p, server},
                                {"campaign and resignation", direction::request, ending::fin, step / 2, step}, 8);
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: a connection that ends after any byte of an answer costs a retry, and no key stays",
          "[N2][etcd]") {
  etcd_server server;
  etcd_process p;
  auto const step = every(5);
  cut_everywhere<campaign_lane>({p, server}, {"campaign and resignation", direction::reply, ending::rst, 0, step}, 8);
  cut_everywhere<campaign_lane>({p, server},
                                {"campaign and resignation", direction::reply, ending::fin, step / 2, step}, 8);
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: a connection that falls silent after any byte costs one request's time", "[N3][etcd]") {
  etcd_server server;
  etcd_process p;
  for (auto const whose : both)
    cut_everywhere<campaign_lane>({p, server}, {"campaign and resignation", whose, ending::stall, 0, every(23)}, 24);
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: any byte of a renewal may be the last one of its connection, and the term goes on",
          "[N2][N3][N6][etcd]") {
  etcd_server server;
  etcd_process p;
  for (auto const whose : both)
    for (auto const how : all_endings)
      cut_everywhere<renewal_lane>(
          {p, server}, {"keep-alive and anchor put", whose, how, 0, every(113), bytes_of_renewal(server, whose)}, 32);
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: any byte of a proclamation or a guarded write may be the last one of its connection",
          "[N2][N3][etcd]") {
  etcd_server server;
  etcd_process p;
  for (auto const whose : both)
    for (auto const how : all_endings) {
      auto const step = every(how == ending::stall ? 17 : 5);
      cut_everywhere<proclaim_lane>({p, server}, {"proclaim", whose, how, 0, step}, 12);
      cut_everywhere<write_lane>({p, server}, {"guarded write", whose, how, 0, step}, 12);
    }
  nothing_stays(server, p);
}

TEST_CASE("etcd faults: any byte of a candidate's turn may be the last one of its connection", "[N2][N3][etcd]") {
  etcd_server server;
  etcd_process p;
  for (auto const whose : both)
    for (auto const how : all_endings)
      cut_everywhere<turn_lane>({p, server}, {"turn, verified, and resignation", whose, how, 0, every(41)}, 16);
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
  for (auto const whose : both)
    for (auto const how : all_endings)
      cut_everywhere<campaign_lane>(where, {"login, campaign on a prefix, resignation", whose, how, 0, every(61)}, 16);
  nothing_stays(server, p, server.client().authenticate("root", "pass"));
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
  for (auto const whose : both)
    for (auto const how : all_endings)
      cut_everywhere<campaign_lane>(where, {"campaign over TLS", whose, how, 0, every(211)}, 16);
}
