// The stages on virtual time: a memory store, the pretended etcd cluster, the pretended storage account.
#include "mortal_host.hpp"
#include "stage.hpp"
#include "unit/stores/azure/fake_azure.hpp"
#include "unit/stores/etcd/fake_etcd.hpp"

namespace coelect::test {

using namespace std::chrono_literals;

namespace {

class virtual_stage : public stage {
public:
  explicit virtual_stage(stage_facts facts)
      : facts_(std::move(facts)), world_(7), server_(world_.add_host()), rival_(world_.add_host()) {}

  ~virtual_stage() override { subject_->destroy_loop(); }  // while there are clocks: what waits in it owns this process

  stage_facts const& facts() const override { return facts_; }
  nanoseconds now() const override { return world_.now(); }

  // The subject's handlers go first. The world tells nobody whether it had something to do, only whether it is asked
  // again: so one step of it is one question.
  bool step(nanoseconds end) override {
    if (subject_->run_one()) return true;
    if (world_.now() < end) {
      int asked = 0;
      world_.run_until([&] { return asked++ > 0; }, end - world_.now());
      return true;
    }
    world_.settle();
    return subject_->run_one();
  }

  boost::asio::any_io_executor subject_loop() override { return subject_->executor(); }
  boost::asio::any_io_executor rival_loop() override { return rival_->io.get_executor(); }
  void halt() override { subject_->halt(); }
  void resume() override { subject_->resume(); }
  void destroy_loop() override { subject_->destroy_loop(); }

protected:
  void settle_in(std::shared_ptr<http::network> net) {
    auto const ground = world_.add_host();
    subject_ = std::make_shared<mortal_host>(ground, std::move(net));
  }
  stage_facts facts_;
  virtual_world world_;
  std::shared_ptr<virtual_host> server_, rival_;
  std::shared_ptr<mortal_host> subject_;
};

stage_facts on_virtual_time(char const* store, nanoseconds ttl, nanoseconds renewal) {
  stage_facts f;
  f.store = store;
  f.can_be_mute = true;
  f.patience = 20ms;
  f.ttl = ttl;
  f.renewal = renewal;
  f.short_halt = 500ms;
  f.long_halt = ttl * 5 / 2;
  return f;
}

// --- Memory -----------------------------------------------------------------------------------------------------------

class in_memory final : public virtual_stage {
public:
  in_memory() : virtual_stage(on_virtual_time("memory", 10s, 3334ms)) {
    settle_in({});
    memory_hub_options how;
    how.env = server_;
    hub_ = make_memory_hub(server_->io.get_executor(), how);
  }
  std::shared_ptr<store> subject_store() override { return open(subject_->executor(), subject_); }
  std::shared_ptr<store> rival_store() override { return open(rival_->io.get_executor(), rival_); }
  void mute(bool on) override { mute_ = on; }

  std::string left_over() override {
    auto const here = rival_store();
    sighting seen;
    here->look("leader", here->context()->now() + 1s, [&](outcome const&, sighting const& now) { seen = now; });
    world_.run_until([&] { return seen.seen(); }, 2s);
    if (!seen.seen()) return "no answer";
    return seen.empty() ? std::string() : "the seat is held";
  }

private:
  std::shared_ptr<store> open(boost::asio::any_io_executor loop, std::shared_ptr<environment> env) {
    memory_store_options how;
    how.hub = hub_;
    how.env = std::move(env);
    how.timing.ttl = 10s;
    how.faults = [this](memory_request) {
      memory_fate f;
      f.lose_reply = mute_;
      return f;
    };
    return make_memory_store(std::move(loop), how);
  }
  std::shared_ptr<memory_hub> hub_;
  bool mute_ = false;
};

// --- etcd -------------------------------------------------------------------------------------------------------------

class host_with_network final : public environment {
public:
  host_with_network(std::shared_ptr<virtual_host> host, std::shared_ptr<http::network> net)
      : host_(std::move(host)), net_(std::move(net)) {}
  instant now() const noexcept override { return host_->now(); }
  std::chrono::system_clock::time_point wall_clock() const override { return host_->wall_clock(); }
  std::uint64_t random() override { return host_->random(); }
  std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor where) override { return host_->make_alarm(where); }
  std::shared_ptr<http::network> network() override { return net_; }

private:
  std::shared_ptr<virtual_host> host_;
  std::shared_ptr<http::network> net_;
};

class on_etcd final : public virtual_stage {
public:
  on_etcd() : virtual_stage(on_virtual_time("etcd", 10s, 3200ms)), etcd_(std::make_shared<fake_etcd>(world_)) {
    facts_.guarded = true;
    settle_in(etcd_);
    bell_ = server_->make_alarm(server_->io.get_executor());
    etcd_->on_touch = [this](std::int64_t lease) { extend(lease); };
    auto const silent = [this](fake_call const&) { return mute_; };
    etcd_->always(silent, [](fake_call& c) { c.answered = false; });
  }
  std::shared_ptr<store> subject_store() override { return open(subject_->executor(), subject_); }
  std::shared_ptr<store> rival_store() override {
    return open(rival_->io.get_executor(), std::make_shared<host_with_network>(rival_, etcd_));
  }
  void mute(bool on) override { mute_ = on; }

  std::string left_over() override {
    std::string all;
    for (auto const& [lease, ttl] : etcd_->leases) all += " lease " + std::to_string(lease);
    for (auto const& [key, e] : etcd_->keys)
      if (e.lease != 0 || key.starts_with("leader/")) all += " key " + key;
    return all;
  }

private:
  std::shared_ptr<store> open(boost::asio::any_io_executor loop, std::shared_ptr<environment> env) {
    etcd_store_options how;
    how.endpoints = {"http://10.0.0.1"};
    how.timing.ttl = 10s;
    how.env = std::move(env);
    return make_etcd_store(std::move(loop), how);
  }

  // The pretended cluster lets leases run out when it is told to. Here it is: ttl after they were last extended.
  void extend(std::int64_t lease) {
    until_[lease] = world_.now() + facts_.ttl;
    set_bell();
  }
  void set_bell() {
    auto first = nanoseconds::max();
    for (auto const& [lease, when] : until_) first = std::min(first, when);
    if (first == nanoseconds::max()) return bell_->clear();
    bell_->set(server_->now() + (first - world_.now()), [this] { let_expire(); });
  }
  void let_expire() {
    for (auto it = until_.begin(); it != until_.end();) {
      auto const [lease, when] = *it;
      bool const over = when <= world_.now();
      if (over && etcd_->leases.contains(lease)) etcd_->expire(lease);
      it = over ? until_.erase(it) : std::next(it);
    }
    set_bell();
  }

  std::shared_ptr<fake_etcd> etcd_;
  std::map<std::int64_t, nanoseconds> until_;
  std::unique_ptr<alarm> bell_;
  bool mute_ = false;
};

// --- Azure ------------------------------------------------------------------------------------------------------------

class on_azure final : public virtual_stage {
public:
  on_azure() : virtual_stage(on_virtual_time("azure", 20s, 6667ms)), azure_(std::make_shared<fake_azure>(world_)) {
    facts_.guarded = true;
    settle_in(azure_);
    auto const silent = [this](blob_call const&) { return mute_; };
    azure_->when(
        silent, [](blob_call& c) { c.answered = false; }, std::size_t(-1));
  }
  std::shared_ptr<store> subject_store() override { return open(subject_->executor(), subject_); }
  std::shared_ptr<store> rival_store() override {
    return open(rival_->io.get_executor(), std::make_shared<host_with_network>(rival_, azure_));
  }
  void mute(bool on) override { mute_ = on; }

  std::string left_over() override {
    std::string all;
    for (auto const& [name, b] : azure_->blobs)
      if (!azure_->model.holder(name).empty()) all += " " + name + " is leased";
    return all;
  }

private:
  std::shared_ptr<store> open(boost::asio::any_io_executor loop, std::shared_ptr<environment> env) {
    azure_blob_store_options how;
    how.account_url = "https://acct.blob.core.windows.net";
    how.credential = azure_credential::shared_key("acct", "a2V5");
    how.timing.ttl = 20s;
    how.poll_min = 500ms;
    how.poll_max = 1s;
    how.env = std::move(env);
    return make_azure_blob_store(std::move(loop), how);
  }
  std::shared_ptr<fake_azure> azure_;
  bool mute_ = false;
};

}  // namespace

std::unique_ptr<stage> memory_stage() { return std::make_unique<in_memory>(); }
std::unique_ptr<stage> etcd_stage() { return std::make_unique<on_etcd>(); }
std::unique_ptr<stage> azure_stage() { return std::make_unique<on_azure>(); }

}  // namespace coelect::test
