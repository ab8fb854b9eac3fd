// The usual scene: an io_context on real time and electors on a real Azurite.
#pragma once
#include "support/azurite.hpp"
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include <coelect/coelect.hpp>
#include <memory>
#include <string>
#include <vector>

namespace coelect::test {

using namespace std::chrono_literals;

/// One process's side: its loop, its stores and electors. Without threads: until() runs it.
struct azure_process {
  boost::asio::io_context io;
  std::vector<std::string> lines;

  /// Short polls, so that tests need not wait; a container of its own.
  static azure_blob_store_options options(std::string container = "leases") {
    azure_blob_store_options o;
    o.container = std::move(container);
    o.create_container = true;
    o.poll_min = 100ms;
    o.poll_max = 200ms;
    o.timing.ttl = 15s;
    return o;
  }

  std::shared_ptr<store> make_store(std::string const& connection_string, azure_blob_store_options how = options()) {
    how.log = [this](severity, std::string_view line) { lines.emplace_back(line); };
    return make_azure_blob_store(io.get_executor(), connection_string, std::move(how));
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
