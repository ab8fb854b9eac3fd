// The file that a timeline is drawn into.
#include "cli/svg_file.hpp"
#include <cerrno>
#include <coelect/error.hpp>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <unistd.h>

namespace coelect::cli {

svg_file::svg_file(std::string const& path) : path_(path.empty() ? "coelect-timeline.svg" : path) {
  int const file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) {
    auto const why = std::generic_category().message(errno);
    throw election_error(errc::bad_options,
                         "svg: cannot write " + path_ + ": " + why + "; name another file with --svg");
  }
  ::close(file);
}

void svg_file::write(std::string const& document) const {
  std::ofstream file(path_, std::ios::binary | std::ios::trunc);
  file << document;
  file.flush();
  if (!file) throw std::runtime_error("svg: cannot write " + path_);
}

}  // namespace coelect::cli
