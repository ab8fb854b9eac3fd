// The real network: transports that hold their conversations over sockets.
#include "http/conversation.hpp"
#include "http/line_splitter.hpp"
#include "http/pool.hpp"
#include "http/transport.hpp"
#include "http/web_socket.hpp"
#include <algorithm>
#include <utility>

namespace coelect::http {
namespace {

class whole_exchange final : public conversation {
public:
  whole_exchange(std::shared_ptr<pool> with, request what, instant give_up, std::function<void(exchanged)> done)
      : conversation(with, std::move(what), give_up, with->limits().body), done_(std::move(done)) {}

private:
  void head_came(response const&) override {}
  void body_came(response&) override {}
  void ended(outcome how, response& whole) override {
    exchanged result;
    result.sent = sent();
    if (how.ok()) result.got = std::move(whole);
    result.how = std::move(how);
    if (auto const done = std::exchange(done_, nullptr)) done(std::move(result));
  }
  void forget() noexcept override { done_ = nullptr; }

  std::function<void(exchanged)> done_;
};

class line_stream final : public conversation {
public:
  line_stream(std::shared_ptr<pool> with, request what, instant head_by, stream_reader& to)
      : conversation(with, std::move(what), head_by, std::nullopt), to_(&to), lines_(with->limits().line) {}

private:
  void head_came(response const& head) override {
    no_hurry();
    to_->on_head({head.status, head.fields, {}});
  }

  void body_came(response& so_far) override {
    lines_.push(so_far.body);
    so_far.body.clear();
    tell();
  }

  void ended(outcome how, response&) override {
    if (how.ok()) lines_.push_end();
    if (how.ok()) tell();
    if (auto* const to = std::exchange(to_, nullptr)) to->on_end(std::move(how));
  }

  void forget() noexcept override { to_ = nullptr; }

  void tell() {
    while (to_) {
      auto const next = lines_.take();
      if (!next) return;
      if (next->skipped) to_->on_skipped();
      else to_->on_line(next->line);
    }
  }

  stream_reader* to_;  // null: it does not want to hear any more
  line_splitter lines_;
};

class handle final : public pending {
public:
  explicit handle(std::shared_ptr<conversation> held) : held_(std::move(held)) { held_->begin(); }
  ~handle() override { held_->abandon(); }

private:
  std::shared_ptr<conversation> held_;
};

class client final : public transport {
public:
  explicit client(std::shared_ptr<pool> p) : pool_(std::move(p)) {}
  ~client() override { pool_->shut_down(); }

  std::unique_ptr<pending> exchange(request what, instant give_up, std::function<void(exchanged)> done) override {
    return std::make_unique<handle>(std::make_shared<whole_exchange>(pool_, std::move(what), give_up, std::move(done)));
  }
  std::unique_ptr<pending> open_stream(request what, instant head_by, stream_reader& to) override {
    return std::make_unique<handle>(std::make_shared<line_stream>(pool_, std::move(what), head_by, to));
  }
  std::unique_ptr<web_socket> open_socket(std::string const& target, instant open_by, socket_reader& to) override {
    return connect_socket(pool_, target, open_by, to);
  }
  std::string const& name() const noexcept override { return pool_->to()->name; }

private:
  std::shared_ptr<pool> pool_;
};

// It becomes a part of every request's header.
bool is_host(std::string_view text) noexcept {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/' || c == '@' || c == '[' || c == ']';
  });
}

class sockets final : public network {
public:
  std::shared_ptr<transport> reach(std::shared_ptr<store_context> context, origin where, tls_options const& tls,
                                   transport_limits limits) override {
    if (!is_host(where.host)) throw election_error(errc::bad_options, "'" + where.host + "' is not a host");
    bool const v6 = where.host.find(':') != std::string::npos;
    destination to;
    to.name = (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
    if (where.tls) to.files = std::make_shared<tls_files>(tls);
    if (where.tls && !tls.verify)
      context->log(severity::warning, "store " + to.name +
                                          ": its certificate is not checked (tls verify = false), so anybody on the "
                                          "way can read and change everything");
    to.where = std::move(where);
    auto made = std::make_shared<pool>(context, std::move(to), limits);
    context->tell_when_gone(made);
    return std::make_shared<client>(std::move(made));
  }
};

}  // namespace

std::shared_ptr<network> real_network() {
  static auto const shared = std::make_shared<sockets>();
  return shared;
}

}  // namespace coelect::http
