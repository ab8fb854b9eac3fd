// Cuts a stream of bytes into lines, with bounded memory.
#include "http/line_splitter.hpp"
#include <utility>

namespace coelect::http {

std::optional<line_splitter::piece> line_splitter::take() {
  for (;;) {
    auto const stop = kept_.find('\n', scanned_);
    bool const whole = stop != std::string::npos;
    auto const end = whole ? stop : kept_.size();
    auto const begin = std::exchange(taken_, whole ? stop + 1 : taken_);
    scanned_ = whole ? taken_ : end;
    bool const too_long = end - begin > limit_;
    bool const was_skipping = skipping_;
    skipping_ = !whole && (skipping_ || too_long);

    if (!whole) {
      bool const last = ended_ && end > begin && !skipping_;
      if (last || skipping_) taken_ = end;
      if (last) return piece{false, std::string_view(kept_).substr(begin)};
      drop_taken();
      if (skipping_ && !was_skipping) return piece{true, {}};
      return std::nullopt;
    }
    if (was_skipping) continue;  // the rest of a line that has been reported
    if (too_long) return piece{true, {}};
    return piece{false, std::string_view(kept_).substr(begin, end - begin)};
  }
}

void line_splitter::drop_taken() {
  kept_.erase(0, taken_);
  scanned_ -= taken_;
  taken_ = 0;
}

}  // namespace coelect::http
