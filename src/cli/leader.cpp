// `coelect leader`: says who leads now.
#include "cli/commands.hpp"
#include "cli/story.hpp"
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coelect::cli {

namespace asio = boost::asio;

asio::awaitable<int> leader(session& with) {
  elector who = with.make_elector();
  error_code ec;
  sighting const seen = co_await who.leader(asio::redirect_error(asio::use_awaitable, ec));
  if (ec) fail(who, ec);
  tell_leader(with.out(), with.how(), seen, false);
  co_return seen ? exit_code::done : exit_code::empty_seat;
}

}  // namespace coelect::cli
