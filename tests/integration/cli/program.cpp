// Runs programs as people do, and waits for what they say and how they end, never for time to pass.
#include "program.hpp"
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <pty.h>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

namespace coelect::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{25};  // a lease in Azure lasts 15 s

int left(steady_clock::time_point end) {
  auto const rest = std::chrono::duration_cast<milliseconds>(end - steady_clock::now()).count();
  return rest < 0 ? 0 : static_cast<int>(rest) + 1;
}

std::vector<char*> pointers(words& list) {
  std::vector<char*> result;
  for (auto& word : list) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

words environment_with(words const& extra) {
  words all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string const variable = *entry;
    bool const chooses =
        variable.starts_with("COELECT_") || variable.starts_with("ETCD") || variable.starts_with("AZURE_");
    if (!chooses) all.push_back(variable);
  }
  all.insert(all.end(), extra.begin(), extra.end());  // execve keeps the first of two, getenv finds it
  for (auto const& one : extra) {
    auto const name = one.substr(0, one.find('=') + 1);
    std::erase_if(all, [&](auto const& v) { return v.rfind(name, 0) == 0 && v != one; });
  }
  return all;
}

struct pipe_ends {
  int read = -1, write = -1;
  pipe_ends() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read = ends[0];
    write = ends[1];
  }
};

// In the child: a new session with this terminal, or nothing to read.
void take_input(int terminal) {
  if (terminal >= 0) {
    ::login_tty(terminal);
    return;
  }
  int const nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
}

}  // namespace

program::program(words arguments, setting how) {
  words command = how.wrapper;
  if (command.empty()) command.emplace_back(COELECT_PROGRAM_PATH);
  command.insert(command.end(), arguments.begin(), arguments.end());
  auto variables = environment_with(how.environment);
  auto const argv = pointers(command);
  auto const envp = pointers(variables);
  pipe_ends const errors;
  int terminal = -1;
  int output = -1;
  if (how.terminal) {
    if (::openpty(&out_.descriptor, &terminal, nullptr, nullptr, nullptr) != 0) throw std::runtime_error("openpty");
  } else {
    pipe_ends const pipe;
    out_.descriptor = pipe.read;
    output = pipe.write;
  }
  err_.descriptor = errors.read;
  auto const parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    take_input(terminal);
    if (output >= 0) ::dup2(output, STDOUT_FILENO);
    ::dup2(errors.write, STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  if (terminal >= 0) ::close(terminal);
  if (output >= 0) ::close(output);
  ::close(errors.write);
  ::fcntl(out_.descriptor, F_SETFD, FD_CLOEXEC);
}

program::~program() {
  close_output();
  if (err_.descriptor >= 0) ::close(err_.descriptor);
  if (code_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void program::signal(int number) const { ::kill(pid_, number); }

void program::type(std::string const& keys) const {
  if (::write(out_.descriptor, keys.data(), keys.size()) < 0) throw std::runtime_error("typing failed");
}

void program::close_output() {
  if (out_.descriptor >= 0) ::close(out_.descriptor);
  out_.descriptor = -1;
}

// One read. False at the end of the stream.
bool program::take(stream& s) {
  std::array<char, 4096> buffer{};
  auto const count = ::read(s.descriptor, buffer.data(), buffer.size());
  if (count > 0) s.all.append(buffer.data(), static_cast<std::size_t>(count));
  if (count > 0 || (count < 0 && errno == EINTR)) return true;
  ::close(s.descriptor);
  s.descriptor = -1;
  return false;
}

// Waits for output on either stream. False when both have ended or time is up.
bool program::read_more(deadline end) {
  std::array<pollfd, 2> both{pollfd{out_.descriptor, POLLIN, 0}, pollfd{err_.descriptor, POLLIN, 0}};
  if (out_.descriptor < 0 && err_.descriptor < 0) return false;
  if (::poll(both.data(), both.size(), left(end)) <= 0) return false;
  if (both[0].revents != 0) take(out_);
  if (both[1].revents != 0) take(err_);
  return true;
}

std::optional<std::string> program::next_line(stream& s) {
  auto const end = s.all.find('\n', s.read);
  if (end == std::string::npos) return std::nullopt;
  auto line = s.all.substr(s.read, end - s.read);
  s.read = end + 1;
  return line;
}

std::string program::find_line(stream& s, std::function<bool(std::string const&)> const& wanted,
                               std::string const& what) {
  auto const end = steady_clock::now() + patience;
  for (;;) {
    while (auto const line = next_line(s))
      if (wanted(*line)) return *line;
    if (!read_more(end))
      throw std::runtime_error("no line with '" + what + "'; there was:\n" + out_.all + "and on stderr:\n" + err_.all);
  }
}

std::string program::line_with(std::string const& part) {
  auto const has = [&](std::string const& line) { return line.find(part) != std::string::npos; };
  return find_line(out_, has, part);
}

std::string program::error_line_with(std::string const& part) {
  auto const has = [&](std::string const& line) { return line.find(part) != std::string::npos; };
  return find_line(err_, has, part);
}

namespace {
bool is_event(std::string const& line, std::string const& name) {
  auto const object = base::json_reader::parse(line);
  return object && object->text("event") == name;
}
}  // namespace

base::json_reader program::event(std::string const& name) {
  auto const line = find_line(
      out_, [&](std::string const& l) { return is_event(l, name); }, name);
  return std::move(*base::json_reader::parse(line));
}

base::json_reader program::error_event(std::string const& name) {
  auto const line = find_line(
      err_, [&](std::string const& l) { return is_event(l, name); }, name);
  return std::move(*base::json_reader::parse(line));
}

int program::exit_code() {
  if (code_) return *code_;
  auto const end = steady_clock::now() + 2 * patience;
  int const process = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  std::array<pollfd, 3> all{};
  for (bool over = false; !over;) {
    all = {pollfd{process, POLLIN, 0}, pollfd{out_.descriptor, POLLIN, 0}, pollfd{err_.descriptor, POLLIN, 0}};
    if (::poll(all.data(), all.size(), left(end)) <= 0)
      throw std::runtime_error("it does not end:\n" + out_.all + err_.all);
    if (all[1].revents != 0) take(out_);
    if (all[2].revents != 0) take(err_);
    over = all[0].revents != 0 && all[1].revents == 0 && all[2].revents == 0;
  }
  ::close(process);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return *code_;
}

finished run_program(words arguments, program::setting how) {
  program p(std::move(arguments), std::move(how));
  int const code = p.exit_code();
  return {code, p.output(), p.errors()};
}

void wait_until_gone(pid_t pid) {
  int const process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) return;  // it is gone already
  pollfd one{process, POLLIN, 0};
  auto const count = ::poll(&one, 1, left(steady_clock::now() + patience));
  ::close(process);
  if (count != 1) throw std::runtime_error("process " + std::to_string(pid) + " still runs");
}

bool alive(pid_t pid) {
  int const process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) return false;
  pollfd one{process, POLLIN, 0};
  auto const count = ::poll(&one, 1, 0);
  ::close(process);
  return count == 0;
}

std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace coelect::test
