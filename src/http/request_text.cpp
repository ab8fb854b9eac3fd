// Writes a request as it goes over the connection: one piece of text that is wiped when let go of.
#include "http/request_text.hpp"
#include <algorithm>
#include <initializer_list>

namespace coelect::http {
namespace {

bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto const u = static_cast<unsigned char>(c);
    return (u < 0x20 && u != '\t') || u == 0x7f;
  });
}

// Method, target and names are also ended by spaces; the names by a colon.
bool is_word(std::string_view text, std::string_view enders) noexcept {
  return !text.empty() && !has_control(text) && text.find_first_of(enders) == std::string_view::npos;
}

bool is_sound(request const& what) noexcept {
  bool const fields_sound = std::all_of(what.fields.begin(), what.fields.end(), [](field const& f) {
    return is_word(f.name, " \t:") && !has_control(f.value);
  });
  return fields_sound && is_word(what.method, " \t") && is_word(what.target, " \t") &&
         !has_control(what.authorization.reveal());
}

}  // namespace

std::shared_ptr<wiped_text const> request_text(request what, std::string_view host_field) {
  auto made = std::make_shared<wiped_text>();
  bool const sound = is_sound(what);
  // RFC 9110, 8.6: a length also where the method expects a body and there is none.
  bool const bodiless = what.body.empty() && (what.method == "GET" || what.method == "HEAD");
  std::string const length = bodiless ? std::string() : std::to_string(what.body.size());

  std::size_t size = 0;
  auto const put = [&](bool for_real, std::initializer_list<std::string_view> parts) {
    for (auto const part : parts) {
      size += part.size();
      if (for_real) made->text.append(part);
    }
  };
  auto const put_all = [&](bool for_real) {
    put(for_real, {what.method, " ", what.target, " HTTP/1.1\r\nHost: ", host_field, "\r\n"});
    for (auto const& f : what.fields) put(for_real, {f.name, ": ", f.value, "\r\n"});
    if (!what.authorization.empty()) put(for_real, {"Authorization: ", what.authorization.reveal(), "\r\n"});
    if (!bodiless) put(for_real, {"Content-Length: ", length, "\r\n"});
    put(for_real, {"\r\n", what.body});
  };
  if (sound) {
    put_all(false);
    made->text.reserve(size);  // a string that grows leaves copies behind
    put_all(true);
  }
  base::wipe(what.body);
  if (!sound) return nullptr;
  return made;
}

}  // namespace coelect::http
