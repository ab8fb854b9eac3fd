// The usual scene: an io_context on real time, electors on a real etcd, and what was logged.
#pragma once
#include "support/catch.hpp"
#include "support/etcd_server.hpp"
#include "support/fault_proxy.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include <boost/asio/bind_cancellation_slot.hpp>
#include <coelect/coelect.hpp>
#include <memory>
#include <string>
#include <vector>

namespace coelect::test {

using namespace std::chrono_literals;

/// One process's side: its loop, its stores and electors. Without threads: run_until() runs it.
struct etcd_process {
  boost::asio::io_context io;
  std::vector<std::string> lines;

  static etcd_store_options options(std::vector<std::string> endpoints, std::chrono::seconds ttl = 15s) {
    etcd_store_options o;
    o.endpoints = std::move(endpoints);
    o.timing.ttl = ttl;
    return o;
  }

  std::shared_ptr<store> make_store(etcd_store_options how) {
    how.log = [this](severity, std::string_view line) { lines.emplace_back(line); };
    return make_etcd_store(io.get_executor(), std::move(how));
  }

  elector make_elector(std::shared_ptr<store> where, std::string candidate, std::string election = "leader",
                       std::string value = {}) {
    elector_options o;
    o.election = std::move(election);
    o.candidate = std::move(candidate);
    o.value = std::move(value);
    return {io.get_executor(), std::move(where), std::move(o)};
  }

  bool until(std::function<bool()> const& done, std::chrono::milliseconds limit = 10s) {
    return run_until(io, done, limit);
  }

  /// The leadership, or one that converts to false if it does not come in time.
  leadership win(elector& e, std::chrono::milliseconds limit = 10s) {
    auto won = std::make_shared<catcher<leadership>>();
    e.campaign([won](error_code ec, leadership term) {
      won->ec = ec;
      won->result = std::move(term);
    });
    until([&] { return won->done(); }, limit);
    INFO(e.last_answer().message());
    CHECK(won->ec == error_code());
    return std::move(won->result);
  }

  error_code campaign_error(elector& e, std::chrono::milliseconds limit = 10s) {
    auto won = std::make_shared<catcher<leadership>>();
    e.campaign([won](error_code ec, leadership term) {
      won->ec = ec;
      won->result = std::move(term);
    });
    REQUIRE(until([&] { return won->done(); }, limit));
    return *won->ec;
  }

  error_code resign(leadership& term) {
    catcher<void> done;
    term.resign(done.handler());
    REQUIRE(until([&] { return done.done(); }));
    return *done.ec;
  }

  sighting look(elector& e) {
    catcher<sighting> seen;
    e.leader(seen.handler());
    REQUIRE(until([&] { return seen.done(); }));
    REQUIRE(*seen.ec == error_code());
    return seen.result;
  }

  /// Waits until another candidate of `election` stands in the queue.
  bool logged(std::string_view part) const {
    for (auto const& line : lines)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }
};

}  // namespace coelect::test
