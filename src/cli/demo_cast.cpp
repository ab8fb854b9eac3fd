// The candidate processes of the demonstration: starts them, hears them, does things to them.
#include "cli/demo_cast.hpp"
#include "base/json.hpp"
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace coelect::cli {
namespace {

namespace asio = boost::asio;
using kind = candidate_news::kind;

std::optional<kind> kind_of(std::string const& event) {
  if (event == "candidate") return kind::stands;
  if (event == "leader") return kind::sees;
  if (event == "elected") return kind::elected;
  if (event == "lost") return kind::lost;
  if (event == "resigned") return kind::resigned;
  return std::nullopt;
}

[[noreturn]] void fail_with(int trouble, char const* what) {
  throw std::system_error(trouble, std::generic_category(), what);
}

/// Closed when the scope ends.
struct owned_descriptor {
  int value = -1;
  explicit owned_descriptor(int descriptor) : value(descriptor) {}
  owned_descriptor(owned_descriptor const&) = delete;
  owned_descriptor& operator=(owned_descriptor const&) = delete;
  ~owned_descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

demo_cast::demo_cast(task_group& tasks, asio::any_io_executor ex, std::vector<std::string> flags, hear_fn hear)
    : tasks_(tasks),
      executor_(ex),
      flags_(std::move(flags)),
      hear_(std::move(hear)),
      children_(ex, {SIGCHLD}, [this](int) { look_for_ended(); }) {}

demo_cast::~demo_cast() { end_all(); }

void demo_cast::end_all() {
  for (auto& one : all_) {
    if (one.process) one.process->finish();
    one.process.reset();
  }
}

void demo_cast::start(std::size_t who) {
  auto& one = all_[who];
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_with(errno, "pipe");
  asio::posix::stream_descriptor from(executor_, ends[0]);
  owned_descriptor const to(ends[1]);
  owned_descriptor const nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  child_plan plan;
  plan.command = {"/proc/self/exe", "campaign", "--id=" + one.name, "--json", "--heartbeat", "0"};
  plan.command.insert(plan.command.end(), flags_.begin(), flags_.end());
  plan.standard_input = nothing.value;
  plan.standard_output = to.value;
  int trouble = 0;
  one.process = child_process::start(plan, trouble);
  if (!one.process) fail_with(trouble, "starting a candidate");
  tasks_.add_side(listen(who, one.process->pid(), std::move(from)));
}

void demo_cast::signal(std::size_t who, int number) {
  auto& one = all_[who];
  if (!one.process) return;
  one.process->signal(number);
  if (number == SIGSTOP) one.is_stopped = true;
  if (number == SIGCONT) one.is_stopped = false;
}

std::optional<std::size_t> demo_cast::leader() const {
  std::optional<std::size_t> latest;
  for (std::size_t who = 0; who < all_.size(); ++who) {
    bool const newer = !latest || all_[who].token > all_[*latest].token;
    if (all_[who].process && all_[who].leads && newer) latest = who;
  }
  return latest;
}

std::optional<std::size_t> demo_cast::stopped() const {
  for (std::size_t who = 0; who < all_.size(); ++who)
    if (all_[who].process && all_[who].is_stopped) return who;
  return std::nullopt;
}

bool demo_cast::nobody_left() const {
  for (auto const& one : all_)
    if (one.process) return false;
  return true;
}

asio::awaitable<void> demo_cast::listen(std::size_t who, pid_t life, asio::posix::stream_descriptor from) {
  std::string text;
  for (;;) {
    boost::system::error_code ec;
    auto const buffer = asio::dynamic_buffer(text);
    std::size_t const length =
        co_await asio::async_read_until(from, buffer, '\n', asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return;  // how it ended is told by SIGCHLD
    auto const line = text.substr(0, length);
    text.erase(0, length);
    read_line(who, life, line);
  }
}

void demo_cast::read_line(std::size_t who, pid_t life, std::string const& line) {
  auto const event = base::json_reader::parse(line);
  if (!event) return;
  auto const what = kind_of(event->text("event").value_or(""));
  auto& one = all_[who];
  bool const alive = one.process && one.process->pid() == life;
  if (!what || !alive) return;
  auto const token = event->number("token").value_or(0);
  if (*what == kind::sees) {
    hear_({*what, who, token, event->text("leader").value_or("")});
    return;
  }
  if (*what == kind::elected) one.token = token;
  one.leads = *what == kind::elected;
  hear_({*what, who, one.token});
}

void demo_cast::look_for_ended() {
  for (std::size_t who = 0; who < all_.size(); ++who) {
    auto const& process = all_[who].process;
    if (process && process->look().now == child_status::kind::ended) end_life(who);
  }
}

void demo_cast::end_life(std::size_t who) {
  auto& one = all_[who];
  one.process->finish();
  one.process.reset();
  one.leads = one.is_stopped = false;
  hear_({kind::gone, who, one.token});
}

}  // namespace coelect::cli
