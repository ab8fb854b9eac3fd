// What the credential tests share: variables, a network and a program az of their own, and all that was ever said.
#pragma once
#include "stores/azure/authorizer.hpp"
#include "stores/azure/token_sources.hpp"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <support/catch.hpp>
#include <support/real_loop.hpp>
#include <support/scratch_directory.hpp>
#include <support/scripted_server.hpp>
#include <support/virtual_world.hpp>
#include <vector>

namespace coelect::test {

using namespace std::chrono_literals;
using namespace coelect::stores::azure;

/// Never in a message or in a log line.
inline std::string const canary = "c4n4ry-s3cr3t";

/// Sets environment variables for one test. Those that credentials look at are unset first.
class variables {
public:
  variables(std::initializer_list<std::pair<char const*, std::string>> wanted = {}) {
    for (char const* name :
         {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE",
          "AZURE_AUTHORITY_HOST", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_POD_IDENTITY_AUTHORITY_HOST"})
      set(name, {});
    for (auto const& [name, value] : wanted) set(name, value);
  }
  variables(variables const&) = delete;
  variables& operator=(variables const&) = delete;
  ~variables() {
    for (auto const& [name, value] : before_) put(name, value);
  }
  void set(std::string const& name, std::optional<std::string> value) {
    auto const* const now = std::getenv(name.c_str());
    before_.emplace(name, now ? std::optional<std::string>(now) : std::nullopt);
    put(name, value);
  }

private:
  static void put(std::string const& name, std::optional<std::string> const& value) {
    if (value) ::setenv(name.c_str(), value->c_str(), 1);
    else ::unsetenv(name.c_str());
  }
  std::map<std::string, std::optional<std::string>> before_;
};

/// A program az in PATH, in front of the usual places.
class fake_az {
public:
  fake_az(variables& env, std::string const& script) {
    auto const file = directory_.path() / "az";
    std::ofstream(file) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    env.set("PATH", directory_.path().string() + ":/usr/bin:/bin");
  }

private:
  scratch_directory directory_;
};

/// What became of one fetch.
struct one_fetch {
  std::optional<fetched> got;
  int calls = 0;
  std::shared_ptr<void> handle;

  one_fetch(token_source& from, instant give_up) {
    handle = from.fetch(give_up, [this](fetched f) {
      ++calls;
      got = std::move(f);
    });
    REQUIRE(calls == 0);
  }
  std::string token() const { return got ? std::string(got->token.reveal()) : "(none yet)"; }
  std::string message() const { return got ? got->how.details.message() : "(none yet)"; }
};

inline void says(one_fetch const& f, errc ec, std::string const& part) {
  INFO(f.message());
  REQUIRE(f.got);
  CHECK(f.got->how.ec == ec);
  CHECK_THAT(f.message(), ContainsSubstring(part));
}

/// A store's context on a real loop, with the real network.
struct credential_bench {
  boost::asio::io_context io;
  std::string said;  // all messages and lines
  std::shared_ptr<store_context> context = store_context::make(io.get_executor(), environment::real(),
                                                               [this](severity, std::string_view line) { note(line); });
  surroundings around{context, http::real_network()};

  ~credential_bench() { CHECK(said.find(canary) == std::string::npos); }

  void note(std::string_view text) { said += std::string(text) + "\n"; }
  one_fetch fetch(token_source& from, std::chrono::nanoseconds limit = 20s) {
    one_fetch one(from, context->now() + limit);
    REQUIRE(run_until(
        io, [&] { return one.got.has_value(); }, std::chrono::seconds(30)));
    REQUIRE(one.calls == 1);
    note(one.got->how.text());
    INFO(one.got->how.text());
    CHECK(one.got->how.ok() == !one.got->token.empty());
    return one;
  }
};

inline std::string http_answer(std::string const& status, std::string const& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A token service that answers its nth request with the nth text, and all further ones with the last.
class token_server {
public:
  explicit token_server(std::vector<std::string> answers)
      : answers_(std::move(answers)), server_([this](scripted_peer& p) { serve(p); }) {}

  std::string url() const { return "http://" + server_.name(); }
  std::string name() const { return server_.name(); }
  std::vector<std::string> requests() const {
    std::lock_guard const lock(mutex_);
    return requests_;
  }

private:
  void serve(scripted_peer& p) {
    for (;;) {
      auto request = p.read_request();
      std::string answer;
      {
        std::lock_guard const lock(mutex_);
        requests_.push_back(std::move(request));
        answer = answers_[std::min(requests_.size(), answers_.size()) - 1];
      }
      p.write(answer);
    }
  }

  mutable std::mutex mutex_;
  std::vector<std::string> answers_;
  std::vector<std::string> requests_;
  scripted_server server_;
};

/// A network on virtual time: whoever is asked answers as told.
class fake_network final : public http::network, public std::enable_shared_from_this<fake_network> {
public:
  struct answer {
    int status = 200;
    std::string body{};
    std::chrono::nanoseconds takes = 10ms;
    bool silent = false;
  };
  std::function<answer(std::string const& host, http::request const& what)> serve;
  std::vector<std::pair<instant, std::string>> asked;  ///< When, and whom.

  std::shared_ptr<http::transport> reach(std::shared_ptr<store_context> context, http::origin where, tls_options const&,
                                         http::transport_limits) override {
    return std::make_shared<way>(shared_from_this(), std::move(context), std::move(where));
  }

private:
  struct waiting final : http::pending {
    timer when;
  };
  class way final : public http::transport {
  public:
    way(std::shared_ptr<fake_network> net, std::shared_ptr<store_context> context, http::origin where)
        : net_(std::move(net)), context_(std::move(context)), name_(where.host + ":" + std::to_string(where.port)) {}
    std::unique_ptr<http::pending> exchange(http::request what, instant give_up,
                                            std::function<void(http::exchanged)> done) override {
      net_->asked.emplace_back(context_->now(), name_);
      auto const a = net_->serve(name_, what);
      http::exchanged result;
      result.got.status = a.status;
      result.got.body = a.body;
      bool const late = a.silent || give_up.left(context_->now()) < a.takes;
      if (late) result.how = outcome(errc::timed_out, "no answer from " + name_ + " in time");
      auto made = std::make_unique<waiting>();
      made->when = context_->at(late ? give_up : context_->now() + a.takes, [done, result] { done(result); });
      return made;
    }
    std::unique_ptr<http::pending> open_stream(http::request, instant, http::stream_reader&) override { return {}; }
    std::string const& name() const noexcept override { return name_; }

  private:
    std::shared_ptr<fake_network> net_;
    std::shared_ptr<store_context> context_;
    std::string name_;
  };
};

/// A store's context on virtual time, with a fake network.
struct virtual_bench {
  virtual_world world{7};
  std::shared_ptr<virtual_host> host = world.add_host();
  std::string said;
  std::shared_ptr<store_context> context = store_context::make(
      host->io.get_executor(), host, [this](severity, std::string_view line) { said += std::string(line) + "\n"; });
  std::shared_ptr<fake_network> network = std::make_shared<fake_network>();
  surroundings around{context, network};

  ~virtual_bench() { CHECK(said.find(canary) == std::string::npos); }

  instant in(std::chrono::nanoseconds wait) const { return context->now() + wait; }
  one_fetch fetch(token_source& from, std::chrono::nanoseconds limit = 30s) {
    one_fetch one(from, in(limit));
    REQUIRE(world.run_until([&] { return one.got.has_value(); }, limit + 1ms));
    said += one.got->how.text() + "\n";
    return one;
  }
};

}  // namespace coelect::test
