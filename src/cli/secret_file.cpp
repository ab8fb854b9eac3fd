// Settings that know where they came from, and secrets from files and variables, in buffers that leave no copies behind.
#include "cli/secret_file.hpp"
#include "base/refuse.hpp"
#include "base/secret.hpp"
#include <algorithm>
#include <cerrno>
#include <coelect/error.hpp>
#include <cstdlib>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace coelect::cli {
namespace {

constexpr std::size_t longest = 4'096;

using base::refuse;

[[noreturn]] void refuse_file(named_text const& file, int trouble) {
  refuse(file.name + ": cannot read " + file.text + ": " + std::generic_category().message(trouble));
}

/// As much of the file as a secret may have, and one byte more.
std::string read_some(named_text const& from) {
  int const file = ::open(from.text.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) refuse_file(from, errno);
  auto text = secret_text({});
  text.resize(longest + 1);
  std::size_t size = 0;
  int trouble = 0;
  while (size < text.size()) {
    auto const count = ::read(file, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) trouble = errno;
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  ::close(file);
  if (trouble != 0) base::wipe(text);
  if (trouble != 0) refuse_file(from, trouble);
  text.resize(size);
  return text;
}

}  // namespace

std::string_view variable(char const* name) {
  auto const* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string secret_text(std::string_view text) {
  std::string room;
  room.reserve(std::max(text.size(), longest + 1));
  room += text;
  return room;
}

std::string first_line_of(named_text const& from) {
  auto text = read_some(from);
  auto const end = std::min(text.find('\n'), text.size());
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(), '\0');
  text.resize(end);
  if (text.empty()) refuse(from.name + ": the first line of " + from.text + " is empty");
  if (text.size() > longest) {
    base::wipe(text);
    refuse(from.name + ": the first line of " + from.text + " has more than " + std::to_string(longest) + " bytes");
  }
  return text;
}

}  // namespace coelect::cli
