// Twenty candidates on one blob: one leads at a time, tokens grow, and nobody asks more often than its poll.
#include "fault_place.hpp"
#include <boost/asio/steady_timer.hpp>

using namespace coelect;
using namespace coelect::test;

namespace {

constexpr auto least_poll = 300ms;

struct crowd {
  std::uint64_t last_token = 0;
  std::size_t wins = 0, not_growing = 0, two_leaders = 0;
  bool going_home = false;
};

// Leads for a moment, resigns, waits, stands again. Each has a way of its own, on which its requests are counted.
class member {
public:
  member(azure_process& p, crowd& all, azurite const& server, std::string name)
      : proxy(server.port()),
        all_(all),
        elector_(p.make_elector(p.make_store(through(proxy.port()), how()), std::move(name), "crowd")),
        pause_(p.io) {
    stand();
  }

  static azure_blob_store_options how() {
    auto o = azure_process::options();
    o.poll_min = least_poll;
    o.poll_max = 2 * least_poll;
    return o;
  }

  std::size_t requests() const {
    std::size_t n = 0;
    auto const counted = proxy.counters();
    for (auto const& [path, times] : counted.requests) n += times;
    return n;
  }
  bool valid() const { return term_.valid(); }
  void stop() {
    elector_.stop([this](error_code) { gone = true; });
  }

  fault_proxy proxy;
  std::size_t wins = 0;
  bool gone = false;
  std::vector<error_code> trouble;

private:
  void stand() {
    elector_.campaign([this](error_code ec, leadership won) {
      if (ec == errc::stopped) return;
      if (ec) return trouble.push_back(ec);
      term_ = std::move(won);
      ++wins;
      ++all_.wins;
      if (term_.fencing_token() <= all_.last_token) ++all_.not_growing;
      all_.last_token = term_.fencing_token();
      after(50ms, [this] { go(); });
    });
  }
  void go() {
    term_.resign([this](error_code ec) {
      if (ec && ec != errc::not_leader) trouble.push_back(ec);
      after(least_poll, [this] { stand(); });  // or the one that resigns would be the first to ask
    });
  }
  void after(std::chrono::milliseconds wait, std::function<void()> what) {
    pause_.expires_after(wait);
    pause_.async_wait([this, what = std::move(what)](error_code ec) {
      if (!ec && !all_.going_home) what();
    });
  }

  crowd& all_;
  elector elector_;
  leadership term_;
  boost::asio::steady_timer pause_;
};

}  // namespace

// COELECT_SECONDS=120 for the long one.
TEST_CASE("azure crowd: twenty candidates, one at a time, one request per poll", "[S14][azure]") {
  auto const* const asked = std::getenv("COELECT_SECONDS");
  auto const span = std::chrono::seconds(asked ? std::max(1, std::atoi(asked)) : 20);
  azurite server;
  azure_process p;
  crowd all;
  std::vector<std::unique_ptr<member>> members;
  for (int i = 0; i < 20; ++i) members.push_back(std::make_unique<member>(p, all, server, "M" + std::to_string(i)));
  auto const begin = std::chrono::steady_clock::now();
  p.until(
      [&] {
        auto const leading = std::count_if(members.begin(), members.end(), [](auto const& m) { return m->valid(); });
        all.two_leaders += leading > 1 ? 1 : 0;
        return since(begin) >= span;
      },
      span + 5s);
  auto const took = since(begin);
  std::size_t most = 0, sum = 0;
  for (auto const& m : members) {
    auto const n = m->requests();
    // Every try is a poll apart from the one before. To a win belong a look, the term write and the release; to the
    // making of container and blob three more, and a few looks until the first term may be used.
    auto const fair = static_cast<std::size_t>(took / least_poll) + 1 + 3 * m->wins + 8;
    CHECK(n <= fair);
    CHECK(m->trouble.empty());
    most = std::max(most, n);
    sum += n;
  }
  std::cout << "crowd: " << all.wins << " terms in " << took.count() << " ms, " << sum << " requests, at most " << most
            << " of one candidate, which may have " << took / least_poll << " polls\n";
  CHECK(all.two_leaders == 0);
  CHECK(all.not_growing == 0);
  CHECK(all.wins >= static_cast<std::size_t>(span.count()));
  all.going_home = true;
  for (auto const& m : members) m->stop();
  CHECK(p.until([&] { return std::all_of(members.begin(), members.end(), [](auto const& m) { return m->gone; }); }));
}
