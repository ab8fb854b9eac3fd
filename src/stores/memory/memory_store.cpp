// The memory store: joins the hub with the store interface.
#include "stores/memory/memory_contender.hpp"
#include "stores/memory/wait_at_hub.hpp"
#include <coelect/memory_store.hpp>

namespace coelect {
namespace stores::memory {
namespace {

using namespace std::chrono_literals;

constexpr rules::timing_defaults defaults{15s, 0ms, 10ms, 24h};

class memory_observation final : public observation {
public:
  explicit memory_observation(std::shared_ptr<call> c) : call_(std::move(c)) {}

private:
  std::shared_ptr<call> call_;
};

class memory_store final : public store {
public:
  memory_store(std::shared_ptr<store_context> context, std::shared_ptr<hub> where, memory_store_options const& how)
      : store(context), times_(rules::derive(how.timing, defaults)), link_(context, std::move(where), how.faults) {}

  store_limits limits() const noexcept override {
    store_limits l;
    l.expires = true;
    l.request_timeout = times_.request_timeout;
    l.retry_min = times_.retry_min;
    l.retry_max = times_.retry_max;
    return l;
  }

  std::string describe() const override { return "memory:"; }

  std::unique_ptr<contender> enter(candidacy const& who, hold_listener& hears) override {
    return std::make_unique<memory_contender>(link_, times_, who, hears);
  }

  void look(std::string const& election, instant give_up, reply<outcome, sighting> done) override {
    std::function<sighting(hub&)> at_hub = [election](hub& h) { return h.table().look(election, h.now()); };
    keep(link_.ask(memory_request::look, give_up, std::move(at_hub), std::move(done)));
  }

  std::unique_ptr<observation> watch(std::string const& election, sighting const& seen,
                                     reply<outcome, sighting> done) override {
    struct change {
      std::optional<sighting> now;
      explicit operator bool() const { return now.has_value(); }
    };
    auto look = [election, seen](hub& h) {
      auto now = h.table().look(election, h.now());
      return now.same_as(seen) ? change{} : change{std::move(now)};
    };
    auto answer = [done](outcome const& how, change const& c) { done(how, c.now.value_or(sighting())); };
    auto waiting = wait_at_hub<change>(link_, memory_request::watch, election, look, answer);
    return std::make_unique<memory_observation>(std::move(waiting));
  }

  void depose(std::string const& election, std::uint64_t token, depose_how how, instant give_up,
              reply<outcome> done) override {
    std::function<bool(hub&)> at_hub = [election, token, how](hub& h) {
      bool const there = h.table().look(election, h.now()).fencing_token() == token;
      if (there && how == depose_how::force) h.table().expire(election, h.now());
      return there && (how == depose_how::force || h.table().ask_to_resign(election, token, h.now()));
    };
    reply<outcome, bool> answer = [done](outcome const& result, bool there) {
      done(result.ok() && !there ? outcome(errc::not_leader, "no leader with that token") : result);
    };
    keep(link_.ask(memory_request::depose, give_up, std::move(at_hub), std::move(answer)));
  }

private:
  void keep(std::shared_ptr<call> c) {
    std::erase_if(asked_, [](auto const& old) { return old->over; });
    asked_.push_back(std::move(c));
  }

  rules::timings times_;
  link link_;
  std::vector<std::shared_ptr<call>> asked_;
};

}  // namespace
}  // namespace stores::memory

std::shared_ptr<memory_hub> make_memory_hub(boost::asio::any_io_executor ex, memory_hub_options how) {
  return std::make_shared<stores::memory::hub>(std::move(ex), how);
}

std::shared_ptr<store> make_memory_store(boost::asio::any_io_executor ex, memory_store_options how) {
  auto where = std::dynamic_pointer_cast<stores::memory::hub>(how.hub);
  if (!where) {
    memory_hub_options own;
    own.env = how.env;
    where = std::make_shared<stores::memory::hub>(ex, own);
  }
  auto context = store_context::make(std::move(ex), how.env, how.log);
  return std::make_shared<stores::memory::memory_store>(std::move(context), std::move(where), how);
}

}  // namespace coelect
