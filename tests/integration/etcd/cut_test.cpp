// A connection ends after every single byte of a campaign and its resignation: each ends in a valid term and no key.
#include "fault_place.hpp"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace coelect;
using namespace coelect::test;
using boost::asio::awaitable;
using boost::asio::use_awaitable;

namespace {

constexpr int how_many_lanes = 8;

struct work {
  direction whose = direction::request;
  ending how = ending::rst;
  std::size_t next = 0;  ///< Offset that nobody has taken yet.
  std::size_t step = 1;
  bool beyond = false;  ///< A run was over before its cut came: there is no such byte.
  std::size_t runs = 0, resign_in_doubt = 0;
  double longest_ms = 0;
  std::vector<std::string> wrong;
};

struct lane {
  lane(etcd_process& p, etcd_server const& server, std::string name)
      : process(p), proxy(server.client_port()), election(std::move(name)) {}
  etcd_process& process;
  fault_proxy proxy;
  std::string election;
  bool done = false;
};

etcd_store_options hurried(etcd_process& p, fault_proxy const& proxy) {
  auto how = p.options({proxy.url()}, 15s);
  how.timing.retry_min = 5ms;
  how.timing.retry_max = 50ms;
  how.timing.request_timeout = 2s;
  return how;
}

awaitable<void> nothing_open(lane& l, work& w, std::size_t offset) {
  boost::asio::steady_timer pause(l.process.io);
  for (int i = 0; i < 5'000; ++i) {
    auto const open = l.proxy.counters().open;
    if (open == 0) co_return;
    pause.expires_after(1ms);
    co_await pause.async_wait(use_awaitable);
  }
  w.wrong.push_back(std::to_string(offset) + ": connections stay open");
}

awaitable<void> campaign_and_resign(lane& l, work& w, std::size_t offset) {
  auto where = l.process.make_store(hurried(l.process, l.proxy));
  auto const begin = std::chrono::steady_clock::now();
  auto const cut_before = l.proxy.counters().cut;
  l.proxy.cut(w.whose, offset, w.how);
  {
    auto e = l.process.make_elector(where, "A", l.election);
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    leadership term = co_await e.campaign(token);
    if (ec || !term.valid()) w.wrong.push_back(std::to_string(offset) + ": no term, " + ec.message());
    co_await term.resign(token);
    if (ec == cond::transient) ++w.resign_in_doubt;
    else if (ec) w.wrong.push_back(std::to_string(offset) + ": resign, " + ec.message());
  }
  if (l.proxy.counters().cut == cut_before) w.beyond = true;
  l.proxy.pass();
  where.reset();  // gives the lease back, and with it a key whose removal was not confirmed
  ++w.runs;
  w.longest_ms = std::max(w.longest_ms, static_cast<double>(since(begin).count()));
  co_await nothing_open(l, w, offset);
}

awaitable<void> run_lane(lane& l, work& w) {
  while (!w.beyond) {
    auto const offset = std::exchange(w.next, w.next + w.step);
    co_await campaign_and_resign(l, w, offset);
  }
  l.done = true;
}

void cut_everywhere(direction whose, ending how, std::size_t first, std::size_t step) {
  etcd_server server;
  etcd_process p;
  work w;
  w.whose = whose;
  w.how = how;
  w.next = first;
  w.step = step;
  std::vector<std::unique_ptr<lane>> lanes;
  auto const begin = std::chrono::steady_clock::now();
  for (int i = 0; i < how_many_lanes; ++i) {
    lanes.push_back(std::make_unique<lane>(p, server, "cut" + std::to_string(i)));
    boost::asio::co_spawn(p.io, run_lane(*lanes.back(), w), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
  }
  auto const all_done = [&] { return std::all_of(lanes.begin(), lanes.end(), [](auto& l) { return l->done; }); };
  bool const in_time = p.until(all_done, 240s);
  std::cout << "cut " << (whose == direction::request ? "requests " : "replies ")
            << (how == ending::rst ? "rst" : "fin") << " from " << first << " by " << step << ": " << w.runs
            << " campaigns, up to byte " << w.next << ", " << since(begin).count() << " ms, longest " << w.longest_ms
            << " ms, " << w.resign_in_doubt << " resignations in doubt\n";
  REQUIRE(in_time);
  for (auto const& line : w.wrong) UNSCOPED_INFO(line);
  CHECK(w.wrong.empty());
  CHECK(w.runs > 100);
  CHECK(p.until([&] { return server.client().list("cut").empty(); }));
  CHECK(p.until([&] { return server.client().leases().empty(); }, 20s));
}

}  // namespace

// All bytes with both endings take COELECT_ROUNDS=2; else every second one with each, all of them together.
TEST_CASE("etcd faults: a connection that ends after any byte of a request costs a retry, and no key stays") {
  std::size_t const step = rounds(1) > 1 ? 1 : 2;
  cut_everywhere(direction::request, ending::rst, 0, step);
  cut_everywhere(direction::request, ending::fin, step - 1, step);
}

TEST_CASE("etcd faults: a connection that ends after any byte of an answer costs a retry, and no key stays") {
  std::size_t const step = rounds(1) > 1 ? 1 : 2;
  cut_everywhere(direction::reply, ending::rst, 0, step);
  cut_everywhere(direction::reply, ending::fin, step - 1, step);
}
