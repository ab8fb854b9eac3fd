// stub
#include "cli/commands.hpp"
namespace coelect::cli { boost::asio::awaitable<int> demo(session&) { co_return 0; } }
