// Shows the demonstration: lines as things happen and, on a terminal, who leads right now.
#pragma once
#include "cli/demo_cast.hpp"
#include "cli/line_writer.hpp"
#include <chrono>
#include <string>
#include <termios.h>

namespace coelect::cli {

class demo_view {
public:
  enum class keys { wanted = 1, unwanted };
  explicit demo_view(line_writer& out, keys which = keys::wanted);
  demo_view(demo_view const&) = delete;
  demo_view& operator=(demo_view const&) = delete;
  ~demo_view();  ///< Gives the terminal back as it was.

  /// Keys can be pressed and the standing picture is shown.
  bool interactive() const noexcept { return interactive_; }

  enum class tone { plain = 1, good, bad };
  void heading(std::string const& text);
  void line(std::chrono::nanoseconds at, std::string const& text, tone how = tone::plain);
  /// The standing picture below the lines; nothing when this is no terminal.
  void picture(demo_cast const& cast, std::chrono::nanoseconds term_length, std::string const& hint);
  void remove_picture();

private:
  std::string colored(char const* code, std::string const& text) const;
  std::string erase();

  line_writer& out_;
  bool terminal_ = false, colors_ = false, interactive_ = false;
  int picture_lines_ = 0;
  std::string picture_;
  termios before_{};
};

}  // namespace coelect::cli
