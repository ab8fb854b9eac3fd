// Gets a connection to a server: looks its name up, tries its addresses one after the other, shakes hands.
#pragma once
#include "http/byte_stream.hpp"
#include "http/tls.hpp"
#include "http/transport.hpp"
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coelect::http {

/// One server, as its connections need to know it.
struct destination {
  origin where;
  std::string name;                  ///< "host:port", IPv6 in brackets.
  std::shared_ptr<tls_files> files;  ///< With TLS only.
};

/// One attempt. Destroying it gives it up. It keeps no deadline: who gives up asks late() for the reason.
class connector : public std::enable_shared_from_this<connector> {
public:
  using result = std::function<void(outcome, std::shared_ptr<byte_stream>)>;

  connector(std::shared_ptr<store_context> context, std::shared_ptr<destination const> to, instant give_up);
  ~connector();

  // Both may call `done` at once.
  void start(result done);
  void start(std::vector<boost::asio::ip::tcp::endpoint> addresses, result done);  ///< What a lookup would bring.
  std::string late() const;
  void close() noexcept;
  void drop() noexcept;  ///< As byte_stream's.

private:
  using tcp = boost::asio::ip::tcp;
  void look_up();
  void looked_up(error_code const& ec, tcp::resolver::results_type const& found);
  void next();
  void connected(byte_stream const* on, error_code const& ec);
  void shaken(byte_stream const* on, error_code const& ec);
  void passed_over();
  void failed(outcome how);
  void end(outcome how, std::shared_ptr<byte_stream> stream);
  outcome no_connection(std::string const& why) const;

  std::shared_ptr<store_context> context_;
  std::shared_ptr<destination const> to_;
  instant give_up_;
  result done_;
  std::optional<tcp::resolver> resolver_;
  bool numeric_ = false;
  std::vector<tcp::endpoint> addresses_;
  std::size_t tried_ = 0;
  std::shared_ptr<byte_stream> stream_;  // to addresses_[tried_ - 1]
  bool shaking_ = false;
  timer share_;
  outcome worst_;  // what says most about why there is no connection
};

}  // namespace coelect::http
