// One request and its answer, over a kept connection or a new one: deadlines, the silent retry, the end.
#pragma once
#include "http/answer_parser.hpp"
#include "http/connector.hpp"
#include "http/pool.hpp"
#include "http/request_text.hpp"
#include "http/transport.hpp"
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coelect::http {

/// What exchanges and streams have in common. Its owner holds it; what is under way holds it weakly.
class conversation : public guest, public std::enable_shared_from_this<conversation> {
public:
  conversation(std::shared_ptr<pool> with, request what, instant by, std::optional<std::size_t> body_limit);
  conversation(conversation const&) = delete;
  conversation& operator=(conversation const&) = delete;
  virtual ~conversation();

  void begin();  ///< Calls nobody.
  void abandon() noexcept override;
  void drop() noexcept override;

protected:
  // Each may abandon it.
  virtual void head_came(response const& head) = 0;
  virtual void body_came(response& so_far) = 0;
  virtual void ended(outcome how, response& whole) = 0;  ///< Once.
  virtual void forget() noexcept = 0;                    ///< Lets go of whom it would call. Also while it calls them.

  bool sent() const noexcept { return sent_; }
  void no_hurry() noexcept { deadline_.clear(); }

private:
  void start();
  void connect();
  void connected(outcome how, std::shared_ptr<byte_stream> stream);
  void send();
  void written(error_code const& ec);
  void read();
  void came(error_code const& ec, std::string_view bytes);
  void judge(error_code const& ec);
  void broke(error_code const& ec);
  void complete();
  void late();
  void fail(errc code, std::string message);
  void finish(outcome how);
  void close() noexcept;

  std::shared_ptr<pool> pool_;
  std::shared_ptr<wiped_text const> text_;  // empty once nobody can want it again
  bool sound_ = true;
  bool repeatable_;
  bool bodiless_;
  std::optional<std::size_t> body_limit_;
  instant by_;
  timer deadline_;

  std::shared_ptr<connector> connector_;  // while there is no connection
  std::shared_ptr<byte_stream> stream_;
  std::unique_ptr<answer_parser> parser_;
  bool kept_ = false;      // the connection had been used before
  bool sent_ = false;      // something was handed to a socket
  bool got_some_ = false;  // of the answer
  bool told_head_ = false;
  bool over_ = false;
  error_code write_error_;
};

}  // namespace coelect::http
