// The least HTTP/1.1 there is: one keep-alive connection on a plain socket, answers by length or in chunks.
#pragma once
#include <functional>
#include <string>

namespace bench {

/// Blocking to send; receives when it is told that there is something, or blocks. Throws when the peer closes.
class connection {
public:
  explicit connection(std::string const& host_and_port);
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;
  ~connection();

  void send(std::string const& text);
  /// Reads once. True: an answer is complete, in status() and body().
  bool receive();
  /// One exchange. Throws unless it ends with 200.
  std::string const& ask(std::string const& request);

  int fd() const noexcept { return fd_; }
  int status() const noexcept { return status_; }
  std::string const& body() const noexcept { return body_; }

  /// For streams: each chunk as it comes, instead of the body.
  std::function<void(std::string const&)> on_chunk;

private:
  bool parse();
  bool parse_head();
  bool take_chunk(bool& last);

  int fd_ = -1;
  int status_ = 0;
  bool in_body_ = false;
  bool chunked_ = false;
  std::size_t length_ = 0;
  std::string in_, body_;
};

std::string post(std::string const& host_and_port, char const* path, std::string const& body);

}  // namespace bench
