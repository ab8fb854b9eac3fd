// Runs the rules of one candidate on a contender: the shell of election_fsm. Decides nothing itself.
#include "election/candidate_state.hpp"
#include "base/ids.hpp"
#include "election/text.hpp"
#include "env/context_watch.hpp"
#include <boost/asio/query.hpp>
#include <utility>

namespace coelect::detail {

using rules::request;

candidate_state::candidate_state(boost::asio::any_io_executor ex, std::shared_ptr<store> where, elector_options how)
    : store_(std::move(where)),
      who_{std::move(how.election), std::move(how.candidate), std::move(how.value)},
      release_timeout_(how.release_timeout),
      drain_timeout_(how.drain_timeout),
      log_(std::move(how.log)),
      validity_(store_->context()->shared_env()),
      user_executor_(std::move(ex)),
      fsm_(store_->limits().retry_min, store_->limits().retry_max, store_->context()->env().random()) {}

candidate_state::~candidate_state() = default;

std::shared_ptr<candidate_state> candidate_state::make(boost::asio::any_io_executor ex, std::shared_ptr<store> where,
                                                       elector_options how) {
  auto made = std::make_shared<candidate_state>(ex, std::move(where), std::move(how));
  std::shared_ptr<closable> const hears(made, made.get());
  made->store_->context()->tell_when_gone(hears);
  std::shared_ptr<env::context_user> const hears_too(made, made.get());
  env::when_gone(ex, hears_too);
  return made;
}

void candidate_state::run(rules::election_orders orders) {
  auto const self = shared_from_this();
  keep_ = self;
  try {
    obey(orders);
  } catch (...) {
    // Out of memory half-way: rules, term and contender do not fit each other any more, and whoever went on like this
    // could keep a hold that nobody has. So this candidate ends, and its hold with it; who runs the loop hears why.
    validity_.end(contender_token_);
    store_->context()->post([self] { self->break_off(); });
    throw;
  }
}

// Its hold must go even if nobody is there any more to hear of that.
void candidate_state::break_off() {
  auto const self = shared_from_this();
  try {
    if (contender_) contender_->leave(release_by(), [](outcome const&) {});
  } catch (...) {
    context_gone();
    throw;
  }
  context_gone();
}

void candidate_state::obey(rules::election_orders const& orders) {
  if (orders.end_term) end_term(*orders.end_term);
  if (orders.warn && term_) term_->warn(*orders.warn);
  if (orders.discard) discard();
  if (orders.enter) contender_ = store_->enter(who_, *this);
  if (orders.begin_term) begin_term(*orders.begin_term);
  ask(orders.ask);
  if (orders.pause) pause_ = store_->context()->after(*orders.pause, [this] { run(fsm_.pause_over()); });
  if (orders.released) complete_releases(*orders.released);
  if (orders.campaign_done) finish_campaign(*orders.campaign_done);
  settle();
}

// A term and its candidate own each other while it lasts; here they part.
void candidate_state::discard() {
  contender_.reset();
  std::shared_ptr<term_state> last;
  std::lock_guard const lock(mutex_);
  last.swap(term_);
  lock_descriptor_ = -1;
}

void candidate_state::ask(request what) {
  switch (what) {
    case request::none: return;
    case request::try_acquire:
      contender_->try_acquire(give_up_at(), [this](attempt const& a) { on_attempt(a); });
      return;
    case request::wait_turn: contender_->wait_turn([this](outcome const& how) { on_turn(how); }); return;
    case request::leave: {
      pause_.clear();
      drain_.clear();
      {
        std::lock_guard const lock(mutex_);
        lock_descriptor_ = -1;  // closed elsewhere from now on
      }
      auto left = [this](outcome const& how) {
        if (logs()) log(severity::info, line("release", how.ok() ? "confirmed" : "not confirmed: " + how.text()));
        run(fsm_.left(how.ec));
      };
      // Without memory for a contender there was none, and nothing is held.
      if (contender_) contender_->leave(release_by(), std::move(left));
      else left({});
      return;
    }
  }
}

void candidate_state::on_attempt(attempt const& answer) {
  if (campaigns_.cancelled(campaign_id_)) {  // the win came in while the cancellation was on its way
    run(fsm_.withdraw(boost::asio::error::operation_aborted));
  } else if (!answer.how.ok()) {
    note_trouble("campaign", answer.how);
    run(fsm_.failed(answer.how.ec, answer.how.leave_alone));
  } else if (answer.held) {
    run(fsm_.held({answer.held->fencing_token, answer.held->valid_until}, store_->context()->now()));
  } else {
    last_trouble_.clear();
    run(fsm_.taken());
  }
}

void candidate_state::on_turn(outcome const& how) {
  if (!how.ok()) note_trouble("campaign", how);
  run(how.ok() ? fsm_.turn() : fsm_.failed(how.ec, how.leave_alone));
}

void candidate_state::begin_term(rules::win const& won) {
  last_trouble_.clear();
  auto const token = won.token;
  auto const term = std::make_shared<term_state>(shared_from_this(), token);
  {
    std::lock_guard const lock(mutex_);
    term_ = term;
    contender_token_ = token;
    lock_descriptor_ = contender_->lock_descriptor();
    validity_.begin(token, won.valid_until);
    gained_.complete_all({});
  }
  if (logs()) log(severity::info, line("elected", time_left(validity_.left(token))));
  campaigns_.complete(std::exchange(campaign_id_, 0), {}, term_state::make_leadership(term));
}

void candidate_state::end_term(term_end const& how) {
  if (!term_) return;
  term_->end(how);
  {
    std::lock_guard const lock(mutex_);
    lost_.complete_all({});
  }
  if (logs()) log_end(term_->ended());
  publications_.fail_all(errc::not_leader);
  unpublished_.reset();
  publishing_ = false;
}

void candidate_state::log_end(term_end const& ended) {
  auto const words = ended.detail().empty() ? std::string() : ": " + ended.detail();
  auto const level = ended.how() == end_of_term::resigned ? severity::info : severity::warning;
  log(level, line("lost", std::string("reason=") + to_string(ended.how()) + words));
}

// Only those whose request was seen before this release began: a stop() on its way is not done yet.
void candidate_state::complete_releases(error_code how) {
  for (auto const id : std::exchange(releasing_, {})) releases_.complete(id, how);
}

void candidate_state::finish_campaign(error_code why) {
  pause_.clear();
  campaigns_.complete(std::exchange(campaign_id_, 0), why, leadership());
}

void candidate_state::publish_next() {
  auto const in_time = [this](publication const& p) { return leads(p.token) && validity_.holds(p.token); };
  while (!publishing_ && unpublished_ && !in_time(unpublished_->front())) {
    publications_.complete(unpublished_->front().id, errc::not_leader);
    drop_unpublished();
  }
  if (publishing_ || !unpublished_) return;
  auto const next = std::move(unpublished_->front());
  drop_unpublished();
  publishing_ = true;
  auto done = [this, id = next.id](outcome const& how) {
    publishing_ = false;
    if (!how.ok()) note_trouble("proclaim", how);
    publications_.complete(id, how.ec);
    publish_next();
  };
  contender_->publish(next.value, give_up_at(), std::move(done));
}

void candidate_state::drop_unpublished() {
  unpublished_->pop_front();
  if (unpublished_->empty()) unpublished_.reset();
}

void candidate_state::note_answer(outcome const& how) {
  std::lock_guard const lock(mutex_);
  last_answer_ = how.details.message().empty() ? nullptr : std::make_unique<diagnostics>(how.details);
}

// Said once per change, not once per try.
void candidate_state::note_trouble(char const* doing, outcome const& how) {
  note_answer(how);
  auto text = how.text();
  if (text == last_trouble_) return;
  last_trouble_ = std::move(text);
  log(severity::warning, line(doing, "trouble: " + last_trouble_));
}

// Nothing under way: nobody but the users' handles keeps us.
void candidate_state::settle() {
  if (fsm_.stopped() && fsm_.idle()) {
    std::lock_guard const lock(mutex_);
    finished_ = true;
    gained_.fail_all(errc::stopped);
  }
  if (fsm_.idle()) keep_.reset();
}

bool candidate_state::leads(std::uint64_t token) const noexcept {
  return fsm_.leading() && term_ && term_->token() == token;
}

instant candidate_state::give_up_at() const { return store_->context()->now() + store_->limits().request_timeout; }

instant candidate_state::release_by() const {
  auto limit = release_timeout_;
  if (limit == std::chrono::milliseconds(0))
    limit = std::min(store_->limits().request_timeout, std::chrono::milliseconds(1'000));
  return store_->context()->now() + limit;
}

std::string candidate_state::line(char const* word, std::string const& rest) const {
  std::string text = std::string(word) + " election=" + who_.election;
  if (fsm_.leading() || std::string_view(word) == "lost")
    text += " token=" + std::to_string(term_ ? term_->token() : 0);
  return text + " " + rest;
}

bool candidate_state::logs() const noexcept { return log_ || store_->context()->logs(); }

void candidate_state::log(severity level, std::string const& text) const {
  if (log_) log_(level, text);
  else store_->context()->log(level, text);
}

// What the hold tells us.

void candidate_state::extended(instant valid_until) {
  if (!fsm_.leading()) return;
  // R2 to the last moment: whoever has seen valid() say no must not see it say yes again.
  if (!validity_.holds(term_->token())) return lost(errc::lease_expired, "a renewal came too late");
  validity_.extend(valid_until);
  if (logs()) log(severity::debug, line("renew", time_left(validity_.left(term_->token()))));
}

void candidate_state::at_risk() {
  if (!fsm_.leading()) return;
  log(severity::warning, line("at-risk", time_left(validity_.left(term_->token()))));
  term_->warn(risk::overdue);
}

void candidate_state::all_clear() {
  if (!fsm_.leading()) return;
  log(severity::info, line("renew", "all clear, " + time_left(validity_.left(term_->token()))));
  term_->all_clear();
}

void candidate_state::asked_to_resign() { run(fsm_.deposed()); }

void candidate_state::lost(error_code why, std::string detail) { run(fsm_.hold_lost(why, std::move(detail))); }

// The ends of execution contexts.

void candidate_state::context_gone() noexcept {
  auto const self = shared_from_this();
  if (term_) term_->end(term_end(end_of_term::stopped, errc::stopped, "the execution context is gone"));
  discard();
  {
    std::lock_guard const lock(mutex_);
    finished_ = true;
  }
  pause_.clear();
  drain_.clear();
  campaigns_.fail_all(errc::stopped);
  releases_.fail_all(errc::stopped);
  publications_.fail_all(errc::not_leader);
  deposals_.fail_all(errc::stopped);
  gained_.fail_all(errc::stopped);
  lost_.complete_all({});
  if (auto const all = those_who_observe()) all->context_gone();
  keep_.reset();
}

void candidate_state::context_ends(boost::asio::execution_context const& dying) noexcept {
  auto const self = shared_from_this();
  std::shared_ptr<term_state> term;
  boost::asio::any_io_executor last;
  {
    std::lock_guard const lock(mutex_);
    term = term_;
    last = std::exchange(user_executor_, {});
    finished_ = true;
  }
  if (term) term->drop_those_on(dying);
  campaigns_.drop_those_on(dying);
  releases_.drop_those_on(dying);
  publications_.drop_those_on(dying);
  deposals_.drop_those_on(dying);
  gained_.drop_those_on(dying);
  lost_.drop_those_on(dying);
  if (auto const all = those_who_observe()) all->drop_those_on(dying);
  // Who waits elsewhere hears of the end.
  if (term) term->end(term_end(end_of_term::stopped, errc::stopped, "the execution context is gone"));
  gained_.fail_all(errc::stopped);
  lost_.complete_all({});
  abandon();
}

}  // namespace coelect::detail
