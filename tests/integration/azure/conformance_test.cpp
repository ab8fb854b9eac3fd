// Azurite held to the list of exchanges that the model of an account is held to as well (tests/models).
#include "models/azure_exchanges.hpp"
#include "raw_blobs.hpp"
#include <thread>

using namespace coelect;
using namespace coelect::test;

namespace {

class on_azurite final : public exchange_place {
public:
  http::response ask(http::request what) override { return raw_.ask(std::move(what)); }
  std::chrono::nanoseconds now() override { return std::chrono::steady_clock::now().time_since_epoch(); }
  void wait_until(std::chrono::nanoseconds when) override {
    std::this_thread::sleep_for(when - now());  // leases last 15 s at least, and nothing tells when one has run out
  }
  // Azurite reads its clock to the millisecond.
  exchange_clock clock() const override { return {100ms, 2ms, 5s}; }

private:
  azurite server_;
  raw_blobs raw_{server_.port()};
};

void hold_azurite_to(std::vector<exchange_script> const& scripts, std::size_t least_requests) {
  on_azurite place;
  auto const report = hold_exchanges(place, scripts, "/devstoreaccount1/leases");
  for (auto const& wrong : report.wrong) UNSCOPED_INFO(wrong);
  CHECK(report.wrong.empty());
  CHECK(report.requests > least_requests);
  std::cout << "conformance: " << report.scripts << " scripts, " << report.requests << " requests\n";
}

}  // namespace

TEST_CASE("azure conformance: every operation in every state of a lease", "[H1][S8][S11][azure]") {
  hold_azurite_to(azure_cells(azure_column::azurite), 1000);
}

TEST_CASE("azure conformance: what takes more than one operation", "[azure]") {
  hold_azurite_to(azure_stories(azure_column::azurite), 240);
}
