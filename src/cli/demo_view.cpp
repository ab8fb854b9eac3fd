// Shows the demonstration: lines as things happen and, on a terminal, who leads right now.
#include "cli/demo_view.hpp"
#include "cli/job_control.hpp"
#include "cli/text.hpp"
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace coelect::cli {
namespace {

constexpr char const* bold = "1";
constexpr char const* green = "1;32";
constexpr char const* red = "31";
constexpr char const* dim = "2";

bool is_set(char const* name) {
  auto const* const value = std::getenv(name);
  return value != nullptr && value[0] != '\0';
}

bool dumb() {
  auto const* const kind = std::getenv("TERM");
  return kind == nullptr || std::string_view(kind) == "dumb";
}

// Erasing counts lines, so none of them may be folded.
std::string cut(std::string text) {
  winsize size{};
  bool const known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  std::size_t const columns = known ? size.ws_col - 1U : 79U;
  if (text.size() > columns) text.resize(columns);
  return text;
}

std::string state_of(candidate_process const& one, bool leads, std::chrono::nanoseconds term_length) {
  if (!one.process) return "gone";
  auto const stopped = std::string(one.is_stopped ? ", stopped" : "");
  if (!leads) return "waits" + stopped;
  return "leads for " + span(term_length) + ", token " + std::to_string(one.token) + stopped;
}

}  // namespace

demo_view::demo_view(line_writer& out, keys which) : out_(out) {
  terminal_ = ::isatty(STDOUT_FILENO) == 1 && !dumb();
  colors_ = terminal_ && !is_set("NO_COLOR");
  interactive_ = which == keys::wanted && terminal_ && ::isatty(STDIN_FILENO) == 1 && have_foreground();
  interactive_ = interactive_ && ::tcgetattr(STDIN_FILENO, &before_) == 0;
  if (!interactive_) return;
  termios unseen = before_;
  unseen.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // each key at once, and unseen
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &unseen);
}

demo_view::~demo_view() {
  remove_picture();
  if (interactive_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

std::string demo_view::colored(char const* code, std::string const& text) const {
  return colors_ ? "\033[" + std::string(code) + "m" + text + "\033[0m" : text;
}

// Up to where the picture begins, and clear from there on.
std::string demo_view::erase() {
  if (picture_lines_ == 0) return {};
  auto const lines = std::exchange(picture_lines_, 0);
  return "\033[" + std::to_string(lines) + "A\r\033[J";
}

void demo_view::heading(std::string const& text) {
  auto const again = picture_lines_;
  auto const gone = erase();
  out_.write(gone + colored(bold, text) + "\n" + (again > 0 ? picture_ : ""));
  picture_lines_ = again;
}

void demo_view::line(std::chrono::nanoseconds at, std::string const& text, tone how) {
  std::array<char, 32> when{};
  std::snprintf(when.data(), when.size(), "%6.2f s  ", std::chrono::duration<double>(at).count());
  auto const words = how == tone::good ? colored(green, text) : how == tone::bad ? colored(red, text) : text;
  auto const again = picture_lines_;
  auto const gone = erase();
  out_.write(gone + colored(dim, when.data()) + words + "\n" + (again > 0 ? picture_ : ""));
  picture_lines_ = again;
}

void demo_view::picture(demo_cast const& cast, std::chrono::nanoseconds term_length, std::string const& hint) {
  if (!terminal_) return;
  auto const leader = cast.leader();
  std::string text = "\n";
  int lines = 1;
  for (std::size_t who = 0; who < cast.all().size(); ++who) {
    auto const& one = cast.all()[who];
    bool const leads = leader == who;
    auto const pid = one.process ? std::to_string(one.process->pid()) : "-";
    auto const gap = std::string(9 - std::min<std::size_t>(8, pid.size()), ' ');
    auto const row = cut((leads ? " * " : "   ") + one.name + "  " + pid + gap + state_of(one, leads, term_length));
    text += (leads ? colored(green, row) : row) + "\n";
    ++lines;
  }
  if (!hint.empty()) {
    text += colored(dim, cut("   " + hint)) + "\n";
    ++lines;
  }
  auto const gone = erase();
  out_.write(gone + text);
  picture_ = text;
  picture_lines_ = lines;
}

void demo_view::remove_picture() {
  auto const gone = erase();
  if (!gone.empty()) out_.write(gone);
}

}  // namespace coelect::cli
