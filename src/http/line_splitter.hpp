// Cuts a stream of bytes into lines, with bounded memory.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coelect::http {

/// Push what came, then take until nothing is left.
class line_splitter {
public:
  struct piece {
    bool skipped = false;   ///< A line over the limit; its text is gone.
    std::string_view line;  ///< Without its end. Valid until the next call.
  };

  explicit line_splitter(std::size_t limit) : limit_(limit) {}
  void push(std::string_view bytes) { kept_.append(bytes); }
  void push_end() { ended_ = true; }  ///< What stands after the last newline is a line too.
  std::optional<piece> take();

private:
  void drop_taken();

  std::size_t limit_;
  std::string kept_;
  std::size_t taken_ = 0;    // of kept_
  std::size_t scanned_ = 0;  // of kept_: no newline before it
  bool skipping_ = false;
  bool ended_ = false;
};

}  // namespace coelect::http
