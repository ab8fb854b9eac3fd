// What `coelect run` runs in tests: marks in a shared file that it works under its token, until killed.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <unistd.h>

// worker FILE [stubborn]: stubborn ignores SIGTERM. Each line in FILE is the token, in one write to its end.
int main(int count, char** words) {
  if (count < 2) return 2;
  if (count > 2 && std::strcmp(words[2], "stubborn") == 0) std::signal(SIGTERM, SIG_IGN);
  char const* const token = std::getenv("COELECT_TOKEN");
  if (token == nullptr) return 3;
  int const file = ::open(words[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file < 0) return 4;
  auto const mark = std::string(token) + "\n";
  auto const start = "start " + std::string(token) + " " + std::to_string(::getpid()) + "\n";
  bool first = true;
  for (;;) {
    if (::write(file, mark.data(), mark.size()) < 0) return 5;
    if (first && ::write(STDOUT_FILENO, start.data(), start.size()) < 0) return 6;
    first = false;
    timespec const pace{0, 500'000};
    ::nanosleep(&pace, nullptr);
  }
}
