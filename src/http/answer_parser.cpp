// Reads a response out of the bytes of a connection. Beast does the reading; this is the only file that knows it.
#include "http/answer_parser.hpp"
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

namespace coelect::http {
namespace {

namespace beast = boost::beast;
using beast_error = boost::system::error_code;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool same_word(std::string_view a, std::string_view b) {
  return beast::iequals(beast::string_view(a.data(), a.size()), beast::string_view(b.data(), b.size()));
}

}  // namespace

// A parser of our own, because Beast 1.90 keeps trailers out of the fields unless a field announces them, and etcd's
// are not announced. No function says `override`: the one for trailers overrides nothing before that version.
class answer_parser::parser final : public beast::http::basic_parser<false> {
public:
  explicit parser(response& into) : into_(into) {}
  bool in_chunks() const noexcept { return in_chunks_; }  // past the head of the first one

private:
  // Not `override`: which of these there are to override changes from one Boost to the next.
  // NOLINTBEGIN(modernize-use-override)
  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int, beast_error&) {}
  void on_response_impl(int status, beast::string_view, int, beast_error&) { into_.status = status; }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value, beast_error&) {
    into_.fields.push_back({std::string(view(name)), std::string(view(value))});
  }
  void on_trailer_field_impl(beast::http::field f, beast::string_view name, beast::string_view value, beast_error& ec) {
    on_field_impl(f, name, value, ec);
  }
  void on_header_impl(beast_error&) {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, beast_error&) {}
  std::size_t on_body_impl(beast::string_view body, beast_error&) { return take(body); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast_error&) { in_chunks_ = true; }
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, beast_error&) { return take(body); }
  void on_finish_impl(beast_error&) {}
  // NOLINTEND(modernize-use-override)

  std::size_t take(beast::string_view body) {
    into_.body.append(body.data(), body.size());
    return body.size();
  }

  response& into_;
  bool in_chunks_ = false;
};

answer_parser::answer_parser(limits up_to, bool bodiless) : limits_(up_to), parser_(std::make_unique<parser>(got_)) {
  auto const most = std::size_t{std::numeric_limits<std::uint32_t>::max()};
  parser_->header_limit(static_cast<std::uint32_t>(std::min(limits_.header, most)));
  parser_->body_limit(limits_.body ? std::uint64_t{*limits_.body} : std::numeric_limits<std::uint64_t>::max());
  parser_->skip(bodiless);
}

answer_parser::~answer_parser() { base::wipe(unread_); }

bool answer_parser::done() const noexcept { return problem_.empty() && parser_->is_done(); }
bool answer_parser::reusable() const noexcept { return done() && parser_->keep_alive() && !leftover_; }

void answer_parser::feed(std::string_view bytes) {
  if (!problem_.empty()) return;
  unread_.append(bytes);
  std::size_t read = 0;
  beast_error ec;
  while (!ec && !parser_->is_done() && read < unread_.size() && !must_wait(read)) {
    bool const in_head = !parser_->is_header_done();
    auto const step = parser_->put(boost::asio::const_buffer(unread_.data() + read, unread_.size() - read), ec);
    read += step;
    // Beast counts what it sees at a time, which is not the whole of a header that comes in pieces.
    if (in_head) head_size_ += step;
    if (parser_->is_header_done() && !checked_) check_head();
    if (!problem_.empty()) return;
  }
  unread_.erase(0, read);
  bool const in_head = !parser_->is_header_done();
  bool const too_long = head_size_ + (in_head ? unread_.size() : 0) > limits_.header;
  if (ec == beast::http::error::body_limit) {
    explain("it is longer than " + std::to_string(limits_.body.value_or(0)) + " bytes");
  } else if (ec == beast::http::error::header_limit || too_long) {
    explain("its header is longer than " + std::to_string(limits_.header) + " bytes");
  } else if (ec && ec != beast::http::error::need_more) {
    explain(ec.message());
  } else if (parser_->is_done()) {
    leftover_ = !unread_.empty();
  } else if (unread_.size() > limits_.header) {  // trailers, and what belongs to chunks
    explain("more than " + std::to_string(limits_.header) + " bytes between its chunks");
  }
}

// Beast asserts that it sees all of "0\r\n\r\n" where a body is this and nothing else, so a server that sends it in
// pieces would end our process (at least until 1.81).
bool answer_parser::must_wait(std::size_t read) const noexcept {
  return checked_ && parser_->chunked() && !parser_->in_chunks() && unread_[read] == '0' && unread_.size() - read < 5;
}

void answer_parser::feed_end() {
  if (!problem_.empty() || !checked_ || parser_->is_done()) return;
  beast_error ec;
  parser_->put_eof(ec);
}

// What Beast lets pass and we do not understand.
void answer_parser::check_head() {
  checked_ = true;
  if (got_.status < 200) return explain("interim status " + std::to_string(got_.status) + ", which nobody asked for");
  for (auto const& f : got_.fields) {
    if (same_word(f.name, "Content-Encoding") && !same_word(f.value, "identity")) return explain("unknown encoding");
    if (same_word(f.name, "Transfer-Encoding") && !same_word(f.value, "chunked"))
      return explain("unknown transfer encoding");
  }
  has_head_ = true;
}

void answer_parser::explain(std::string what) { problem_ = std::move(what); }

}  // namespace coelect::http
