// Looks at and watches an election for users who do not have to campaign.
#pragma once
#include "base/backoff.hpp"
#include "election/waiters.hpp"
#include <coelect/store.hpp>
#include <map>

namespace coelect::detail {

/// The running look() and watch() calls of one elector. Constructed anywhere; look, watch and close
/// may be called from any thread and hand over to the store's strand.
class observers : public std::enable_shared_from_this<observers> {
public:
  using report = std::function<void(char const* doing, outcome const&)>;

  observers(std::shared_ptr<store> where, std::string election, store_limits limits, report trouble);

  void look(handler<void(error_code, sighting)> h, boost::asio::any_io_executor const& fallback);
  void watch(sighting seen, handler<void(error_code, sighting)> h, boost::asio::any_io_executor const& fallback);
  void close(error_code why);  ///< Completes everything with `why`.
  /// That execution context is being destroyed, and with it, uncalled, the handlers that belong to it.
  void drop_those_on(boost::asio::execution_context const& dying) noexcept;
  void context_gone() noexcept;  ///< The store's execution context is going away.

private:
  struct seat {
    seat(sighting last, base::backoff b) : seen(std::move(last)), waits(b) {}
    sighting seen;
    base::backoff waits;
    std::unique_ptr<observation> running;
    timer pause;
  };

  // strand only
  void begin(std::uint64_t id, sighting seen);
  void observe(std::uint64_t id);
  void on_seen(std::uint64_t id, outcome const& how, sighting const& now);

  std::shared_ptr<store> store_;
  std::string election_;
  store_limits limits_;
  report trouble_;
  waiting_room room_;
  waiters<sighting> looks_{room_}, watches_{room_};
  std::map<std::uint64_t, seat> seats_;  // strand only
};

}  // namespace coelect::detail
