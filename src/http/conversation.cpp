// One request and its answer, over a kept connection or a new one: deadlines, the silent retry, the end.
#include "http/conversation.hpp"
#include <boost/asio/error.hpp>
#include <utility>

namespace coelect::http {

conversation::conversation(std::shared_ptr<pool> with, request what, instant by, std::optional<std::size_t> body_limit)
    : pool_(std::move(with)),
      repeatable_(what.repeatable),
      bodiless_(what.method == "HEAD"),
      body_limit_(body_limit),
      by_(by) {
  text_ = request_text(std::move(what), pool_->to()->name);
  sound_ = text_ != nullptr;
}

conversation::~conversation() {
  pool_->leave(this);
  close();
}

// On a connection that was kept it is sent at once: nothing of that calls anybody. The rest may.
void conversation::begin() {
  bool const now = pool_->alive() && sound_ && !by_.reached(pool_->context()->now());
  if (now) stream_ = pool_->take();
  kept_ = stream_ != nullptr;
  // In a forked child there is nobody to run it, and the alarm is the parent's.
  if (!kept_ && (pool_->shut() || !pool_->context()->post([weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->start();
      }))) {
    return abandon();
  }
  pool_->enter(weak_from_this());
  if (by_ != instant::never()) {
    deadline_ = pool_->context()->at(by_, [weak = weak_from_this()] {
      if (auto const self = weak.lock()) self->late();
    });
  }
  if (kept_) send();
}

void conversation::abandon() noexcept {
  over_ = true;
  pool_->leave(this);
  close();
  forget();
}

void conversation::drop() noexcept {
  if (connector_) connector_->drop();
  if (stream_) stream_->drop();
  abandon();
}

void conversation::close() noexcept {
  deadline_.clear();
  text_.reset();
  if (auto const trying = std::exchange(connector_, nullptr)) trying->close();
  if (auto const stream = std::exchange(stream_, nullptr)) stream->close();
}

void conversation::start() {
  if (over_) return;
  if (!sound_) return fail(errc::bad_options, "a part of the request's header holds what would end it");
  if (by_.reached(pool_->context()->now())) return late();
  stream_ = pool_->take();
  kept_ = stream_ != nullptr;
  if (kept_) send();
  else connect();
}

void conversation::connect() {
  connector_ = std::make_shared<connector>(pool_->context(), pool_->to(), by_);
  auto const trying = connector_;
  trying->start([weak = weak_from_this()](outcome how, std::shared_ptr<byte_stream> stream) {
    if (auto const self = weak.lock()) self->connected(std::move(how), std::move(stream));
    else if (stream) stream->close();
  });
}

void conversation::connected(outcome how, std::shared_ptr<byte_stream> stream) {
  connector_.reset();
  if (!how.ok()) return finish(std::move(how));
  stream_ = std::move(stream);
  send();
}

void conversation::send() {
  sent_ = true;
  auto const limits = answer_parser::limits{pool_->limits().header, body_limit_};
  parser_ = std::make_unique<answer_parser>(limits, bodiless_);
  bool const gone = stream_->write_at_once(text_, [weak = weak_from_this()](error_code const& ec) {
    if (auto const self = weak.lock()) self->written(ec);
  });
  if (!kept_ || !repeatable_) text_.reset();
  if (gone) read();
}

// A server that reads no further may have said why, and OpenSSL may have an alert.
void conversation::written(error_code const& ec) {
  if (over_) return;
  write_error_ = ec;
  read();
}

void conversation::read() {
  stream_->read([weak = weak_from_this()](error_code const& ec, std::string_view bytes) {
    if (auto const self = weak.lock()) self->came(ec, bytes);
  });
}

void conversation::came(error_code const& ec, std::string_view bytes) {
  if (over_) return;
  if (!bytes.empty()) {
    got_some_ = true;
    text_.reset();
    parser_->feed(bytes);
  } else if (ec == boost::asio::error::eof && got_some_) {
    parser_->feed_end();
  }
  judge(ec);
}

void conversation::judge(error_code const& ec) {
  auto& p = *parser_;
  if (p.has_head() && !std::exchange(told_head_, true)) head_came(p.got());
  if (!over_ && p.has_head()) body_came(p.got());
  if (over_) return;
  if (!p.problem().empty()) return fail(errc::bad_response, pool_->to()->name + " sent no good answer: " + p.problem());
  if (p.done()) return complete();
  if (ec) return broke(ec);
  read();
}

void conversation::broke(error_code const& ec) {
  auto const& to = *pool_->to();
  if (!got_some_ && kept_ && repeatable_) {
    kept_ = false;
    write_error_ = {};
    std::exchange(stream_, nullptr)->close();
    return connect();
  }
  auto refused = to.files ? refused_by_server(ec, to.files->options(), to.name) : std::nullopt;
  if (refused) {
    to.files->doubt();
    return finish(std::move(*refused));
  }
  bool const closed = ec == boost::asio::error::eof;
  std::string message = to.name;
  if (got_some_) message = "the answer of " + message + " was cut off";
  else if (kept_) message += " closed a kept connection and may have got the request";
  else message += " closed the connection without an answer";
  auto const why = write_error_ ? write_error_ : ec;
  if (!closed || write_error_) message += ": " + why.message();
  fail(errc::unreachable, std::move(message));
}

void conversation::complete() {
  over_ = true;
  bool const again = parser_->reusable() && !write_error_;
  if (again) pool_->keep(std::exchange(stream_, nullptr));
  finish({});
}

void conversation::late() {
  if (over_) return;
  auto const& name = pool_->to()->name;
  std::string message = "no connection to " + name + " in time";
  if (connector_) message = connector_->late();
  else if (got_some_) message = "the answer of " + name + " did not end in time";
  else if (sent_) message = "no answer from " + name + " in time";
  fail(errc::timed_out, std::move(message));
}

void conversation::fail(errc code, std::string message) {
  std::string id;
  int status = 0;
  if (parser_) {
    auto const& got = parser_->got();
    status = got.status;
    id = std::string(got.get(got.get("x-ms-request-id").empty() ? "x-request-id" : "x-ms-request-id"));
  }
  finish({make_error_code(code), diagnostics(std::move(message), pool_->to()->name, std::move(id), status)});
}

void conversation::finish(outcome how) {
  over_ = true;
  close();
  response none;
  ended(std::move(how), parser_ ? parser_->got() : none);
}

}  // namespace coelect::http
