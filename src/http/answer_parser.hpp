// Reads a response out of the bytes of a connection. Beast does the reading; this is the only door to it.
#pragma once
#include "http/message.hpp"
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coelect::http {

/// Fed with what arrives, asked what it makes of it. No I/O.
class answer_parser {
public:
  struct limits {
    std::size_t header = 0;           ///< Status line and fields, and once more for trailers.
    std::optional<std::size_t> body;  ///< Empty: none.
  };

  /// `bodiless`: the answer to a HEAD request, which announces a body and has none.
  answer_parser(limits up_to, bool bodiless);
  ~answer_parser();

  void feed(std::string_view bytes);
  void feed_end();  ///< The connection ended in the way that ends a body.

  bool has_head() const noexcept { return has_head_; }  ///< Whatever may be wrong behind it.
  bool done() const noexcept;                           ///< The body ended as announced.
  /// What is wrong with the answer, for a message; empty while nothing is.
  std::string const& problem() const noexcept { return problem_; }
  /// The connection can be used again: the server keeps it, and nothing came behind the answer.
  bool reusable() const noexcept;

  response& got() noexcept { return got_; }  ///< Its body is appended to as it comes.

private:
  class parser;
  void check_head();
  bool must_wait(std::size_t read) const noexcept;
  void explain(std::string what);

  limits limits_;
  response got_;
  std::string problem_;
  std::string unread_;         // what the parser wants to see again with more behind it
  std::size_t head_size_ = 0;  // so far
  bool checked_ = false;
  bool has_head_ = false;
  bool leftover_ = false;
  std::unique_ptr<parser> parser_;
};

}  // namespace coelect::http
