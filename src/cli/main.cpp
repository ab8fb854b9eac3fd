// The coelect program: runs one command on an event loop and turns its end into an exit code.
#include "cli/check.hpp"
#include "cli/commands.hpp"
#include "cli/wording.hpp"
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
    case command::simulate: return simulate(with);
    case command::check: break;  // without an event loop, below
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

int guarded(settings const& how) {
  try {
    return how.what == command::check ? check(how) : run_command(how);
  } catch (election_error const& e) {
    std::fprintf(stderr, "coelect: %s\n", sentence_for(e, how).c_str());
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
