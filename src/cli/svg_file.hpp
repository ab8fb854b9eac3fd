// The file that a timeline is drawn into.
#pragma once
#include <string>

namespace coelect::cli {

class svg_file {
public:
  /// Empty: coelect-timeline.svg. Throws election_error when it cannot be written: better now than at the end.
  explicit svg_file(std::string const& path);

  std::string const& path() const noexcept { return path_; }
  void write(std::string const& document) const;

private:
  std::string path_;
};

}  // namespace coelect::cli
