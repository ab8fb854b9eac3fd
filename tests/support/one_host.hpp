// A single host on virtual time with a memory store: the usual scene of a unit test.
#pragma once
#include "support/virtual_world.hpp"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <coelect/coelect.hpp>
#include <optional>
#include <string>

namespace coelect::test {

/// Catches what a callback-style operation delivers.
template <class Result>
struct catcher {
  std::optional<error_code> ec;
  Result result{};
  auto handler() {
    return [this](error_code e, Result r) {
      ec = e;
      result = std::move(r);
    };
  }
  bool done() const { return ec.has_value(); }
};

template <>
struct catcher<void> {
  std::optional<error_code> ec;
  auto handler() {
    return [this](error_code e) { ec = e; };
  }
  bool done() const { return ec.has_value(); }
};

/// World, host, hub and store; ttl 10 s unless said otherwise (V = 9 s).
struct one_host {
  explicit one_host(std::uint64_t seed = 1, lease_timing timing = ten_seconds())
      : world(seed), host(world.add_host()), hub_host(world.add_host()) {
    memory_hub_options hub_options;
    hub_options.env = hub_host;
    hub = make_memory_hub(hub_host->io.get_executor(), hub_options);
    where = make_store(timing);
  }

  static lease_timing ten_seconds() {
    lease_timing t;
    t.ttl = std::chrono::seconds(10);
    return t;
  }

  std::shared_ptr<store> make_store(lease_timing timing) {
    memory_store_options options;
    options.hub = hub;
    options.env = host;
    options.timing = timing;
    options.faults = [this](memory_request what) { return fate ? fate(what) : memory_fate{}; };
    options.log = [this](severity, std::string_view line) { lines.emplace_back(line); };
    return make_memory_store(host->io.get_executor(), options);
  }

  elector make_elector(std::string candidate, std::string election = "leader") {
    elector_options options;
    options.election = std::move(election);
    options.candidate = std::move(candidate);
    return elector(host->io.get_executor(), where, options);
  }

  /// Campaigns and waits for the win.
  leadership win(elector& e) {
    catcher<leadership> won;
    e.campaign(won.handler());
    world.run_until([&] { return won.done(); }, std::chrono::minutes(2));
    return std::move(won.result);
  }

  bool logged(std::string_view part) const {
    for (auto const& line : lines)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }

  std::vector<std::string> lines;
  std::function<memory_fate(memory_request)> fate;
  virtual_world world;
  std::shared_ptr<virtual_host> host, hub_host;
  std::shared_ptr<memory_hub> hub;
  std::shared_ptr<store> where;
};

}  // namespace coelect::test
