// Each request's answer is lost once: the store has acted and we do not know. No self-lockout, no token twice, never two
// leaders. A hundred elections at once, each with a rival that polls.
#include "fault_place.hpp"

using namespace coelect;
using namespace coelect::test;

namespace {

struct bout {
  bout(azure_process& p, std::shared_ptr<store> lossy, std::shared_ptr<store> good, std::string name)
      : blob(std::move(name)),
        a(p.make_elector(std::move(lossy), "A", blob)),
        b(p.make_elector(std::move(good), "B", blob)) {}
  std::string blob;
  elector a, b;
  catcher<leadership> first, second;
};

class bouts {
public:
  bouts(azure_blob_store_options const& how, int count) : proxy(server.port()), raw(server.port()), rival(how) {
    rival.poll_min = 500ms;
    rival.poll_max = 900ms;
    raw.make_container();
    auto const lossy = p.make_store(through(proxy.port()), how);
    auto const good = p.make_store(server.connection_string(), rival);
    for (int i = 0; i < count; ++i) {
      all.push_back(std::make_unique<bout>(p, lossy, good, "r" + std::to_string(i)));
      raw.make(all.back()->blob, 1000);
    }
  }

  template <class Fn>
  bool every(Fn&& fn) {
    return std::all_of(all.begin(), all.end(), [&](auto const& one) { return fn(*one); });
  }
  /// Runs until it holds, and looks at everybody's validity all the time.
  bool until(std::function<bool()> const& done, std::chrono::milliseconds limit = 10s) {
    auto const both = [](bout const& one) { return one.first.result.valid() && one.second.result.valid(); };
    return p.until(
        [&] {
          for (auto const& one : all) two_leaders += both(*one) ? 1 : 0;
          return done();
        },
        limit);
  }
  bool lost() {
    return until([&] { return proxy.counters().lost == all.size(); });
  }
  void stand_first() {
    for (auto const& one : all) one->a.campaign(one->first.handler());
  }
  void stand_second() {
    for (auto const& one : all) one->b.campaign(one->second.handler());
  }
  bool first_won(std::chrono::milliseconds limit = 10s) {
    auto const begin = std::chrono::steady_clock::now();
    bool const won = until([&] { return every([](bout& one) { return one.first.result.valid(); }); }, limit);
    winning = since(begin);
    return won;
  }

  /// The rivals win, each with the next token, and nobody has led with it before.
  void hand_over(bool confirmed = true) {
    std::size_t doubts = 0, done = 0;
    for (auto const& one : all)
      one->first.result.resign([&](error_code ec) {
        ++done;
        doubts += ec == cond::transient ? 1 : 0;
        CHECK((!ec || ec == cond::transient));
      });
    auto const begin = std::chrono::steady_clock::now();
    REQUIRE(until([&] { return done == all.size(); }));
    if (confirmed) CHECK(doubts == 0);
    CHECK(until([&] { return every([](bout& one) { return one.second.result.valid(); }); }, 5s));
    auto const took = since(begin);
    for (auto const& one : all) {
      CHECK(one->second.result.fencing_token() > one->first.result.fencing_token());
      CHECK(one->second.result.fencing_token() == raw.term(one->blob));
    }
    CHECK(two_leaders == 0);
    std::cout << all.size() << " bouts: first won " << winning.count() << " ms after, " << doubts
              << " resignations in doubt, rivals won within " << took.count() << " ms\n";
  }

  azurite server;
  fault_proxy proxy;
  raw_blobs raw;
  azure_process p;
  azure_blob_store_options rival;
  std::vector<std::unique_ptr<bout>> all;
  std::size_t two_leaders = 0;
  std::chrono::milliseconds winning{};
};

// Acquired and counted at once under one id: the rival comes to a blob that is held, and waits.
void lose_on_the_way_to_the_win(std::string const& part, ending how) {
  bouts b(lively(), rounds(100));
  b.proxy.lose_reply(first_of_each(part), b.all.size(), how);
  b.stand_first();
  REQUIRE(b.lost());
  b.stand_second();
  REQUIRE(b.first_won());
  CHECK(b.every([](bout& one) { return !one.second.done(); }));
  for (auto const& one : b.all) {
    CHECK(one->first.result.fencing_token() == 1001);  // counted once, however often we asked
    CHECK(b.raw.term(one->blob) == 1001);
  }
  b.hand_over();
}

}  // namespace

TEST_CASE("azure faults: the answer to acquire is lost: the same candidate gets what it holds, with one token",
          "[N5][azure]") {
  auto const how = GENERATE(ending::rst, ending::fin, ending::stall);
  lose_on_the_way_to_the_win("comp=lease", how);
}

TEST_CASE("azure faults: the answer to the term write is lost: it is recognised, and not counted again",
          "[N5][azure]") {
  auto const how = GENERATE(ending::rst, ending::fin, ending::stall);
  lose_on_the_way_to_the_win("comp=metadata", how);
}

TEST_CASE("azure faults: the answer to a renewal is lost: the term goes on", "[N6][azure]") {
  auto const ends = GENERATE(ending::rst, ending::stall);
  auto how = lively();
  how.timing.renew_every = 700ms;
  bouts b(how, rounds(100));
  b.stand_first();
  REQUIRE(b.first_won());
  b.stand_second();
  b.proxy.lose_reply(first_of_each("comp=lease"), b.all.size(), ends);
  REQUIRE(b.lost());
  // Renewed again: the trusted time is 12.5 s from the sending on.
  CHECK(b.until([&] { return b.every([](bout& one) { return one.first.result.remaining() > 11500ms; }); }, 5s));
  CHECK(b.every([](bout& one) { return one.first.result.valid() && !one.second.done(); }));
  b.hand_over();
}

TEST_CASE("azure faults: the answer to release is lost: the next one wins within its poll", "[N7][azure]") {
  bouts b(lively(), rounds(50));
  b.stand_first();
  REQUIRE(b.first_won());
  b.stand_second();
  b.proxy.lose_reply(first_of_each("comp=lease"), b.all.size());
  b.hand_over(false);
  CHECK(b.proxy.counters().lost == b.all.size());
}

TEST_CASE("azure faults: the answer to proclaim is lost: the next value is stored, under the same token") {
  bouts b(lively(), rounds(50));
  b.stand_first();
  REQUIRE(b.first_won());
  b.proxy.lose_reply(first_of_each("comp=metadata"), b.all.size());
  std::size_t done = 0, doubts = 0, wrong = 0;
  auto const told = [&](error_code ec) {
    ++done;
    doubts += ec == cond::transient ? 1 : 0;
    wrong += ec && ec != cond::transient ? 1 : 0;
  };
  for (auto const& one : b.all) one->first.result.proclaim("one", told);
  REQUIRE(b.until([&] { return done == b.all.size(); }));
  auto const first_doubts = doubts;
  for (int i = 2; i < 4; ++i)
    for (auto const& one : b.all) one->first.result.proclaim(std::to_string(i), told);
  REQUIRE(b.until([&] { return done == 3 * b.all.size(); }));
  CHECK(wrong == 0);
  CHECK(doubts - first_doubts <= b.all.size());
  for (auto const& one : b.all) {
    auto const seen = b.raw.look(one->blob).record;
    REQUIRE(seen);
    CHECK(seen->value == "3");
    CHECK(seen->term == one->first.result.fencing_token());
  }
  std::cout << "proclaim: " << first_doubts << " of " << b.all.size() << " in doubt, later ones "
            << doubts - first_doubts << "\n";
  b.stand_second();
  b.hand_over();
}
