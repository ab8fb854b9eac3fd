// One process's side of an election on real time: its loop, its electors, and what was logged.
#pragma once
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include <coelect/coelect.hpp>
#include <memory>
#include <string>
#include <vector>

namespace coelect::test {

using namespace std::chrono_literals;

/// Without threads: until() runs the loop. Whoever derives from it makes the stores.
struct one_process {
  boost::asio::io_context io;
  std::vector<std::string> lines;

  log_fn log() {
    return [this](severity, std::string_view line) { lines.emplace_back(line); };
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

  bool logged(std::string_view part) const {
    for (auto const& line : lines)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }
};

}  // namespace coelect::test
