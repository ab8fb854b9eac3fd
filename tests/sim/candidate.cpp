// What simulated candidates do, and what they tell the judge.
#include "sim/candidate.hpp"
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coelect::sim {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using testing::event;
using testing::happening;

void resource::write(std::uint64_t token) {
  bool const good = token >= newest_;
  if (good) newest_ = token;
  in_.world.note(good ? "resource accepts" : "resource refuses", token);
  in_.judge.see({good ? happening::accepted : happening::refused, in_.world.now(), {}, {}, token, {}, {}});
}

struct other_candidacy {
  explicit other_candidacy(elector e) : self(std::move(e)) {}
  elector self;
  leadership term;
};

/// One life of a candidate. Its coroutine keeps it alive; crash() empties it.
struct candidate::process {
  candidate* of = nullptr;
  std::shared_ptr<testing::host> on;
  std::string name;
  std::shared_ptr<store> where;
  std::vector<std::shared_ptr<other_candidacy>> others;  // in elections of their own
  std::optional<elector> self;
  std::shared_ptr<leadership> term;
  bool stands = false;
  unsigned stint = 0;  // of standing; what an earlier one brings is no news
  bool leads = false;  // told so, and not yet told that it is over
  bool over = false;   // crashed or stopped: nothing that happens is news
};

candidate::candidate(surroundings in, stage& servers, resource& outside, std::shared_ptr<testing::host> on)
    : in_(in),
      servers_(servers),
      outside_(outside),
      host_(std::move(on)),
      keeps_others_(in.world.chance(40)),
      stands_back_(in.world.chance(40)),
      wicked_(in.world.chance(30)) {}

bool candidate::stands() const noexcept { return now_ && now_->stands; }

void candidate::start() {
  now_ = std::make_shared<process>();
  now_->of = this;
  now_->on = host_;
  now_->name = "host" + std::to_string(host_->number()) + "." + std::to_string(++lives_);
  now_->where = servers_.make_store(*host_);
  stand_again();
}

// Elections of one store share its lease where there are such leases, and their transactions share commits. The first one
// leads all the time, so that the lease lives on; the others begin and end with the one that is judged.
void candidate::keep_others() {
  constexpr std::size_t how_many = 3;
  auto& all = now_->others;
  all.resize(std::min(all.size(), std::size_t{1}));
  while (all.size() < how_many) {
    elector_options how;
    how.election = "beside/" + std::to_string(host_->number()) + "." + std::to_string(all.size());
    how.candidate = now_->name;
    auto const one = std::make_shared<other_candidacy>(elector(host_->executor(), now_->where, how));
    all.push_back(one);
    one->self.campaign([weak = std::weak_ptr<other_candidacy>(one)](error_code ec, leadership won) {
      auto const self = weak.lock();
      if (self && !ec) self->term = std::move(won);
    });
  }
}

void candidate::stand_again() {
  elector_options how;
  how.election = "leader";
  how.candidate = now_->name;
  now_->self.emplace(host_->executor(), now_->where, how);
  now_->stands = true;
  signal_ = now_->self->signal();
  silent_since_ = nanoseconds(-1);
  if (keeps_others_) keep_others();
  asio::co_spawn(host_->executor(), stand(now_, ++now_->stint), asio::detached);
}

// The elector goes, the process and its store stay.
void candidate::stand_back() {
  in_.world.note("stands back", host_->number());
  now_->stands = now_->leads = false;
  ++now_->stint;
  now_->term.reset();
  now_->self.reset();
  signal_.reset();
  in_.world.after(in_.world.below(nanoseconds(90s)), [this, self = now_] {
    if (self == now_ && !self->stands && !self->over) stand_again();
  });
  look_for_ghost(now_, now_->stint, false);
}

// R14: whoever does not stand is not in the queue, whatever was on its way when it left; two looks in a row, because a
// late request may have come just now and be taken back.
void candidate::look_for_ghost(std::shared_ptr<process> const& self, unsigned stint, bool seen_before) {
  in_.world.after(seen_before ? 12s : 25s, [this, self, stint, seen_before] {
    if (self != now_ || self->stint != stint || self->over || !servers_.queues(self->name)) return;
    if (!seen_before) return look_for_ghost(self, stint, true);
    in_.world.note("a ghost stands", host_->number());
    in_.judge.see({happening::lost, in_.world.now(), {}, self->name, 2, {}, {}});  // never won: a complaint
  });
}

void candidate::crash() {
  if (!now_) return;
  in_.world.note("crash", host_->number());
  now_->over = true;
  signal_.reset();
  now_->term.reset();
  now_->self.reset();
  now_->others.clear();
  now_->where.reset();
  now_.reset();
}

void candidate::stop() {
  if (!now_) return;
  now_->over = true;
  if (now_->self) now_->self->stop(asio::detached);
  for (auto const& one : now_->others) one->self.stop(asio::detached);
}

asio::awaitable<void> candidate::stand(std::shared_ptr<process> self, unsigned stint) {
  auto const& in = self->of->in_;
  auto const who = self->on->number();
  while (!self->over && stint == self->stint) {
    error_code ec;
    leadership won = co_await self->self->campaign(asio::redirect_error(asio::use_awaitable, ec));
    if (self->over || stint != self->stint) co_return;
    if (ec) {
      in.judge.see({happening::lost, in.world.now(), {}, self->name, 1, {}, {}});  // never won: a complaint
      in.world.note("campaign failed", who, static_cast<std::uint64_t>(ec.value()));
      co_return;
    }
    auto const token = won.fencing_token();
    auto const term = std::make_shared<leadership>(std::move(won));
    self->term = term;
    // A host that was paused hears late of a win that has run out since: not a term, and out of order.
    bool const heard_in_time = term->valid();
    in.world.note(heard_in_time ? "elected" : "elected too late", who, token);
    if (heard_in_time) in.judge.see({happening::elected, in.world.now(), {}, self->name, token, {}, {}});
    self->leads = true;
    term_end const end = co_await term->lost(asio::redirect_error(asio::use_awaitable, ec));
    if (self->over || stint != self->stint) co_return;
    self->leads = false;
    in.world.note("lost", who, token);
    std::string const why = to_string(end.how());
    if (heard_in_time) in.judge.see({happening::lost, in.world.now(), {}, self->name, token, why, {}});
  }
}

// The worst moment to stand still is just before the deadline: the answer to the last renewal may be there already,
// and is read when the deadline has passed.
void candidate::stand_still_at_the_worst_moment() {
  auto const left = now_->term->remaining();
  if (left <= nanoseconds(0) || left > 400ms || healed_) return;
  host_->paused = true;
  in_.world.note("stands still", host_->number());
  in_.world.after(left + in_.world.below(nanoseconds(3s)), [this] { host_->paused = false; });
}

void candidate::look() {
  bool const wicked = wicked_ && now_ && now_->leads && now_->term && !host_->stands_still();
  if (wicked && in_.world.below(50) == 0) stand_still_at_the_worst_moment();
  if (!now_ || !now_->leads || host_->stands_still() || !now_->term || now_->term->valid()) {
    silent_since_ = nanoseconds(-1);
    return;
  }
  // The term is over: lost() is due at once. A suspend may have moved the host's clocks just now.
  if (silent_since_ < nanoseconds(0)) silent_since_ = in_.world.now();
  if (in_.world.now() - silent_since_ < 1s) return;
  silent_since_ = in_.world.now();
  in_.judge.see({happening::lost, in_.world.now(), {}, now_->name, now_->term->fencing_token(), {}, {}});
}

void candidate::fidget() {
  if (!now_ || !now_->stands || host_->stands_still()) return;
  auto& dice = in_.world;
  auto const self = now_;
  switch (dice.below(6)) {
    case 0:
    case 1:
      if (!self->term) return;
      dice.note("resigns", host_->number(), self->term->fencing_token());
      return self->term->resign([self](error_code) {});
    case 2: dice.note("drops its term", host_->number()); return self->term.reset();
    case 3:
      if (self->term) self->term->proclaim("host:80", [self](error_code) {});
      return;
    case 4:
      return self->self->leader([self](error_code ec, sighting const& seen) {
        if (ec || !seen || self->over) return;
        self->of->in_.world.note("asks the leader to go", self->on->number(), seen.fencing_token());
        if (self->self) self->self->depose(seen.fencing_token(), depose_how::ask, [self](error_code) {});
      });
    default:
      if (stands_back_) stand_back();
      return;
  }
}

void candidate::write() {
  if (!now_ || host_->stands_still() || !now_->term || !now_->term->valid()) return;
  auto const term = now_->term;
  // Between the question and the act anything may happen: the packet is late, the process is stopped.
  auto late = in_.world.chance(70) ? nanoseconds(1ms) : in_.world.below(nanoseconds(20s));
  in_.world.after(late, [this, token = term->fencing_token()] { outside_.write(token); });
  if (servers_.guards_writes()) guarded_write(term);
}

void candidate::guarded_write(std::shared_ptr<leadership> const& term) {
  auto done = [this, self = now_, term](error_code ec) {
    if (!ec) ++acknowledged_;
  };
  term->guarded_put("counter", std::to_string(term->fencing_token()), std::move(done));
}

}  // namespace coelect::sim
