// Hears the signals and the ENTER key that ask this process to do something.
#include "cli/signals.hpp"
#include "cli/options.hpp"
#include <array>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace coelect::cli {
namespace {

namespace asio = boost::asio;

// nohup(1) ignores SIGHUP for us; that must stay so.
bool ignored_from_outside(int signal) {
  struct sigaction now {};
  ::sigaction(signal, nullptr, &now);
  return now.sa_handler == SIG_IGN;
}

// Asio makes its descriptors non-blocking. That is a property of the open file, which we share with
// the shell that started us, so the terminal is opened once more.
int open_terminal_again() {
  if (::isatty(STDIN_FILENO) != 1) return -1;
  return ::open("/proc/self/fd/0", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

}  // namespace

signal_listener::signal_listener(asio::any_io_executor ex, std::initializer_list<int> which,
                                 std::function<void(int)> hear)
    : set_(ex), hear_(std::move(hear)) {
  for (int const signal : which)
    if (signal != SIGHUP || !ignored_from_outside(signal)) set_.add(signal);
  listen();
}

void signal_listener::listen() {
  set_.async_wait([this](boost::system::error_code ec, int signal) {
    if (ec) return;  // we may be gone
    listen();
    hear_(signal);
  });
}

terminal_listener::terminal_listener(asio::any_io_executor ex, std::function<void(std::string_view)> hear)
    : terminal_(ex), pause_(ex), hear_(std::move(hear)) {
  int const terminal = open_terminal_again();
  if (terminal < 0) return;
  terminal_.assign(terminal);
  listen();
}

void terminal_listener::listen() {
  terminal_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code ec) {
    if (!ec) read();
  });
}

// What is typed while we are in the background is meant for others, and reading it would stop us
// with SIGTTIN.
void terminal_listener::read() {
  if (::tcgetpgrp(terminal_.native_handle()) != ::getpgrp()) {
    pause_.expires_after(std::chrono::seconds(1));
    pause_.async_wait([this](boost::system::error_code ec) {
      if (!ec) listen();
    });
    return;
  }
  std::array<char, 256> typed{};
  auto const count = ::read(terminal_.native_handle(), typed.data(), typed.size());
  if (count <= 0) return;  // the terminal is gone, or this was Ctrl-D
  listen();
  hear_(std::string_view(typed.data(), static_cast<std::size_t>(count)));
}

stop_requests::stop_requests(asio::any_io_executor ex, stop_keys which)
    : bell_(ex), signals_(ex, {SIGINT, SIGTERM, SIGHUP}, [this](int signal) {
        if (asked_ && signal == SIGINT) ::_exit(exit_code::by_signal + SIGINT);
        ask();
      }) {
  if (which == stop_keys::none) return;
  enter_.emplace(ex, [this](std::string_view typed) {
    if (typed.find('\n') != typed.npos) ask();
  });
}

void stop_requests::ask() {
  asked_ = true;
  bell_.ring();
}

asio::awaitable<void> stop_requests::first() {
  while (!asked_) {
    co_await bell_.wait();
  }
}

}  // namespace coelect::cli
