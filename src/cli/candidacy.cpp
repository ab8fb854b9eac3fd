// What `campaign` and `run` have in common: a candidate, its story, and who leads meanwhile.
#include "cli/candidacy.hpp"
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coelect::cli {

namespace asio = boost::asio;

candidacy::candidacy(session& with, std::string how_to_stop)
    : who(with.make_elector()),
      tale(with.out(), with.how(), who.candidate(), std::move(how_to_stop)),
      heartbeat(with.how().heartbeat) {}

void candidacy::begin(leadership& term) {
  leading = &term;
  last_token = term.fencing_token();
  tale.elected(term, last_leader);
}

void candidacy::over() { leading = nullptr; }

namespace {

// Not our own terms, and not what was there before them and is reported late.
bool news_for(candidacy const& c, sighting const& now) {
  if (now) return now.fencing_token() > c.last_token;
  return c.leading == nullptr;
}

// An observer may see that our own candidate leads before the campaign has heard of it. But another
// process may bear our name, too, such as the one that we replace.
constexpr std::chrono::milliseconds own_news{300};

bool perhaps_ours(candidacy const& c, sighting const& now) {
  return now && news_for(c, now) && now->candidate() == c.who.candidate();
}

}  // namespace

asio::awaitable<void> follow(candidacy& c) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    error_code ec;
    sighting now = co_await c.who.watch(c.seen, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return;
    c.seen = now;
    if (perhaps_ours(c, now)) {
      timer.expires_after(own_news);
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      if (ec) co_return;
    }
    if (now) c.last_leader = now;
    if (news_for(c, now)) c.tale.waits(now);
  }
}

asio::awaitable<void> beat(candidacy& c) {
  if (c.heartbeat == std::chrono::milliseconds(0)) co_return;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    next += c.heartbeat;
    timer.expires_at(next);
    co_await timer.async_wait(asio::use_awaitable);
    if (c.leading != nullptr && c.leading->valid()) c.tale.still_leads(*c.leading);
    else c.tale.still_waits(c.seen, c.who.last_answer().message());
  }
}

asio::awaitable<void> leave(candidacy& c, std::uint64_t token) {
  error_code ec;
  co_await c.who.stop(asio::redirect_error(asio::use_awaitable, ec));
  c.tale.resigned(token, !ec);
}

}  // namespace coelect::cli
