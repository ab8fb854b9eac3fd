// Words for the ends of terms.
#include <coelect/term_end.hpp>

namespace coelect {

char const* to_string(end_of_term how) noexcept {
  switch (how) {
    case end_of_term::running: return "running";
    case end_of_term::resigned: return "resigned";
    case end_of_term::deposed: return "deposed";
    case end_of_term::lost: return "lost";
    case end_of_term::expired: return "expired";
    case end_of_term::stopped: return "stopped";
  }
  return "unknown";
}

char const* to_string(risk why) noexcept {
  switch (why) {
    case risk::overdue: return "overdue";
    case risk::deposed: return "deposed";
    case risk::stopping: return "stopping";
    case risk::over: return "over";
  }
  return "unknown";
}

}  // namespace coelect
