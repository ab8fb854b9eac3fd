// Talks to the members of one etcd cluster: which one, for how long, as whom, and whether its answer may be believed.
#include "stores/etcd/etcd_client.hpp"
#include <algorithm>
#include <utility>

namespace coelect::stores::etcd {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Of what may be repeated: a connection that broke is no reason to give up a single endpoint.
constexpr std::size_t least_tries = 2;
constexpr std::size_t kept_connections = 3;  // the line's two and a renewal's

// Grpc-Timeout: the server gives the request up, too.
std::string grpc_timeout(nanoseconds limit) {
  auto const ms = std::max(std::chrono::duration_cast<milliseconds>(limit).count(), milliseconds::rep{1});
  return std::to_string(ms) + "m";
}

}  // namespace

/// One question on its way through the endpoints.
class etcd_client::call final : public conversation, public std::enable_shared_from_this<call> {
public:
  call(etcd_client& owner, question what, take_fn take, std::function<void(called const&)> done)
      : client_(owner),
        what_(std::move(what)),
        take_(std::move(take)),
        done_(std::move(done)),
        began_(owner.context_->now()),
        tries_left_(what_.repeatable ? std::max(owner.at_.size(), least_tries) : 1) {}

  ~call() override {
    base::wipe(what_.body);
    step_out();
  }

  void stand_in_line() {
    limit_ = client_.context_->at(what_.give_up, [this] {
      failed(outcome(errc::timed_out, "too many requests before this one"), wire::etcd::next_step::give_up, false);
    });
  }

  void step_out() noexcept {
    if (!std::exchange(on_its_way_, false)) return;
    auto& ours = client_.line_of(what_.way);
    --ours.on_their_way;
    client_.next_in(ours);
  }

  void go() {
    on_its_way_ = true;
    begin();
  }

  void begin() {
    endpoint_ = client_.current_;
    auto& login = client_.at_[endpoint_].login;
    if (!login.needed()) return send();
    auto done = [this](outcome const& how) {
      if (how.ok()) send();
      else failed(how, wire::etcd::next_step::elsewhere, false);
    };
    // Somebody else's login may take longer than we have.
    limit_ = client_.context_->at(what_.give_up, [this] {
      failed(outcome(errc::timed_out, "logging in takes too long"), wire::etcd::next_step::give_up, false);
    });
    logging_in_ = login.go(until(), std::move(done));
  }

  lane way() const noexcept { return what_.way; }
  bool done() const noexcept { return !done_; }

private:
  // Several tries share the time: whatever hangs costs a part of it only. The last one gets the rest.
  instant until() const {
    auto const now = client_.context_->now();
    if (tries_left_ <= 1 || client_.at_.size() == 1) return what_.give_up;
    return earlier(now + what_.give_up.left(began_) * 2 / 5, what_.give_up);
  }

  void send() {
    limit_.clear();
    auto& at = client_.at_[endpoint_];
    auto const now = client_.context_->now();
    auto const limit = until();
    issue_ = at.login.issue();
    known_ = client_.memory_.revision();
    sent_ = now;
    auto request = client_.make_request(endpoint_, what_.path, what_.body, limit.left(now), what_.repeatable);
    auto done = [this](http::exchanged answer) { on_answer(std::move(answer)); };
    exchange_ = at.way->exchange(std::move(request), limit, std::move(done));
  }

  // Whoever asked must not wait for ever because there was no memory for the answer. It may have been carried out.
  void on_answer(http::exchanged answer) {
    auto const self = shared_from_this();  // a store that was reset ends everything
    try {
      judge(std::move(answer));
    } catch (...) {
      if (done_) finish({outcome(errc::unreachable, "no memory"), true, false, sent_});
      throw;
    }
  }

  void judge(http::exchanged answer) {
    using wire::etcd::next_step;
    if (!answer.how.ok()) return failed(answer.how, next_step::elsewhere, answer.sent);
    if (answer.got.status != 200) return on_refusal(answer.got);
    auto const header = take_(answer.got.body);
    bool const from_etcd = header && header->cluster_id != 0 && header->raft_term != 0;
    if (!from_etcd) {
      auto said = wire::etcd::read_failure(200, answer.got.body);  // keepalive: an error may come with 200
      if (said.code != 0) return on_refusal(answer.got);
      return failed(told(errc::bad_response, "an answer that is not etcd's", 200), next_step::elsewhere, true);
    }
    auto const doubt = client_.believe(endpoint_, *header, what_.write, known_);
    if (doubt.ok()) return finish({outcome(), false, false, sent_});
    auto const next = doubt.ec == errc::store_reset ? next_step::give_up : next_step::elsewhere;
    failed(doubt, next, true);
  }

  void on_refusal(http::response const& got) {
    auto const v = wire::etcd::judge(got.status, wire::etcd::read_failure(got.status, got.body), got.get("Location"));
    auto& login = client_.at_[endpoint_].login;
    if (v.next == wire::etcd::next_step::login && client_.who_ && !logged_in_again_) {
      logged_in_again_ = true;
      if (login.issue() == issue_) login.forget();
      return begin();  // it was refused before anything was done: the try does not count
    }
    bool const passing = v.next == wire::etcd::next_step::login && logged_in_again_ && client_.memory_.met();
    bool const anonymous = v.next == wire::etcd::next_step::login && !client_.who_;
    lease_exists_ = v.lease_exists;
    auto const ec = passing ? make_error_code(errc::unreachable) : v.ec;  // refused twice within one question
    auto how = told(ec, v.message + (anonymous ? " (username: this server wants one)" : ""), got.status);
    if (how.ec == cond::transient) how.leave_alone = got.retry_after();
    failed(std::move(how), v.next, v.may_have_happened);
  }

  outcome told(error_code ec, std::string message, int status) const {
    return {ec, diagnostics(std::move(message), client_.name_of(endpoint_), {}, status)};
  }

  void failed(outcome how, wire::etcd::next_step next, bool maybe_done) {
    if (maybe_done) uncertain_ = true;
    bool const elsewhere = next == wire::etcd::next_step::elsewhere;
    if (elsewhere) client_.avoid(endpoint_, how.text());
    worst_ = elsewhere ? worse(std::move(worst_), how) : how;
    // What was not sent at all may be tried elsewhere even if it must not happen twice.
    if (!maybe_done && !what_.repeatable && elsewhere && ++unsent_ < client_.at_.size()) ++tries_left_;
    --tries_left_;
    auto const left = what_.give_up.left(client_.context_->now());
    if (elsewhere && tries_left_ > 0 && left > nanoseconds(0)) return begin();
    finish({client_.soften(worst_), uncertain_, lease_exists_, sent_});
  }

  // Of several servers' answers the one counts that a person has to act on; but once the cluster was met, a
  // single bad endpoint must not turn the hiccup of the others into an end.
  outcome worse(outcome before, outcome const& now) const {
    if (before.ok()) return now;
    bool const before_counts = (before.ec == cond::fatal) != client_.memory_.met();
    bool const now_counts = (now.ec == cond::fatal) != client_.memory_.met();
    return before_counts && !now_counts ? before : now;
  }

  void finish(called how) {
    auto const self = shared_from_this();
    auto const done = std::exchange(done_, nullptr);
    logging_in_.reset();  // a login that gives up at the same moment must not find us again
    exchange_.reset();
    limit_.clear();
    step_out();
    bool const last = client_.sent_off_.erase(self) != 0 && client_.sent_off_.empty();
    if (last && client_.when_quiet_) client_.when_quiet_();
    done(how);
  }

  etcd_client& client_;
  question what_;
  take_fn take_;
  std::function<void(called const&)> done_;
  instant began_;
  std::size_t tries_left_;
  std::size_t unsent_ = 0;
  std::size_t endpoint_ = 0;
  std::uint64_t issue_ = 0;
  std::int64_t known_ = 0;
  instant sent_{};
  bool uncertain_ = false;
  bool lease_exists_ = false;
  bool logged_in_again_ = false;
  bool on_its_way_ = false;  // and counted
  timer limit_;              // while it stands in line
  outcome worst_;
  std::shared_ptr<void> logging_in_;
  std::unique_ptr<http::pending> exchange_;
};

/// A watch that is being opened: the login, then the stream itself.
class etcd_client::opening final : public conversation {
public:
  opening(etcd_client& owner, std::size_t endpoint, std::string body, milliseconds span, instant head_by,
          http::stream_reader& to)
      : client_(owner), endpoint_(endpoint), body_(std::move(body)), span_(span), head_by_(head_by), to_(to) {}

  void begin() {
    auto& login = client_.at_[endpoint_].login;
    if (!login.needed()) return open();
    auto done = [this](outcome const& how) {
      if (how.ok()) open();
      else to_.on_end(how);
    };
    logging_in_ = login.go(head_by_, std::move(done));
  }

private:
  void open() {
    auto request = client_.make_request(endpoint_, "/v3/watch", std::move(body_), span_, true);
    // A member without a leader would leave the stream open and silent (etcd#10819).
    request.fields.push_back({"Grpc-Metadata-hasleader", "true"});
    stream_ = client_.at_[endpoint_].way->open_stream(std::move(request), head_by_, to_);
  }

  etcd_client& client_;
  std::size_t endpoint_;
  std::string body_;
  milliseconds span_;
  instant head_by_;
  http::stream_reader& to_;
  std::shared_ptr<void> logging_in_;
  std::unique_ptr<http::pending> stream_;
};

etcd_client::etcd_client(std::shared_ptr<store_context> context, client_options how,
                         std::function<void()> store_was_reset)
    : context_(std::move(context)), store_was_reset_(std::move(store_was_reset)) {
  if (!how.username.empty())
    who_ = std::make_shared<credentials const>(credentials{std::move(how.username), std::move(how.password)});
  for (auto& where : how.endpoints) {
    http::transport_limits limits;
    limits.idle_connections = kept_connections;
    auto way = how.network->reach(context_, std::move(where), how.tls, limits);
    at_.emplace_back(way, login_at(context_, way, who_));
  }
}

etcd_client::~etcd_client() = default;

http::request etcd_client::make_request(std::size_t endpoint, char const* path, std::string body, nanoseconds limit,
                                        bool repeatable) {
  http::request what;
  what.target = path;
  // Without an Accept field, a call could run as whoever the server's own certificate names.
  what.fields = {
      {"Accept", "application/json"}, {"Content-Type", "application/json"}, {"Grpc-Timeout", grpc_timeout(limit)}};
  if (who_) what.authorization = at_[endpoint].login.token();
  what.body = std::move(body);
  what.repeatable = repeatable;
  return what;
}

asked etcd_client::start(question what, take_fn take, std::function<void(called const&)> done) {
  auto const made = std::make_shared<call>(*this, std::move(what), std::move(take), std::move(done));
  if (made->way() == lane::beside) {
    made->begin();
    return made;
  }
  made->stand_in_line();
  auto& its_line = line_of(made->way());
  its_line.waiting.push_back(made);
  next_in(its_line);
  return made;
}

// Not once the execution context goes: those in line are being told so, and nobody would hear an answer.
void etcd_client::next_in(line& of) {
  if (of.waiting.empty() || !context_->executor()) return;
  while (of.on_their_way < of.most && !of.waiting.empty()) {
    auto const next = of.waiting.front().lock();
    of.waiting.pop_front();
    if (!next || next->done()) continue;
    ++of.on_their_way;
    next->go();
  }
}

asked etcd_client::txn(question what, std::size_t on_success, std::size_t on_failure,
                       std::function<void(called const&, wire::etcd::txn_answer)> done) {
  auto const got = std::make_shared<wire::etcd::txn_answer>();
  auto take = [=](std::string_view body) -> std::optional<wire::etcd::answer_header> {
    auto answer = wire::etcd::read_txn(body, on_success, on_failure);
    if (!answer) return std::nullopt;
    *got = std::move(*answer);
    return got->header;
  };
  return start(std::move(what), std::move(take),
               [got, done = std::move(done)](called const& how) { done(how, std::move(*got)); });
}

void etcd_client::send_off(question what) {
  auto const made = std::make_shared<call>(*this, std::move(what), wire::etcd::read_header, [](called const&) {});
  sent_off_.insert(made);
  made->stand_in_line();
  line_.waiting.push_back(made);
  next_in(line_);
}

asked etcd_client::watch(std::size_t endpoint, std::string body, milliseconds span, instant head_by,
                         http::stream_reader& to) {
  auto const made = std::make_shared<opening>(*this, endpoint, std::move(body), span, head_by, to);
  made->begin();
  return made;
}

std::unique_ptr<http::web_socket> etcd_client::watch_socket(std::size_t endpoint, instant open_by,
                                                            http::socket_reader& to) {
  return at_[endpoint].way->open_socket("/v3/watch", open_by, to);
}

void etcd_client::avoid(std::size_t endpoint, std::string const& why) {
  if (endpoint != current_ || at_.size() == 1) return;
  current_ = (current_ + 1) % at_.size();
  context_->log(severity::info, "etcd: " + name_of(endpoint) + " is left for " + name_of(current_) + ": " + why);
}

outcome etcd_client::believe(std::size_t endpoint, wire::etcd::answer_header const& header, bool write,
                             std::int64_t known) {
  auto const doubted = [&](errc ec, char const* why) {
    return outcome(make_error_code(ec), diagnostics(why, name_of(endpoint), {}, 200));
  };
  switch (memory_.admit(header.cluster_id, header.raft_term, header.revision, write, known)) {
    case rules::belief::fine: return {};
    case rules::belief::stale_member:
      return doubted(errc::unreachable, "this member has not heard of the last vote (its raft term is old)");
    case rules::belief::other_cluster: break;
    case rules::belief::went_back: {
      store_was_reset_();
      return doubted(errc::store_reset,
                     "a write was answered with an older revision than one seen before: the "
                     "cluster was restored or recreated, and its tokens would repeat");
    }
  }
  auto const doubt = doubted(errc::wrong_cluster, "another cluster than the first one seen answers here");
  if (!std::exchange(at_[endpoint].refused, true))
    context_->log(severity::error, "etcd: " + name_of(endpoint) + ": " + doubt.text());
  return doubt;
}

// Before the first good answer, something that is not etcd at all needs a person. Later it is trouble that passes.
outcome etcd_client::soften(outcome const& how) const {
  bool const strange = how.ec == errc::bad_response || how.ec == errc::not_found;
  if (!strange || !memory_.met()) return how;
  return {make_error_code(errc::unreachable), how.details};
}

}  // namespace coelect::stores::etcd
