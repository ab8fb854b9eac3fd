// Writes whole lines to a descriptor without ever making the caller wait.
#pragma once
#include <memory>
#include <string>

namespace coelect::cli {

/// A terminal that was paused with Ctrl-S, or a reader that does not read, blocks write(2). Elections
/// must go on meanwhile and children must be killed in time, so a thread of its own does the writing.
class line_writer {
public:
  enum class unread { ignore = 1, stop };

  /// With unread::stop this process is sent SIGTERM, once, when nobody can read any more.
  line_writer(int descriptor, unread then);
  line_writer(line_writer const&) = delete;
  line_writer& operator=(line_writer const&) = delete;
  ~line_writer();  ///< Gives what is left a second to get out.

  /// Text with its line end; what is written together appears together. Any thread.
  void write(std::string text);

private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

}  // namespace coelect::cli
