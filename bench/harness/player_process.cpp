// A player while it plays: a child process that is told to go on, read line by line with a bound, and ended by pid.
#include "harness/player_process.hpp"
#include "players/player.hpp"
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

player_process::player_process(std::vector<std::string> command) : command_(std::move(command)) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  errors_ = ::memfd_create("stderr of a player", MFD_CLOEXEC);
  std::vector<char*> argv;
  for (auto& word : command_) argv.push_back(word.data());
  argv.push_back(nullptr);
  started_at_ = now();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(errors_, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  to_ = in[1];
  from_ = out[0];
}

player_process::~player_process() {
  kill();
  close_input();
  ::close(from_);
  ::close(errors_);
}

void player_process::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void player_process::go_on() {
  if (::write(to_, "go\n", 3) != 3) throw std::runtime_error("it is gone" + complaint());
}

void player_process::close_input() {
  if (to_ >= 0) ::close(to_);
  to_ = -1;
}

std::string player_process::complaint() const {
  char text[2000];
  auto const size = ::pread(errors_, text, sizeof text, 0);
  return size > 0 ? ": " + std::string(text, static_cast<std::size_t>(size)) : ", and said nothing";
}

std::string player_process::line(std::chrono::milliseconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (auto const stop = unread_.find('\n'); stop != std::string::npos) {
      auto text = unread_.substr(0, stop);
      unread_.erase(0, stop + 1);
      return text;
    }
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd p{from_, POLLIN, 0};
    if (left <= 0 || ::poll(&p, 1, static_cast<int>(left)) == 0)
      throw std::runtime_error("did not answer within " + std::to_string(limit.count() / 1000) + " s" + complaint());
    char text[4096];
    auto const size = ::read(from_, text, sizeof text);
    if (size <= 0) throw std::runtime_error("ended" + complaint());
    unread_.append(text, static_cast<std::size_t>(size));
  }
}

void player_process::until_ready(std::chrono::milliseconds limit) {
  auto const text = line(limit);
  if (text != "READY") throw std::runtime_error("said '" + text + "' instead of READY");
}

nlohmann::json player_process::answer(std::chrono::milliseconds limit) {
  auto const text = line(limit);
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) throw std::runtime_error("this is no answer: " + text);
  return json;
}

}  // namespace bench
