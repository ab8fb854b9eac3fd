// What `campaign` and `run` have in common: a candidate, its story, and who leads meanwhile.
#pragma once
#include "cli/session.hpp"
#include "cli/story.hpp"

namespace coelect::cli {

/// Shared by the coroutines of one command, on one thread.
struct candidacy {
  candidacy(session& with, std::string how_to_stop);

  elector who;
  story tale;
  std::chrono::milliseconds heartbeat;
  sighting seen;                  ///< As last watched.
  sighting last_leader;           ///< The last one seen; may be gone.
  leadership* leading = nullptr;  ///< The current term, if any.
  std::uint64_t last_token = 0;   ///< Of our latest term.

  void begin(leadership& term);  ///< Tells that it was won.
  void over();
};

/// Follows who leads and tells it while we wait. Ends when cancelled, or when that is impossible: what
/// is wrong is for the candidacy to find out and to say.
boost::asio::awaitable<void> follow(candidacy& c);

/// A line at a steady interval. Ends when cancelled.
boost::asio::awaitable<void> beat(candidacy& c);

/// Withdraws or resigns, waits for the release, and tells it. `token` of the term that ends so, or 0.
boost::asio::awaitable<void> leave(candidacy& c, std::uint64_t token);

}  // namespace coelect::cli
