// One connection, TCP or TLS: bytes go out and come in, and in a forked child nothing happens to the parent's.
#pragma once
#include "http/request_text.hpp"
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <coelect/error.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace boost::asio::ssl {
class context;
}

namespace coelect::http {

/// On one strand, one read and one write at a time. What is called may come after close(): who closes does not listen any more.
class byte_stream : public std::enable_shared_from_this<byte_stream> {
public:
  using ready = std::function<void(error_code const&)>;
  using arrived = std::function<void(error_code const&, std::string_view)>;

  explicit byte_stream(boost::asio::any_io_executor const& where);
  ~byte_stream();

  error_code open(boost::asio::ip::tcp::endpoint const& to);
  void connect(boost::asio::ip::tcp::endpoint const& to, ready done);
  /// From here on everything is encrypted. The certificate must be for `host`, a name or an address.
  void handshake(std::shared_ptr<boost::asio::ssl::context> context, std::string const& host, ready done);
  long verified() const noexcept;  ///< What OpenSSL found out about the certificate: X509_V_...

  void write(std::shared_ptr<wiped_text const> text, ready done) { write_from(0, std::move(text), std::move(done)); }
  /// True: the kernel has taken all of it at once, and `done` is not called. False: it will be, never inside this call.
  bool write_at_once(std::shared_ptr<wiped_text const> text, ready done);
  void read(arrived done);  ///< The bytes are valid until the next read() or rest().

  /// Wipes what was read, for a connection that is going to be kept.
  void rest() noexcept;
  /// The server has not closed it, as far as one can see without waiting.
  bool still_open() noexcept;

  /// Says something and closes, without waiting for anybody. No write may be under way.
  void part_with(std::shared_ptr<wiped_text const> last_words) noexcept;
  void close() noexcept;
  /// The execution context is going away and runs nothing any more.
  void drop() noexcept;

private:
  struct parts;
  bool leave_to_parent() noexcept;
  void write_from(std::size_t sent, std::shared_ptr<wiped_text const> text, ready done);

  std::unique_ptr<parts> parts_;
  unsigned const made_in_;
};

}  // namespace coelect::http
