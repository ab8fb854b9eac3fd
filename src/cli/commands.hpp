// The commands: each runs until it is done or stopped, and answers with the exit code.
#pragma once
#include "cli/session.hpp"

namespace coelect::cli {

boost::asio::awaitable<int> campaign(session& with);
boost::asio::awaitable<int> run(session& with);
boost::asio::awaitable<int> leader(session& with);
boost::asio::awaitable<int> watch(session& with);
boost::asio::awaitable<int> depose(session& with);
boost::asio::awaitable<int> demo(session& with);
boost::asio::awaitable<int> simulate(session& with);

}  // namespace coelect::cli
