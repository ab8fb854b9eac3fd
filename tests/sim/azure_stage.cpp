// Elections on a simulated storage account, as the service or as its emulator has it, with outages and operators.
#include "models/azure_model.hpp"
#include "sim/stage.hpp"
#include <algorithm>
#include <coelect/azure_blob_store.hpp>
#include <string>

namespace coelect::sim {

using namespace std::chrono_literals;
using testing::happening;

namespace {

constexpr char const* container = "/leases";
constexpr char const* blob = "/leases/leader";
constexpr char const* counter = "/leases/counter";

/// The account: answers with 503 during an outage, and refuses connections while it is away.
class sim_azure final : public server {
  testing::world& world_;  // the model looks at its clock when it is made
  int permille_;

public:
  sim_azure(testing::world& world, test::azure_column column)
      : world_(world),
        permille_(990 + static_cast<int>(world.below(21))),
        model([this] { return world_.now() * permille_ / 1000; }, column) {
    model.make_container(container);
  }

  bool listens(std::size_t) const override { return world_.now() >= away_until; }
  void arrive(std::size_t endpoint, message what, reply answer) override {
    if (world_.now() < away_until) return;
    if (world_.now() < busy_until && world_.chance(70)) {
      http::response busy;
      busy.status = 503;
      busy.fields.push_back({"x-ms-error-code", "ServerBusy"});
      busy.fields.push_back({"Date", model.date()});
      return answer(std::move(busy));
    }
    auto got = model.serve(endpoint, *what);
    bool const written = what->method == "PUT" && got.status == 201 && what->target.starts_with(counter);
    if (written && on_write) on_write(what->body);
    answer(std::move(got));
  }
  void subscribe(std::size_t, message, std::shared_ptr<stream_sink>) override {}

  char const* name_of(http::request const& what) const override {
    if (what.method == "HEAD") return "azure look";
    for (auto const& f : what.fields)
      if (f.name == "x-ms-lease-action") {
        if (f.value == "acquire") return "azure acquire";
        if (f.value == "renew") return "azure renew";
        return f.value == "release" ? "azure release" : "azure break or change";
      }
    return what.target.find("comp=metadata") != std::string::npos ? "azure term" : "azure write";
  }

  test::azure_model model;
  nanoseconds away_until{-1}, busy_until{-1};
  std::function<void(std::string const& content)> on_write{};
};

class azure_stage final : public stage {
public:
  explicit azure_stage(surroundings in)
      : in_(in),
        mix_(draw_messages(in.world)),
        emulator_(in.world.chance(40)),
        azure_(in.world, emulator_ ? test::azure_column::azurite : test::azure_column::service) {
    auto& dice = in_.world;
    outages_ = dice.chance(50);
    breaks_ = dice.chance(25);
    deletions_ = dice.chance(15);
    azure_.on_write = [this](std::string const& content) {
      in_.guarded.see({happening::accepted, in_.world.now(), {}, {}, std::stoull(content), {}, {}});
    };
  }

  std::string text() const override {
    std::string all = std::string(emulator_ ? "azurite" : "azure") + "; network: " + mix_.text() + "; account:";
    auto const add = [&all](bool on, char const* name) { all += on ? std::string(" ") + name : std::string(); };
    add(outages_, "outages");
    add(breaks_, "breaks");
    add(deletions_, "deletions");
    return all;
  }

  std::shared_ptr<store> make_store(testing::host& on) override {
    on.net = std::make_shared<network>(on, in_.faults, azure_, mix_, sent);
    azure_blob_store_options how;
    how.account_url = "https://acct.blob.core.windows.net";
    how.credential = azure_credential::shared_key("acct", "a2V5");
    how.poll_min = 200ms;
    how.poll_max = 1s;
    how.timing.ttl = 15s;
    how.log = trace_log(on);
    how.env = on.shared_from_this();
    return make_azure_blob_store(on.executor(), std::move(how));
  }

  void disturb() override {
    auto& dice = in_.world;
    switch (dice.below(4)) {
      case 0:
        if (outages_) azure_.away_until = dice.now() + dice.below(nanoseconds(12s));
        break;
      case 1:
        if (outages_) azure_.busy_until = dice.now() + dice.below(nanoseconds(20s));
        break;
      case 2:
        if (breaks_ && dice.chance(20)) break_lease();
        break;
      default:
        if (deletions_ && dice.chance(10)) erase();
        break;
    }
  }
  void heal() override {
    azure_.away_until = azure_.busy_until = nanoseconds(-1);
    mix_ = {};
  }
  nanoseconds ttl() const override { return 15s; }
  // The lease, a poll, a request's time limit, the largest back-off, and the second that a new blob's first term waits;
  // from when the last request of a candidate that has crashed cannot take the lease once more.
  nanoseconds liveness_bound() const override {
    auto const under_way = std::max(sent.arrived - in_.world.now(), nanoseconds(0));
    return under_way + 15s + 1s + 3s + 5s + 2s;
  }
  bool guards_writes() const override { return true; }
  bool holds(std::uint64_t token) const override {
    return !azure_.model.holder(blob).empty() && azure_.model.term_of(blob) == token;
  }
  std::string leftovers() const override { return azure_.model.holder(blob); }

private:
  // A leader hears of it at its next renewal, and others may win at once.
  void excuse(char const* why) {
    in_.world.note(why);
    excused_until = in_.world.now() + 15s;
    in_.judge.see({happening::excuse, in_.world.now(), excused_until, {}, 0, why, {}});
  }
  void break_lease() {
    excuse("lease broken");
    azure_.model.break_lease(blob);
  }
  void erase() {
    excuse("blob deleted");
    azure_.model.erase(blob);
  }

  surroundings in_;
  message_mix mix_;
  bool emulator_;
  sim_azure azure_;
  bool outages_, breaks_, deletions_;
};

}  // namespace

std::unique_ptr<stage> make_azure_stage(surroundings in) { return std::make_unique<azure_stage>(in); }

}  // namespace coelect::sim
