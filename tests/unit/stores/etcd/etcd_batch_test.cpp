// How the transactions of many elections share commits: who goes with whom, and what becomes of a batch that fails.
#include "base/base64.hpp"
#include "fake_etcd.hpp"
#include <algorithm>
#include <map>
#include <set>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;

namespace {

std::string folder_of(std::string const& key) { return key.substr(0, key.rfind('/') + 1); }

/// Of an operation or a comparison; empty where it is about keys of our own.
std::string election_of(json const& one) {
  auto const& what = one.contains("key") ? one : one.begin().value();
  if (!what.contains("key")) return {};
  auto const folder = folder_of(text_at(what, "key"));
  return folder.find("@coelect/") == std::string::npos ? folder : std::string();
}

/// What a transaction in one list wants of each election, as a transaction of its own.
std::vector<json> joined_parts(json const& txn) {
  std::map<std::string, json> by_election;
  for (auto const* list : {"compare", "success"})
    for (auto const& one : list_of(txn, list))
      if (auto const election = election_of(one); !election.empty()) by_election[election][list].push_back(one);
  std::vector<json> found;
  if (by_election.size() > 1)
    for (auto const& [election, part] : by_election) found.push_back(part);
  return found;
}

/// The transactions inside of one.
std::vector<json> parts_of(fake_call const& c) {
  std::vector<json> found;
  if (c.path != "/v3/kv/txn") return found;
  for (auto const& op : list_of(c.body, "success"))
    if (op.contains("request_txn")) found.push_back(op.at("request_txn"));
  return found.empty() ? joined_parts(c.body) : found;
}

bool is_batch(fake_call const& c) { return !parts_of(c).empty(); }

bool compares(json const& txn, char const* target, char const* field, std::int64_t value) {
  auto const& all = list_of(txn, "compare");
  return std::any_of(all.begin(), all.end(),
                     [&](json const& one) { return one.at("target") == target && number(one, field) == value; });
}

bool is_standing_batch(fake_call const& c) {
  auto const parts = parts_of(c);
  return !parts.empty() && compares(parts.front(), "CREATE", "create_revision", 0);
}

/// The keys that somebody is to be elected by.
std::vector<std::string> keys_made_by(fake_call const& c) {
  std::vector<std::string> keys;
  for (auto const& part : parts_of(c))
    for (auto const& op : list_of(part, "success"))
      if (op.contains("request_put")) keys.push_back(text_at(op.at("request_put"), "key"));
  return keys;
}

/// Many candidates of one process.
struct crowd {
  explicit crowd(std::string prefix = {}) : s(1, std::move(prefix)), where(s.make_store()) {}

  void stand(std::string const& election, std::string value = {}) {
    elector_options o;
    o.election = election;
    o.candidate = "C" + std::to_string(electors.size());
    o.value = std::move(value);
    electors.push_back(std::make_unique<elector>(s.host->io.get_executor(), where, o));
    won.push_back(std::make_unique<catcher<leadership>>());
    electors.back()->campaign(won.back()->handler());
  }
  void stand(std::size_t many) {
    for (std::size_t i = 0; i < many; ++i) stand("e" + std::to_string(i));
  }
  /// How the batches so far were asked for.
  std::vector<std::string> forms() const {
    std::vector<std::string> all;
    for (auto const& call : s.etcd->calls) {
      auto const parts = parts_of(call);
      if (parts.empty()) continue;
      auto const count = std::to_string(parts.size());
      bool const nested = list_of(call.body, "success").back().contains("request_txn");
      all.push_back(nested ? count + " nested" : "one list of " + count);
    }
    return all;
  }
  std::size_t leading() const {
    return static_cast<std::size_t>(
        std::count_if(won.begin(), won.end(), [](auto const& w) { return w->done() && w->result.valid(); }));
  }
  std::size_t keys() const {
    return static_cast<std::size_t>(std::count_if(s.etcd->keys.begin(), s.etcd->keys.end(), [this](auto const& entry) {
      return entry.first.starts_with(s.how.prefix + "e");
    }));
  }

  etcd_scene s;
  std::shared_ptr<store> where;
  std::vector<std::unique_ptr<elector>> electors;
  std::vector<std::unique_ptr<catcher<leadership>>> won;
};

}  // namespace

TEST_CASE("etcd batches: three hundred elections are stood in with a few commits", "[S14][etcd]") {
  crowd c;
  c.stand(300);
  REQUIRE(c.s.until([&] { return c.leading() == 300; }));
  CHECK(c.s.etcd->calls_to("/v3/kv/txn").size() <= 8);
  auto const before = c.s.etcd->calls_to("/v3/kv/txn").size();
  std::size_t gone = 0;
  for (auto const& w : c.won) w->result.resign([&](error_code ec) { gone += ec ? 0 : 1; });
  REQUIRE(c.s.until([&] { return gone == 300; }));
  CHECK(c.keys() == 0);
  CHECK(c.s.etcd->calls_to("/v3/kv/txn").size() - before <= 8);
}

// etcd's gateway reads each level of nesting anew.
TEST_CASE("etcd batches: one that can be carried out whole is one list, one that cannot goes again, each for itself",
          "[S14][etcd]") {
  crowd c;
  c.s.etcd->put("e7/of-another-process", "x");
  c.stand(20);
  REQUIRE(c.s.until([&] { return c.leading() == 19 && c.keys() == 21; }));
  auto const all = c.forms();
  REQUIRE(all.size() == 2);
  CHECK(all[0] == "one list of 20");
  CHECK(all[1] == "20 nested");
  c.s.etcd->erase("e7/of-another-process");
  REQUIRE(c.s.until([&] { return c.leading() == 20; }));
}

TEST_CASE("etcd batches: after one that failed whole they are nested until it has gone well for a while",
          "[S14][etcd]") {
  crowd c;
  c.stand(1);
  REQUIRE(c.s.until([&] { return c.leading() == 1; }));
  c.s.etcd->put("e7/of-another-process", "x");
  for (int wave = 0; wave < 6; ++wave) {
    for (int i = 0; i < 10; ++i) c.stand("e" + std::to_string(10 * wave + i + 1));
    c.s.run(1s);
  }
  CHECK(c.leading() == 60);
  auto const all = c.forms();
  auto const nested = [](std::string const& form) { return form.ends_with("nested"); };
  REQUIRE(all.size() >= 6);
  CHECK(all.front() == "one list of 10");
  CHECK(std::all_of(all.begin() + 1, all.begin() + 5, nested));
  CHECK(all.back() == "one list of 10");
}

// Its --max-txn-ops, for each list.
TEST_CASE("etcd batches: no list has more than the 128 operations that etcd allows", "[S14][etcd]") {
  crowd c;
  auto const other = make_etcd_store(c.s.host->io.get_executor(), c.s.how);
  c.stand(800);
  REQUIRE(c.s.until([&] { return c.leading() == 800; }));
  CHECK(c.forms().front() == "one list of 125");
  c.where = other;
  for (std::size_t behind = 0; behind < 800;) {  // each asks who is before it, too
    for (int i = 0; i < 200; ++i) c.stand("e" + std::to_string(behind++));
    REQUIRE(c.s.until([&] { return c.keys() == 800 + behind; }));
  }
  for (auto const& call : c.s.etcd->calls_to("/v3/kv/txn"))
    for (auto const* list : {"compare", "success", "failure"}) CHECK(list_of(call.body, list).size() <= 128);
}

// A candidate that has no memory for its win ends, and throws into the loop; the log stands in for that here.
TEST_CASE("etcd batches: one who throws when he is told keeps nobody else waiting for ever", "[P6][etcd]") {
  crowd c;
  int told = 0;
  c.s.how.log = [&](severity, std::string_view line) {
    if (line.starts_with("elected") && ++told == 3) throw std::bad_alloc();
  };
  c.where = c.s.make_store();
  c.stand(20);
  int thrown = 0;
  bool done = false;
  for (int tries = 0; !done && tries < 3; ++tries) try {
      done = c.s.until([&] { return c.leading() == 19; }, 60s);
    } catch (std::bad_alloc const&) {
      ++thrown;
    }
  CHECK(thrown == 1);
  CHECK(done);
}

// Two batches are on their way and never answered; the time of the others ends while they stand in line.
TEST_CASE("etcd batches: one who throws when he is told that his time is over leaves all timers well", "[P6][etcd]") {
  crowd c;
  bool armed = true;
  std::set<std::string> told;
  c.s.how.log = [&](severity, std::string_view line) {
    auto const trouble = line.find(" trouble: ");
    if (trouble == line.npos) return;
    told.emplace(line.substr(0, trouble));
    bool const in_line = line.find("too many requests") != line.npos;
    if (in_line && std::exchange(armed, false)) throw std::bad_alloc();
  };
  c.where = c.s.make_store();
  c.stand(1);
  REQUIRE(c.s.until([&] { return c.leading() == 1; }));
  c.s.etcd->always(is_batch, [](fake_call& call) { call.answered = false; });
  for (int i = 1; i <= 300; ++i) c.stand("f" + std::to_string(i));
  for (int tries = 0; told.size() < 300 && tries < 3; ++tries) try {
      c.s.until([&] { return told.size() == 300; }, 30s);
    } catch (std::bad_alloc const&) {
    }
  CHECK_FALSE(armed);
  CHECK(told.size() == 300);
}

TEST_CASE("etcd batches: a part that comes alone goes as it always did") {
  crowd c;
  c.stand(1);
  REQUIRE(c.s.until([&] { return c.leading() == 1; }));
  CHECK(std::none_of(c.s.etcd->calls.begin(), c.s.etcd->calls.end(), is_batch));
}

TEST_CASE("etcd batches: two candidates of one election do not share a commit", "[L5][etcd]") {
  crowd c;
  c.stand(20);
  for (std::size_t i = 0; i < 20; ++i) c.stand("e" + std::to_string(i));
  REQUIRE(c.s.until([&] { return c.leading() == 20 && c.keys() == 40; }));
  c.s.run(5s);
  CHECK(c.leading() == 20);
  for (auto const& call : c.s.etcd->calls) {
    std::set<std::string> elections;
    for (auto const& key : keys_made_by(call)) CHECK(elections.insert(key.substr(0, key.find('/'))).second);
  }
  for (auto const& [key, entry] : c.s.etcd->keys) {
    if (!key.starts_with("e")) continue;
    auto const slash = key.find('/');
    for (auto const& [other, theirs] : c.s.etcd->keys)
      if (other != key && other.starts_with(key.substr(0, slash + 1))) CHECK(theirs.created != entry.created);
  }
}

TEST_CASE("etcd batches: neither do candidates of an election below the other") {
  crowd c;
  c.stand(10);
  for (auto const* name : {"e1/x", "e1", "e1/x/y"}) c.stand(name);
  c.s.run(5s);
  for (auto const& call : c.s.etcd->calls) {
    auto const keys = keys_made_by(call);
    auto const below_e1 = std::count_if(keys.begin(), keys.end(), [](auto const& k) { return k.starts_with("e1/"); });
    CHECK(below_e1 <= 1);
  }
}

TEST_CASE("etcd batches: a key that must not be written harms nobody but its candidate", "[etcd]") {
  crowd c;
  c.s.etcd->always(
      [](fake_call const& call) { return call.raw_body.find(base::base64("e7/").substr(0, 4)) != std::string::npos; },
      [](fake_call& call) {
        call.execute = false;
        call.status = 403;
        call.text = R"({"error":"etcdserver: permission denied","code":7})";
      });
  c.stand(20);
  REQUIRE(c.s.until([&] { return c.leading() == 19 && c.won[7]->done(); }));
  CHECK(*c.won[7]->ec == errc::unauthorized);
  CHECK(c.keys() == 19);
}

TEST_CASE("etcd batches: when the lease has gone, all who stand on it hear so and stand again", "[S11][etcd]") {
  crowd c;
  c.stand(1);
  REQUIRE(c.s.until([&] { return c.leading() == 1; }));
  auto const old = c.s.etcd->leases.begin()->first;
  c.s.etcd->when(is_standing_batch, [&](fake_call&) { c.s.etcd->expire(old); });
  for (int i = 1; i < 20; ++i) c.stand("e" + std::to_string(i));
  REQUIRE(c.s.until([&] { return c.leading() >= 19; }));
  CHECK_FALSE(c.s.etcd->leases.contains(old));
  CHECK(c.keys() == 19);
}

TEST_CASE("etcd batches: a batch without an answer leaves no ghost, however late it is carried out", "[N5][N8][etcd]") {
  crowd c;
  fake_call lost;
  c.s.etcd->when(is_standing_batch, [&](fake_call& call) {
    call.execute = call.answered = false;
    lost = call;
  });
  c.stand(20);
  REQUIRE(c.s.until([&] { return c.leading() == 20; }));
  REQUIRE(is_batch(lost));
  CHECK(std::count_if(c.s.etcd->calls.begin(), c.s.etcd->calls.end(), is_void) <= 2);  // not one for each
  std::size_t gone = 0;
  for (auto const& w : c.won) w->result.resign([&](error_code ec) { gone += ec ? 0 : 1; });
  REQUIRE(c.s.until([&] { return gone == 20; }));
  CHECK(c.keys() == 0);
  c.s.etcd->carry_out(lost.path, lost.body);
  CHECK(c.keys() == 0);
}

TEST_CASE("etcd batches: one that was carried out and not answered is found again", "[N5][etcd]") {
  crowd c;
  c.s.etcd->when(is_standing_batch, [](fake_call& call) { call.answered = false; });
  c.stand(20);
  REQUIRE(c.s.until([&] { return c.leading() == 20; }));
  CHECK(c.keys() == 20);
}

TEST_CASE("etcd batches: who withdraws while his batch is under way leaves no key", "[L1][N8][etcd]") {
  crowd c;
  c.s.etcd->when(is_standing_batch, [](fake_call& call) { call.delay = 500ms; });
  c.stand(20);
  REQUIRE(c.s.until([&] { return std::any_of(c.s.etcd->calls.begin(), c.s.etcd->calls.end(), is_standing_batch); }));
  auto const away = c.electors.size() - 5;
  c.electors.resize(away);
  REQUIRE(c.s.until([&] { return c.leading() == away && c.keys() == away; }));
}

TEST_CASE("etcd batches: who withdraws before his batch goes again takes nobody's answer away", "[L1][N8][etcd]") {
  crowd c;
  c.s.etcd->put("e19/of-another-process", "x");
  c.s.etcd->when(is_standing_batch, [](fake_call& call) { call.delay = 500ms; });
  c.stand(20);
  REQUIRE(c.s.until([&] { return c.forms().size() == 1; }));
  for (std::size_t i = 0; i < 5; ++i) c.electors[2 * i].reset();
  REQUIRE(c.s.until([&] { return c.leading() == 14; }));
  auto const forms = c.forms();  // those who withdraw look for their keys meanwhile
  CHECK(std::find(forms.begin(), forms.end(), "15 nested") != forms.end());
  CHECK(c.keys() == 14 + 2);  // e19 has two
  for (auto const& w : c.won)
    if (w->result)
      CHECK(c.s.etcd->keys.at(c.s.etcd->list(w->result.election() + "/").at(0)).created ==
            static_cast<std::int64_t>(w->result.fencing_token()));
}

TEST_CASE("etcd R14: who asks for a new generation while one is being made is served by that one", "[N5][etcd]") {
  crowd c;
  c.s.etcd->when(is_standing_batch, [](fake_call& call) { call.execute = call.answered = false; });
  nanoseconds put{};
  c.s.etcd->always(is_void, [&](fake_call& call) {
    put = call.at;
    call.delay = 1s;
  });
  c.stand(20);
  REQUIRE(c.s.until([&] { return c.leading() == 20; }));
  CHECK(c.s.world.now() <= put + 1s + 100ms);
  CHECK(std::count_if(c.s.etcd->calls.begin(), c.s.etcd->calls.end(), is_void) == 1);
}

TEST_CASE("etcd R14: a new generation serves nobody who has seen it and stood with it", "[N5][N8][etcd]") {
  crowd c;
  c.stand("e0");
  REQUIRE(c.s.until([&] { return c.leading() == 1; }));
  auto const voids = [&] { return std::count_if(c.s.etcd->calls.begin(), c.s.etcd->calls.end(), is_void); };
  c.s.etcd->when(is_campaign, [](fake_call& call) { call.execute = call.answered = false; });
  c.s.etcd->when(is_void, [](fake_call& call) { call.delay = 1400ms; });
  c.stand("e1");
  REQUIRE(c.s.until([&] { return voids() == 1; }));
  // The new generation is there, and only e1 will hear of it, late. e2 is refused, finds out why, and stands again.
  int campaigns = 0;
  c.s.etcd->always(is_campaign, [&](fake_call& call) {
    if (++campaigns != 3) return;  // alone, in line, and with the new generation
    call.execute = false;
    call.cut = true;
  });
  c.stand("e2");
  REQUIRE(c.s.until([&] { return c.leading() == 3; }));
  CHECK(voids() == 2);
}

TEST_CASE("etcd R14: what all compare alike is compared once; when it does not hold, each finds out why",
          "[N8][etcd]") {
  crowd c;
  c.stand(1);
  REQUIRE(c.s.until([&] { return c.leading() == 1; }));
  auto const before = c.s.etcd->calls.size();
  std::string generation;
  for (auto const& [key, entry] : c.s.etcd->keys)
    if (key.ends_with("/generation")) generation = key;
  auto& gone_on = c.s.etcd->keys.at(generation);
  gone_on.modified = ++c.s.etcd->revision;
  for (int i = 1; i < 20; ++i) c.stand("e" + std::to_string(i));
  REQUIRE(c.s.until([&] { return c.leading() == 20; }));
  std::size_t batches = 0;
  for (auto i = before; i < c.s.etcd->calls.size(); ++i) {
    auto const& call = c.s.etcd->calls[i];
    if (!is_standing_batch(call)) continue;
    ++batches;
    auto const& all = list_of(call.body, "compare");
    CHECK(std::count_if(all.begin(), all.end(), [](json const& one) { return one.at("target") == "MOD"; }) == 1);
    for (auto const& part : parts_of(call)) CHECK(list_of(part, "compare").size() == 1);
  }
  CHECK(batches >= 2);
}

TEST_CASE("etcd R9: a batch that verifies goes through raft by one deletion of nothing", "[S2][etcd]") {
  crowd ahead;
  auto const other = make_etcd_store(ahead.s.host->io.get_executor(), ahead.s.how);
  ahead.stand(20);
  REQUIRE(ahead.s.until([&] { return ahead.leading() == 20; }));
  ahead.where = other;
  for (std::size_t i = 0; i < 20; ++i) ahead.stand("e" + std::to_string(i));
  REQUIRE(ahead.s.until([&] { return ahead.keys() == 40; }));
  ahead.s.run(200ms);
  for (std::size_t i = 0; i < 20; ++i) ahead.won[i]->result.resign([](error_code) {});
  auto const from = ahead.s.etcd->calls.size();
  REQUIRE(ahead.s.until([&] { return ahead.leading() == 20; }));
  std::size_t verified = 0;
  for (auto i = from; i < ahead.s.etcd->calls.size(); ++i) {
    auto const& call = ahead.s.etcd->calls[i];
    auto const parts = parts_of(call);
    bool const verifies = !parts.empty() && !list_of(parts.front(), "success").empty() &&
                          list_of(parts.front(), "success").front().contains("request_range");
    if (!verifies) continue;
    verified += parts.size();
    CHECK(writes_nothing(call));
  }
  CHECK(verified >= 10);
}

TEST_CASE("etcd batches: with a user name every transaction goes alone", "[etcd]") {
  crowd c;
  c.s.how.username = "u";
  c.s.how.password = "p";
  c.where = c.s.make_store();
  c.stand(20);
  REQUIRE(c.s.until([&] { return c.leading() == 20; }));
  CHECK(std::none_of(c.s.etcd->calls.begin(), c.s.etcd->calls.end(), is_batch));
}

TEST_CASE("etcd batches: in a line that moves nobody's time runs out", "[S14][etcd]") {
  crowd c;
  c.s.etcd->always(to_path("/v3/kv/txn"), [](fake_call& call) { call.delay = 700ms; });
  // Their values fill some eight batches, two at a time: 3 s, where a request may take 1.6.
  for (int i = 0; i < 120; ++i) c.stand("e" + std::to_string(i), std::string(5'000, 'v'));
  REQUIRE(c.s.until([&] { return c.leading() == 120; }));
  auto const sent = c.s.etcd->calls_to("/v3/kv/txn");
  CHECK(sent.back().at - sent.front().at > 2s);
  CHECK_FALSE(c.s.logged("trouble"));
}

TEST_CASE("etcd batches: what is in line when its time is up says so", "[N5][etcd]") {
  crowd c;
  c.stand(1);
  REQUIRE(c.s.until([&] { return c.leading() == 1; }));
  c.s.etcd->always(to_path("/v3/kv/txn"), [](fake_call& call) { call.execute = call.answered = false; });
  for (int i = 1; i < 300; ++i) {
    c.electors.push_back(std::make_unique<elector>(c.s.make_elector("x", c.where, "e" + std::to_string(i))));
    c.won.push_back(std::make_unique<catcher<leadership>>());
    c.electors.back()->try_campaign(c.won.back()->handler());
  }
  REQUIRE(c.s.until(
      [&] { return std::all_of(c.won.begin() + 1, c.won.end(), [](auto const& w) { return w->done(); }); }, 10s));
  for (std::size_t i = 1; i < c.won.size(); ++i) CHECK(*c.won[i]->ec == errc::timed_out);
}
