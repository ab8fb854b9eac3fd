// Gets a connection to a server: looks its name up, tries its addresses one after the other, shakes hands.
#include "http/connector.hpp"
#include <boost/asio/ip/address.hpp>
#include <utility>

namespace coelect::http {

connector::connector(std::shared_ptr<store_context> context, std::shared_ptr<destination const> to, instant give_up)
    : context_(std::move(context)), to_(std::move(to)), give_up_(give_up) {}

connector::~connector() { close(); }

void connector::close() noexcept {
  done_ = nullptr;
  share_.clear();
  resolver_.reset();  // a lookup that is under way goes on in its thread, and nobody hears of it
  if (auto const stream = std::exchange(stream_, nullptr)) stream->close();
}

void connector::drop() noexcept {
  if (stream_) stream_->drop();
  close();
}

void connector::start(result done) {
  error_code not_numeric;
  auto const address = boost::asio::ip::make_address(to_->where.host, not_numeric);
  numeric_ = !not_numeric;
  if (numeric_) return start({tcp::endpoint(address, to_->where.port)}, std::move(done));
  done_ = std::move(done);
  look_up();
}

void connector::start(std::vector<tcp::endpoint> addresses, result done) {
  done_ = std::move(done);
  addresses_ = std::move(addresses);
  next();
}

void connector::look_up() {
  auto const where = context_->executor();
  if (!where) return;
  resolver_.emplace(where);
  auto heard = [weak = weak_from_this()](error_code const& ec, tcp::resolver::results_type const& found) {
    if (auto const self = weak.lock()) self->looked_up(ec, found);
  };
  try {
    resolver_->async_resolve(to_->where.host, std::to_string(to_->where.port), tcp::resolver::numeric_service,
                             std::move(heard));
  } catch (boost::system::system_error const& no_thread) {  // that Asio looks names up on
    looked_up(no_thread.code(), {});
  }
}

void connector::looked_up(error_code const& ec, tcp::resolver::results_type const& found) {
  if (!done_) return;
  resolver_.reset();
  for (auto const& entry : found) addresses_.push_back(entry.endpoint());
  if (!addresses_.empty()) return next();
  auto message = "no address for " + to_->name + ": " + (ec ? ec.message() : "the name has none");
  end({make_error_code(errc::unreachable), diagnostics(std::move(message), to_->name)}, nullptr);
}

void connector::next() {
  share_.clear();
  shaking_ = false;
  auto const where = context_->executor();
  while (where && tried_ < addresses_.size()) {
    auto const left_over = static_cast<std::int64_t>(addresses_.size() - tried_);
    auto const& address = addresses_[tried_++];
    stream_ = std::make_shared<byte_stream>(where);
    auto const ec = stream_->open(address);
    if (ec) {
      failed(no_connection(ec.message()));
      continue;
    }
    // An address where nothing answers leaves time for the others. The last one has all there is.
    if (left_over > 1 && give_up_ != instant::never()) {
      auto const now = context_->now();
      share_ = context_->at(now + give_up_.left(now) / left_over, [weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->passed_over();
      });
    }
    stream_->connect(address, [weak = weak_from_this(), on = stream_.get()](error_code const& failure) {
      if (auto const self = weak.lock()) self->connected(on, failure);
    });
    return;
  }
  if (where) end(std::exchange(worst_, {}), nullptr);
}

void connector::connected(byte_stream const* on, error_code const& ec) {
  if (!done_ || on != stream_.get()) return;
  if (ec) {
    failed(no_connection(ec.message()));
    return next();
  }
  if (!to_->files) return end({}, std::exchange(stream_, nullptr));
  shaking_ = true;
  stream_->handshake(to_->files->context(), to_->where.host, [weak = weak_from_this(), on](error_code const& failure) {
    if (auto const self = weak.lock()) self->shaken(on, failure);
  });
}

void connector::shaken(byte_stream const* on, error_code const& ec) {
  if (!done_ || on != stream_.get()) return;
  if (!ec) return end({}, std::exchange(stream_, nullptr));
  to_->files->doubt();
  failed(failed_handshake(ec, stream_->verified(), to_->files->options(), to_->name));
  next();
}

void connector::passed_over() {
  if (!done_ || !stream_) return;
  failed(no_connection(shaking_ ? "no end of the TLS handshake" : "no answer"));
  next();
}

// A certificate that was refused says more than a connection that was.
void connector::failed(outcome how) {
  if (auto const stream = std::exchange(stream_, nullptr)) stream->close();
  if (worst_.ok() || worst_.ec == errc::unreachable) worst_ = std::move(how);
}

void connector::end(outcome how, std::shared_ptr<byte_stream> stream) {
  share_.clear();
  if (auto const done = std::exchange(done_, nullptr)) done(std::move(how), std::move(stream));
}

outcome connector::no_connection(std::string const& why) const {
  auto message = "no connection to " + to_->name + ": ";
  if (!numeric_) message += addresses_[tried_ - 1].address().to_string() + ": ";
  return {make_error_code(errc::unreachable), diagnostics(message + why, to_->name)};
}

std::string connector::late() const {
  if (resolver_) return "no address for " + to_->name + " in time";
  auto message = (shaking_ ? "no TLS handshake with " : "no connection to ") + to_->name + " in time";
  if (!worst_.ok()) message += " (before that: " + worst_.details.message() + ")";
  return message;
}

}  // namespace coelect::http
