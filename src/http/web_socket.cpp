// A WebSocket to one server, over TCP or TLS. Beast does the framing.
#include "http/web_socket.hpp"
#include "env/asio_timers.hpp"
#include "http/answer_parser.hpp"
#include "http/connector.hpp"
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <utility>

namespace coelect::http {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

/// The bytes between Beast and a connection. Until the server has agreed to the upgrade it lets through nothing
/// but that: of other answers Beast's parser asserts things that a strange server does not keep (answer_parser).
class line : public std::enable_shared_from_this<line> {
public:
  using taken = std::function<std::size_t(std::string_view)>;
  using done = std::function<void(error_code const&, std::size_t)>;

  line(std::shared_ptr<byte_stream> bytes, boost::asio::any_io_executor where, std::size_t header_limit)
      : bytes_(std::move(bytes)), where_(std::move(where)), header_limit_(header_limit) {}

  boost::asio::any_io_executor const& where() const noexcept { return where_; }
  bool writes() const noexcept { return writes_; }
  bool answered() const noexcept { return !head_.empty(); }
  /// What came instead of an upgrade, for a message; empty when nothing did.
  std::string const& refusal() const noexcept { return refusal_; }
  int status() const noexcept { return status_; }

  void read(taken const& take, done const& then) {
    if (left_.empty()) left_ = std::exchange(behind_, {});
    if (left_.empty()) return fetch(take, then);
    auto const n = hand_over(take);
    boost::asio::post(where_, [then, n] { then({}, n); });
  }

  void write(std::string text, done const& then) {
    auto const piece = std::make_shared<wiped_text>();
    piece->text = std::move(text);
    writes_ = true;
    bytes_->write(piece, [self = shared_from_this(), n = piece->text.size(), then](error_code const& ec) {
      self->writes_ = false;
      then(ec, ec ? 0 : n);
    });
  }

  void close() noexcept { bytes_->close(); }

private:
  std::size_t hand_over(taken const& take) {
    auto const n = take(left_);
    left_.remove_prefix(n);
    return n;
  }

  void fetch(taken const& take, done const& then) {
    bytes_->read([self = shared_from_this(), take, then](error_code const& ec, std::string_view bytes) {
      if (ec) return then(ec, 0);
      if (self->upgraded_) self->left_ = bytes;
      else if (!self->take_head(bytes)) return self->fetch(take, then);
      if (!self->refusal_.empty()) return then(boost::asio::error::connection_refused, 0);
      then({}, self->hand_over(take));
    });
  }

  /// True once it is decided whether there is an upgrade.
  bool take_head(std::string_view bytes) {
    head_.append(bytes);
    auto const end = head_.find("\r\n\r\n");
    if (end == std::string::npos && head_.size() <= header_limit_) return false;
    if (end != std::string::npos && head_.starts_with("HTTP/1.1 101 ")) {
      upgraded_ = true;
      left_ = std::string_view(head_).substr(0, end + 4);
      behind_ = std::string_view(head_).substr(end + 4);
      return true;
    }
    answer_parser parser({header_limit_, header_limit_}, false);
    parser.feed(head_);
    status_ = parser.got().status;
    refusal_ = "no WebSocket";
    if (parser.has_head()) refusal_ += ": HTTP status " + std::to_string(status_);
    else if (!parser.problem().empty()) refusal_ += ": " + parser.problem();
    return true;
  }

  std::shared_ptr<byte_stream> bytes_;
  boost::asio::any_io_executor where_;
  std::size_t header_limit_;
  std::string head_;
  bool upgraded_ = false;
  bool writes_ = false;
  std::string refusal_;
  int status_ = 0;
  std::string_view left_, behind_;  // of head_, or of the connection's buffer
};

/// The same as Beast wants it: an AsyncStream. Beast owns it; what is under way holds the line.
class next_layer {
public:
  using executor_type = boost::asio::any_io_executor;
  explicit next_layer(std::shared_ptr<line> l) : line_(std::move(l)) {}
  executor_type get_executor() const noexcept { return line_->where(); }
  void close() noexcept { line_->close(); }
  friend void beast_close_socket(next_layer& below) noexcept { below.close(); }  // Beast's name for it

  template <class Buffers, class Handler>
  void async_read_some(Buffers const& into, Handler&& handler) {
    auto take = [into](std::string_view bytes) {
      return boost::asio::buffer_copy(into, boost::asio::const_buffer(bytes.data(), bytes.size()));
    };
    line_->read(std::move(take), held(std::forward<Handler>(handler)));
  }

  template <class Buffers, class Handler>
  void async_write_some(Buffers const& from, Handler&& handler) {
    line_->write(beast::buffers_to_string(from), held(std::forward<Handler>(handler)));
  }

private:
  // Beast's handlers cannot be copied.
  template <class Handler>
  static line::done held(Handler&& handler) {
    using kept = std::decay_t<Handler>;
    auto const place = std::make_shared<kept>(std::forward<Handler>(handler));
    return [place](error_code const& ec, std::size_t n) {
      kept own(std::move(*place));
      own(ec, n);
    };
  }

  std::shared_ptr<line> line_;
};

/// Beast's end of a WebSocket, once both sides have said so or one has failed.
template <class Handler>
void async_teardown(beast::role_type, next_layer& below, Handler&& handler) {
  below.close();
  boost::asio::post(below.get_executor(), [h = std::forward<Handler>(handler)]() mutable { h(error_code()); });
}

/// A close frame with code 1000 (RFC 6455, 5.5.1), masked with zeros. Without one, etcd logs a warning for each
/// socket that goes.
std::shared_ptr<wiped_text const> goodbye() {
  auto const made = std::make_shared<wiped_text>();
  made->text.assign("\x88\x82\0\0\0\0\x03\xe8", 8);
  return made;
}

class live_socket final : public guest, public std::enable_shared_from_this<live_socket> {
public:
  live_socket(std::shared_ptr<pool> with, std::string target, instant by, socket_reader& to)
      : pool_(std::move(with)), target_(std::move(target)), to_(&to), by_(by) {}
  live_socket(live_socket const&) = delete;
  live_socket& operator=(live_socket const&) = delete;
  ~live_socket() {
    pool_->leave(this);
    close();
  }

  void begin() {
    // In a forked child there is nobody to run it, and the alarm is the parent's.
    if (pool_->shut() || !pool_->context()->post([weak = weak_from_this()] {
          if (auto const self = weak.lock()) self->connect();
        })) {
      return abandon();
    }
    pool_->enter(weak_from_this());
    deadline_ = pool_->context()->at(by_, [weak = weak_from_this()] {
      if (auto const self = weak.lock()) self->late();
    });
  }

  void send(std::string message) {
    if (!open_ || over_) return;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) write();
  }

  void abandon() noexcept override {
    over_ = true;
    to_ = nullptr;
    pool_->leave(this);
    close();
  }

  void drop() noexcept override {
    if (connector_) connector_->drop();
    socket_.reset();
    line_.reset();
    if (bytes_) bytes_->drop();
    abandon();
  }

private:
  void connect() {
    if (over_) return;
    if (by_.reached(pool_->context()->now())) return late();
    connector_ = std::make_shared<connector>(pool_->context(), pool_->to(), by_);
    auto const trying = connector_;
    trying->start([weak = weak_from_this()](outcome how, std::shared_ptr<byte_stream> bytes) {
      if (auto const self = weak.lock()) self->connected(std::move(how), std::move(bytes));
      else if (bytes) bytes->close();
    });
  }

  void connected(outcome how, std::shared_ptr<byte_stream> bytes) {
    connector_.reset();
    if (!how.ok()) return finish(std::move(how), socket_end::no_connection);
    bytes_ = std::move(bytes);
    auto const where = pool_->context()->executor();
    if (!where) return;
    line_ = std::make_shared<line>(bytes_, where, pool_->limits().header);
    // Beast lists a stream before it makes the stream's timer. If that is the first one of this context and there is no
    // memory for Asio's timers, what is listed is gone (1.81, websocket/impl/stream_impl.hpp).
    env::have_asio_timers(where);
    socket_ = std::make_unique<websocket::stream<next_layer, false>>(line_);
    socket_->read_message_max(0);  // long ones are skipped here, not the end of everything
    socket_->auto_fragment(false);
    auto const accept = [](websocket::request_type& what) { what.set(beast::http::field::accept, "application/json"); };
    socket_->set_option(websocket::stream_base::decorator(accept));
    socket_->async_handshake(pool_->to()->name, target_, [weak = weak_from_this()](error_code const& ec) {
      if (auto const self = weak.lock()) self->shaken(ec);
    });
  }

  void shaken(error_code const& ec) {
    if (over_) return;
    auto const& name = pool_->to()->name;
    if (ec && !line_->refusal().empty()) return fail(errc::bad_response, line_->refusal(), socket_end::refused);
    if (ec && ec.category() == make_error_code(websocket::error::closed).category())
      return fail(errc::bad_response, "no WebSocket: " + ec.message(), socket_end::refused);
    if (ec && line_->answered())
      return fail(errc::unreachable, "the answer of " + name + " was cut off", socket_end::no_answer);
    if (ec) return broke(ec, socket_end::no_answer);
    open_ = true;
    deadline_.clear();
    to_->on_open();
    if (!over_) read();
  }

  void read() {
    socket_->async_read_some(boost::asio::buffer(piece_),
                             [weak = weak_from_this()](error_code const& ec, std::size_t n) {
                               if (auto const self = weak.lock()) self->came(ec, n);
                             });
  }

  void came(error_code const& ec, std::size_t n) {
    if (over_) return;
    if (ec) return broke(ec, socket_end::broken);
    if (!skipping_) message_.append(piece_.data(), n);
    skipping_ = skipping_ || message_.size() > pool_->limits().line;
    if (skipping_) std::string().swap(message_);
    if (socket_->is_message_done()) {
      if (std::exchange(skipping_, false)) to_->on_skipped();
      else to_->on_message(message_);
      if (over_) return;
      if (message_.capacity() > 4 * piece_.size()) std::string().swap(message_);
      message_.clear();
    }
    read();
  }

  void write() {
    socket_->async_write(boost::asio::buffer(queue_.front()),
                         [weak = weak_from_this()](error_code const& ec, std::size_t) {
                           if (auto const self = weak.lock()) self->written(ec);
                         });
  }

  // A failure shows in the read, too, and there with what the server said.
  void written(error_code const& ec) {
    if (over_ || ec) return;
    queue_.pop_front();
    if (queue_.empty()) to_->on_drained();
    else write();
  }

  void broke(error_code const& ec, socket_end kind) {
    auto const& to = *pool_->to();
    auto refused = to.files ? refused_by_server(ec, to.files->options(), to.name) : std::nullopt;
    if (refused) {
      to.files->doubt();
      return finish(std::move(*refused), socket_end::no_connection);
    }
    std::string message = to.name + (open_ ? " closed the WebSocket" : " closed the connection without an answer");
    if (ec == websocket::error::closed && socket_->reason().code != websocket::close_code::none)
      message += ", code " + std::to_string(socket_->reason().code);
    else if (ec != boost::asio::error::eof && ec != websocket::error::closed) message += ": " + ec.message();
    fail(errc::unreachable, std::move(message), kind);
  }

  void late() {
    if (over_) return;
    if (connector_) return fail(errc::timed_out, connector_->late(), socket_end::no_connection);
    bool const reached = bytes_ != nullptr;
    auto const& name = pool_->to()->name;
    fail(errc::timed_out, reached ? "no WebSocket from " + name + " in time" : "no connection to " + name + " in time",
         reached ? socket_end::no_answer : socket_end::no_connection);
  }

  void fail(errc code, std::string message, socket_end kind) {
    auto const status = line_ ? line_->status() : 0;
    finish({make_error_code(code), diagnostics(std::move(message), pool_->to()->name, {}, status)}, kind);
  }

  void finish(outcome how, socket_end kind) {
    over_ = true;
    close();
    if (auto* const to = std::exchange(to_, nullptr)) to->on_end(std::move(how), kind);
  }

  void close() noexcept {
    deadline_.clear();
    if (auto const trying = std::exchange(connector_, nullptr)) trying->close();
    auto const bytes = std::exchange(bytes_, nullptr);
    bool const polite = open_ && socket_ && socket_->is_open() && !line_->writes();
    socket_.reset();
    line_.reset();
    if (!bytes) return;
    if (polite) bytes->part_with(goodbye());
    else bytes->close();
  }

  std::shared_ptr<pool> pool_;
  std::string target_;
  socket_reader* to_;  // null: it does not want to hear any more
  instant by_;
  timer deadline_;
  std::shared_ptr<connector> connector_;  // while there is no connection
  std::shared_ptr<byte_stream> bytes_;
  std::shared_ptr<line> line_;
  std::unique_ptr<websocket::stream<next_layer, false>> socket_;
  bool open_ = false;
  bool over_ = false;
  std::deque<std::string> queue_;  // the first one is being written
  std::string message_;            // as far as it has come
  bool skipping_ = false;          // the rest of one that is too long
  std::array<char, std::size_t{4} * 1024> piece_{};
};

class socket_handle final : public web_socket {
public:
  explicit socket_handle(std::shared_ptr<live_socket> held) : held_(std::move(held)) { held_->begin(); }
  ~socket_handle() override { held_->abandon(); }
  void send(std::string message) override { held_->send(std::move(message)); }

private:
  std::shared_ptr<live_socket> held_;
};

}  // namespace

std::unique_ptr<web_socket> connect_socket(std::shared_ptr<pool> with, std::string target, instant open_by,
                                           socket_reader& to) {
  return std::make_unique<socket_handle>(
      std::make_shared<live_socket>(std::move(with), std::move(target), open_by, to));
}

}  // namespace coelect::http
