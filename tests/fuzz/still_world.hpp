// A world in which the time stands still and nothing is ever sent: stores ask, and an input says what is answered.
#pragma once
#include "http/transport.hpp"
#include <boost/asio/io_context.hpp>
#include <coelect/environment.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace coelect::fuzz {

/// A server that only remembers what it was asked last.
class mute_server final : public http::transport {
public:
  explicit mute_server(http::origin at) : where(std::move(at)), name_(where.host + ":" + std::to_string(where.port)) {}

  http::origin const where;

  std::unique_ptr<http::pending> exchange(http::request, instant, std::function<void(http::exchanged)> done) override {
    return under_way(asked_, std::move(done));
  }
  std::unique_ptr<http::pending> open_stream(http::request, instant, http::stream_reader& to) override {
    return under_way(opened_, &to);
  }
  std::unique_ptr<http::web_socket> open_socket(std::string const&, instant, http::socket_reader& to) override {
    struct deaf final : http::web_socket {
      void send(std::string) override {}
      std::shared_ptr<held<http::socket_reader*>> by_asker;
    };
    if (!has_sockets) return nullptr;
    auto made = std::make_unique<deaf>();
    made->by_asker = std::make_shared<held<http::socket_reader*>>(held<http::socket_reader*>{&to});
    socket_ = made->by_asker;
    return made;
  }
  std::string const& name() const noexcept override { return name_; }

  bool has_sockets = false;

  void answer(http::exchanged what) {
    auto const asked = asked_.lock();
    asked_.reset();
    if (asked) asked->what(std::move(what));
  }
  /// Of the open stream, or null. Any call to it may end the stream.
  http::stream_reader* reader() const noexcept {
    auto const opened = opened_.lock();
    return opened ? opened->what : nullptr;
  }

  /// Of the WebSocket, or null; likewise.
  http::socket_reader* socket() const noexcept {
    auto const opened = socket_.lock();
    return opened ? opened->what : nullptr;
  }

private:
  template <class What>
  struct held {
    What what;
  };
  template <class What>
  static std::unique_ptr<http::pending> under_way(std::weak_ptr<held<What>>& remembered, What what) {
    struct kept final : http::pending {
      std::shared_ptr<held<What>> by_asker;
    };
    auto made = std::make_unique<kept>();
    made->by_asker = std::make_shared<held<What>>(held<What>{std::move(what)});
    remembered = made->by_asker;
    return made;
  }

  std::string name_;
  std::weak_ptr<held<std::function<void(http::exchanged)>>> asked_;
  std::weak_ptr<held<http::stream_reader*>> opened_;
  std::weak_ptr<held<http::socket_reader*>> socket_;
};

class still_world final : public environment, public std::enable_shared_from_this<still_world> {
public:
  instant now() const noexcept override { return {std::chrono::hours(1), std::chrono::hours(1)}; }
  std::chrono::system_clock::time_point wall_clock() const override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'782'517'152));  // 26 Jun 2026 23:39:12
  }
  std::uint64_t random() override { return 88'172'645'463'325'252; }
  std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor) override { return std::make_unique<silent_alarm>(); }
  std::shared_ptr<http::network> network() override { return net; }

  struct remembering : http::network {
    std::vector<std::shared_ptr<mute_server>> servers;
    std::shared_ptr<http::transport> reach(std::shared_ptr<store_context>, http::origin where, tls_options const&,
                                           http::transport_limits) override {
      servers.push_back(std::make_shared<mute_server>(std::move(where)));
      return servers.back();
    }
  };
  std::shared_ptr<remembering> net = std::make_shared<remembering>();

private:
  struct silent_alarm : alarm {
    void set(instant, std::function<void()>) override {}
    void clear() override {}
  };
};

/// One world for all inputs, because making one costs more than most inputs; each leaves it empty behind it.
struct one_input {
  one_input() = default;
  one_input(one_input const&) = delete;
  one_input& operator=(one_input const&) = delete;
  ~one_input() {
    loop().restart();
    loop().poll();
    env->net->servers.clear();
  }

  static boost::asio::io_context& loop() {
    static boost::asio::io_context io(1);
    return io;
  }
  static std::shared_ptr<still_world> const& world() {
    static auto const made = std::make_shared<still_world>();
    return made;
  }
  static std::shared_ptr<store_context> const& strand() {
    static auto const made = store_context::make(loop().get_executor(), world(), {});
    return made;
  }

  std::shared_ptr<still_world> const env = world();
  std::shared_ptr<store_context> const context = strand();
};

}  // namespace coelect::fuzz
