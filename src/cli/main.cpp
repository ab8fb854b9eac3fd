// The coelect program: runs one command on an event loop and turns its end into an exit code.
#include "cli/commands.hpp"
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

namespace coelect::cli {
namespace {

namespace asio = boost::asio;

asio::awaitable<int> chosen(session& with) {
  switch (with.how().what) {
    case command::campaign: return campaign(with);
    case command::run: return run(with);
    case command::leader: return leader(with);
    case command::watch: return watch(with);
    case command::depose: return depose(with);
    case command::demo: return demo(with);
  }
  throw election_error(errc::bad_options, "command: unknown");
}

int run_command(settings const& how) {
  asio::io_context context(1);
  session with(context.get_executor(), how);
  std::exception_ptr failure;
  int code = exit_code::unexpected;
  auto done = [&](std::exception_ptr thrown, int result) {
    failure = thrown;
    code = result;
    context.stop();
  };
  asio::co_spawn(context, chosen(with), std::move(done));
  context.run();
  if (failure) std::rethrow_exception(failure);
  return code;
}

void replace(std::string& text, std::string_view what, std::string_view with) {
  auto const place = text.find(what);
  if (place != text.npos) text.replace(place, what.size(), with);
}

// A wrong option says in its own words which one it is; elsewhere the code's text goes first.
std::string sentence_for(election_error const& e) {
  bool const speaks = e.code() == errc::bad_options && !e.details().message().empty();
  auto text = speaks ? e.details().message() : outcome(e.code(), e.details()).text();
  replace(text, "allow_volatile", "--allow-tmpfs");  // the library names its options, we our flags
  replace(text, "allow_remote", "--allow-remote");
  return text;
}

int guarded(settings const& how) {
  try {
    return run_command(how);
  } catch (election_error const& e) {
    std::fprintf(stderr, "coelect: %s\n", sentence_for(e).c_str());
    return e.code() == cond::fatal ? exit_code::usage : exit_code::unexpected;
  } catch (std::exception const& e) {
    std::fprintf(stderr, "coelect: %s\n", e.what());
    return exit_code::unexpected;
  }
}

}  // namespace
}  // namespace coelect::cli

int main(int count, char** words) {
  using namespace coelect::cli;
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left is noticed when writing
  auto const asked = parse_command_line(std::vector<std::string>(words + 1, words + count));
  return asked.exit ? *asked.exit : guarded(asked.how);
}
