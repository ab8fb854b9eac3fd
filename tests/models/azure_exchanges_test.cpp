// The model of an account held to the list of exchanges, in both columns, and what no other account can be asked for.
#include "azure_steps.hpp"
#include "support/catch.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

class on_the_model final : public exchange_place {
public:
  explicit on_the_model(azure_column column) : model_([this] { return now_; }, column, "/devstoreaccount1") {}
  http::response ask(http::request what) override {
    wire::azure::add_common(what, model_.date(), "raw", 5);
    return model_.serve(0, what);
  }
  nanoseconds now() override { return now_; }
  void wait_until(nanoseconds when) override { now_ = when; }
  exchange_clock clock() const override { return {}; }  // to the nanosecond

private:
  nanoseconds now_ = 17h;
  azure_model model_;
};

void hold_model_to(azure_column column, std::vector<exchange_script> const& scripts, std::size_t least_requests) {
  on_the_model place(column);
  auto const report = hold_exchanges(place, scripts, "/devstoreaccount1/leases");
  for (auto const& wrong : report.wrong) UNSCOPED_INFO(wrong);
  CHECK(report.wrong.empty());
  CHECK(report.requests > least_requests);
}

}  // namespace

TEST_CASE("azure model: every operation in every state of a lease", "[azure]") {
  auto const column = GENERATE(azure_column::service, azure_column::azurite);
  hold_model_to(column, azure_cells(column), 1000);
}

TEST_CASE("azure model: what takes more than one operation", "[azure]") {
  auto const column = GENERATE(azure_column::service, azure_column::azurite);
  hold_model_to(column, azure_stories(column), 240);
}

TEST_CASE("azure model: it tells who holds a lease, from when on and how long", "[azure]") {
  namespace az = wire::azure;
  nanoseconds now = 3s;
  azure_model model([&] { return now; });
  std::vector<std::string> heard;
  model.on_lease = [&](std::string const& path, std::string const& lease, bool held) {
    heard.push_back(path + (held ? " + " : " - ") + lease.substr(0, 1));
  };
  auto const news = [&] { return std::exchange(heard, {}); };
  using some = std::vector<std::string>;
  az::blob_path const where{"/leases", "leader"};
  auto const path = where.full();
  auto const ask = [&](http::request const& what) { return model.serve(1, what).status; };

  CHECK(ask(az::create_blob(where, 41)) == 404);
  model.make_container("/leases");
  REQUIRE(ask(az::create_blob(where, 41)) == 201);
  CHECK(model.term_of(path) == 41);
  CHECK(model.term_of("/leases/none") == 0);
  CHECK(model.holder(path).empty());

  REQUIRE(ask(az::acquire(where, lease_a, 15)) == 201);
  CHECK(news() == some{path + " + a"});
  CHECK(model.holder(path) == lease_a);
  CHECK(model.held_until(path) == 18s);
  now = 10s;
  REQUIRE(ask(az::renew(where, lease_a)) == 200);
  CHECK(news().empty());
  now = 25s - 1ns;
  CHECK(model.holder(path) == lease_a);
  now = 25s;
  CHECK(model.holder(path).empty());
  CHECK_FALSE(model.held_until(path));
  CHECK(news().empty());  // that it ran out, only time tells

  REQUIRE(ask(az::renew(where, lease_a)) == 200);
  CHECK(news() == some{path + " + a"});
  model.break_lease(path);
  CHECK(news() == some{path + " - a"});
  CHECK(model.state_of(model.blobs.at(path)) == azure_model::lease_state::broken);
  REQUIRE(ask(az::acquire(where, lease_b, -1)) == 201);
  CHECK(model.held_until(path) == nanoseconds::max());
  REQUIRE(ask(az::release(where, lease_b)) == 200);
  CHECK(news() == some{path + " + b", path + " - b"});
  REQUIRE(ask(az::acquire(where, lease_c, 60)) == 201);
  model.erase(path);
  CHECK(news() == some{path + " + c", path + " - c"});
  CHECK(ask(az::properties(where)) == 404);
  CHECK(ask(az::create_blob(where, 50)) == 201);
}

TEST_CASE("azure model: every answer is dated, in whole seconds from Fri, 26 Jun 2026 23:39:12 GMT on", "[azure]") {
  nanoseconds now = 100ms;
  azure_model model([&] { return now; });
  model.make_container("/leases");
  wire::azure::blob_path const where{"/leases", "leader"};
  auto const dated = [&](http::request const& what) { return std::string(model.serve(0, what).get("Date")); };
  CHECK(dated(wire::azure::properties(where)) == "Fri, 26 Jun 2026 23:39:12 GMT");
  now += 48s - 1ns;
  CHECK(dated(wire::azure::create_blob(where, 1)) == "Fri, 26 Jun 2026 23:39:59 GMT");
  now += 1ns;
  CHECK(dated(wire::azure::properties(where)) == "Fri, 26 Jun 2026 23:40:00 GMT");
  auto const seen = model.serve(0, wire::azure::properties(where));
  CHECK(seen.get("Last-Modified") == "Fri, 26 Jun 2026 23:39:59 GMT");
}
