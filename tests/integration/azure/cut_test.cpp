// A connection ends after any byte of a campaign and its resignation: each ends in a valid term, and the next one is free.
#include "fault_place.hpp"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
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
  raw_blobs* maker = nullptr;  ///< Makes the blob first; else the candidate makes it, and waits for its first term.
  bool beyond = false;         ///< A run was over before its cut came: there is no such byte.
  std::size_t runs = 0, cuts = 0, resign_in_doubt = 0;
  std::chrono::milliseconds longest{};
  std::vector<std::string> wrong;
};

struct lane {
  explicit lane(std::uint16_t port) : proxy(port) {}
  fault_proxy proxy;
  bool done = false;
};

// A blob of its own each time: no run waits for another one's lease.
awaitable<void> campaign_and_resign(azure_process& p, lane& l, work& w, std::size_t offset) {
  auto where = p.make_store(through(l.proxy.port()), lively());
  auto const name = (w.maker != nullptr ? "made/" : "new/") + std::to_string(static_cast<int>(w.whose)) +
                    std::to_string(static_cast<int>(w.how)) + "/" + std::to_string(offset);
  if (w.maker != nullptr) w.maker->make(name);
  auto const begin = std::chrono::steady_clock::now();
  auto const cut_before = l.proxy.counters().cut;
  l.proxy.cut(w.whose, offset, w.how);
  auto const say = [&](std::string const& what) { w.wrong.push_back(std::to_string(offset) + ": " + what); };
  {
    auto e = p.make_elector(where, "A", name);
    error_code ec;
    auto token = boost::asio::redirect_error(use_awaitable, ec);
    leadership term = co_await e.campaign(token);
    if (ec || !term.valid()) say("no term, " + ec.message() + ", " + e.last_answer().message());
    co_await term.resign(token);
    if (ec == cond::transient) ++w.resign_in_doubt;
    else if (ec) say("resign, " + ec.message());
  }
  bool const cut = l.proxy.counters().cut != cut_before;
  w.cuts += cut ? 1 : 0;
  w.beyond = w.beyond || !cut;
  l.proxy.pass();
  ++w.runs;
  w.longest = std::max(w.longest, since(begin));
}

awaitable<void> run_lane(azure_process& p, lane& l, work& w) {
  while (!w.beyond) {
    auto const offset = std::exchange(w.next, w.next + w.step);
    co_await campaign_and_resign(p, l, w, offset);
  }
  l.done = true;
}

void cut_everywhere(azurite const& server, direction whose, ending how, std::size_t first, std::size_t step,
                    raw_blobs* maker) {
  azure_process p;
  work w;
  w.whose = whose;
  w.how = how;
  w.next = first;
  w.step = step;
  w.maker = maker;
  std::vector<std::unique_ptr<lane>> lanes;
  auto const begin = std::chrono::steady_clock::now();
  for (int i = 0; i < how_many_lanes; ++i) {
    lanes.push_back(std::make_unique<lane>(server.port()));
    boost::asio::co_spawn(p.io, run_lane(p, *lanes.back(), w), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
  }
  auto const all_done = [&] { return std::all_of(lanes.begin(), lanes.end(), [](auto& l) { return l->done; }); };
  bool const in_time = p.until(all_done, 200s);
  std::cout << "cut " << (whose == direction::request ? "requests " : "replies ")
            << (how == ending::rst   ? "rst"
                : how == ending::fin ? "fin"
                                     : "stall")
            << " from " << first << " by " << step << ": " << w.runs << " campaigns, up to byte " << w.next << ", "
            << since(begin).count() << " ms, longest " << w.longest.count() << " ms, " << w.resign_in_doubt
            << " resignations in doubt\n";
  REQUIRE(in_time);
  for (auto const& line : w.wrong) UNSCOPED_INFO(line);
  CHECK(w.wrong.empty());
  CHECK(w.cuts > 1000 / step);
  CHECK(w.longest < 5s);
}

}  // namespace

// Every byte with each ending takes COELECT_ROUNDS=2.
TEST_CASE("azure faults: a connection that ends after any byte costs a retry, and nobody locks itself out") {
  auto const whose = GENERATE(direction::request, direction::reply);
  bool const all = rounds(1) > 1;
  azurite server;
  raw_blobs raw(server.port());
  raw.make_container();
  cut_everywhere(server, whose, ending::rst, 0, all ? 1 : 11, &raw);
  cut_everywhere(server, whose, ending::fin, all ? 0 : 5, all ? 1 : 11, &raw);
  cut_everywhere(server, whose, ending::stall, all ? 0 : 3, all ? 1 : 61, &raw);
  cut_everywhere(server, whose, ending::rst, 0, all ? 1 : 61, nullptr);
}
