// The two who take part: how their operations are started, as callbacks and in coroutines.
#include "process.hpp"
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coelect::test {

namespace asio = boost::asio;

namespace {

/// Publishes, and then leads until it is asked to end.
class body {
public:
  explicit body(process& who) : who_(who) {}
  asio::awaitable<void> operator()(leadership& term) const {
    running const now(who_);
    error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    co_await term.proclaim("under way", token);
    risk why = co_await term.at_risk(token);
    static_cast<void>(why);
  }

private:
  struct running {
    explicit running(process& p) : who(p) {
      ++who.bodies;
      if (++who.bodies_now > 1) who.body_beside_another = true;
    }
    running(running const&) = delete;
    running& operator=(running const&) = delete;
    ~running() { --who.bodies_now; }
    process& who;
  };
  process& who_;
};

guarded_writes one_write() {
  guarded_writes w;
  w.put("state", "written by the leader");
  return w;
}

}  // namespace

process::process(stage& s, std::string called, bool is_subject)
    : where(s), name(std::move(called)), loop_(is_subject ? s.subject_loop() : s.rival_loop()) {
  place = is_subject ? where.subject_store() : where.rival_store();
  trace = place;
  elector_options how;
  how.election = "leader";
  how.candidate = name;
  candidate.emplace(loop_, place, how);
  signal = candidate->signal();
}

void process::campaign(std::shared_ptr<probe> to) {
  auto const l = std::make_shared<life>(std::move(to), where);
  candidate->campaign([this, l](error_code ec, leadership won) {
    term = std::move(won);
    l->end(ec);
  });
}

void process::let_go() {
  term = leadership();
  candidate.reset();
  place.reset();
  signal.reset();
}

void process::start(op what, style how, std::shared_ptr<probe> to) {
  auto const l = std::make_shared<life>(std::move(to), where);
  auto const slot = cancel.slot();
  auto const with = [slot](auto handler) { return asio::bind_cancellation_slot(slot, std::move(handler)); };
  if (how == style::callback) return start_callback(what, l, with);
  auto ended = [l](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  asio::co_spawn(loop_, in_coroutine(what, how == style::open_coroutine, l), with(std::move(ended)));
}

template <class Token>
void process::start_callback(op what, life_ptr l, Token with) {
  l->begin();
  auto plain = [l](error_code ec) { l->end(ec); };
  auto won = [this, l](error_code ec, leadership t) {
    term = std::move(t);
    l->end(ec);
  };
  auto saw = [this, l](error_code ec, sighting s) {
    seen = std::move(s);
    l->end(ec);
  };
  switch (what) {
    case op::campaign: return candidate->campaign(with(std::move(won)));
    case op::try_campaign: return candidate->try_campaign(with(std::move(won)));
    case op::look: return candidate->leader(with(std::move(saw)));
    case op::watch: return candidate->watch(seen, with(std::move(saw)));
    case op::lost: return term.lost(with([l](error_code ec, term_end const&) { l->end(ec); }));
    case op::write: return term.guarded_txn(one_write(), with(std::move(plain)));
    case op::proclaim: return term.proclaim("x", with(std::move(plain)));
    case op::resign: return term.resign(with(std::move(plain)));
    case op::stop: return candidate->stop(with(std::move(plain)));
    case op::depose: return candidate->depose(seen.fencing_token(), depose_how::ask, with(std::move(plain)));
    case op::lead: throw std::logic_error("lead() is for coroutines");
  }
}

asio::awaitable<void> process::in_coroutine(op what, bool open, life_ptr l) {
  if (open) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  }
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  l->begin();
  switch (what) {
    case op::campaign: {
      leadership won = co_await candidate->campaign(token);
      term = std::move(won);
      break;
    }
    case op::try_campaign: {
      leadership won = co_await candidate->try_campaign(token);
      term = std::move(won);
      break;
    }
    case op::look: {
      sighting now = co_await candidate->leader(token);
      seen = now;
      break;
    }
    case op::watch: {
      sighting now = co_await candidate->watch(seen, token);
      seen = now;
      break;
    }
    case op::lost: {
      term_end end = co_await term.lost(token);
      static_cast<void>(end);
      break;
    }
    case op::write: {
      guarded_writes writes = one_write();
      co_await term.guarded_txn(std::move(writes), token);
      break;
    }
    case op::proclaim: {
      std::string value = "x";
      co_await term.proclaim(std::move(value), token);
      break;
    }
    case op::resign: co_await term.resign(token); break;
    case op::stop: co_await candidate->stop(token); break;
    case op::depose: {
      std::uint64_t const leader = seen.fencing_token();
      co_await candidate->depose(leader, depose_how::ask, token);
      break;
    }
    case op::lead: {
      body const work(*this);
      try {
        term_end end = co_await lead(*candidate, work);
        static_cast<void>(end);
      } catch (boost::system::system_error const& e) {
        ec = e.code();
      }
      break;
    }
  }
  l->end(ec);
}

}  // namespace coelect::test
