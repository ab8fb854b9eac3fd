// How messages fare between a host and a server, on the world's time.
#include "sim/network.hpp"
#include <algorithm>
#include <deque>
#include <utility>

namespace coelect::sim {

using namespace std::chrono_literals;

std::string message_mix::text() const {
  std::string all;
  auto const add = [&all](char const* what, unsigned percent) {
    if (percent != 0) all += std::string(all.empty() ? "" : ", ") + what + " " + std::to_string(percent) + " %";
  };
  add("lose_request", lose_request);
  add("lose_answer", lose_answer);
  add("cut", cut);
  add("delay", delay);
  add("very_late", very_late);
  add("twice", twice);
  add("stream_break", stream_break);
  add("stream_silent", stream_silent);
  return all.empty() ? "no loss" : all;
}

nanoseconds network::travel_time() {
  auto time = 100us + world().below(nanoseconds(400us));
  if (world().chance(mix_.delay)) time += world().below(nanoseconds(2500ms));
  return time;
}

// --- Exchanges ----------------------------------------------------------------------------------------------------------

/// One request and its answer. Shared by what is on its way and by who waits for it.
class network::flight : public std::enable_shared_from_this<flight> {
public:
  flight(std::shared_ptr<network> on, std::shared_ptr<store_context> context, std::function<void(http::exchanged)> done)
      : on_(std::move(on)), context_(std::move(context)), done_(std::move(done)) {}

  void give_up_at(instant when) {
    give_up_ = context_->at(when, [self = weak_from_this()] {
      auto const live = self.lock();
      if (live) live->finish_here(outcome(errc::timed_out, "no answer in time"), {});
    });
  }
  /// Nobody wants it any more.
  void drop() {
    done_ = nullptr;
    give_up_.clear();
  }
  /// On its way back: `what` reaches the host then, unless the host is cut off or dead.
  void answer_after(nanoseconds wait, outcome how, http::response what) {
    auto& world = on_->world();
    world.after(wait, [self = shared_from_this(), how = std::move(how), what = std::move(what)]() mutable {
      if (self->on_->faults_.deaf(self->on_->host_)) return;
      self->context_->post([self, how = std::move(how), what = std::move(what)]() mutable {
        self->finish_here(std::move(how), std::move(what));
      });
    });
  }
  bool sent = true;

private:
  void finish_here(outcome how, http::response what) {
    auto const done = std::exchange(done_, nullptr);
    if (!done) return;
    give_up_.clear();
    http::exchanged result;
    result.how = std::move(how);
    result.sent = sent;
    result.got = std::move(what);
    done(std::move(result));
  }

  std::shared_ptr<network> on_;
  std::shared_ptr<store_context> context_;
  std::function<void(http::exchanged)> done_;
  timer give_up_;
};

void network::depart(std::shared_ptr<flight> const& one, std::size_t endpoint, server::message const& what) {
  ++sent_.requests;
  world().note(to_.name_of(*what), host_.number(), endpoint);
  if (world().tell) world().tell("                     asks " + to_.body_of(what->body));
  if (faults_.mute(host_)) return;
  if (world().chance(mix_.cut)) {
    one->answer_after(travel_time(), outcome(errc::unreachable, "the connection broke"), {});
    if (world().chance(50)) return;  // before the server had read it
  }
  if (world().chance(mix_.lose_request)) return;
  auto arrival = travel_time();
  if (world().chance(mix_.very_late)) arrival += world().below(nanoseconds(20s));
  bool const lose_answer = world().chance(mix_.lose_answer);
  auto const self = shared_from_this();
  auto arrive = [self, one, endpoint, what, lose_answer] {
    auto answer = [self, one, lose_answer](http::response got) {
      if (self->world().tell)
        self->world().tell("                     host " + std::to_string(self->host_.number()) + " is told " +
                           (lose_answer ? "in vain " : "") + self->to_.body_of(got.body));
      if (!lose_answer) one->answer_after(self->travel_time(), {}, std::move(got));
    };
    self->to_.arrive(endpoint, what, std::move(answer));
  };
  // Nothing between here and there repeats what must not be repeated and has been answered.
  if (what->repeatable && world().chance(mix_.twice)) {
    auto again = [self, endpoint, what] { self->to_.arrive(endpoint, what, [](http::response const&) {}); };
    auto const second = arrival + world().below(nanoseconds(15s));
    sent_.arrived = std::max(sent_.arrived, world().now() + second);
    world().after(second, std::move(again));
  }
  sent_.arrived = std::max(sent_.arrived, world().now() + arrival);
  world().after(arrival, std::move(arrive));
}

// --- Streams ------------------------------------------------------------------------------------------------------------

/// One stream: what was said waits here until the network lets it through.
class network::flow final : public stream_sink, public std::enable_shared_from_this<flow> {
public:
  flow(std::shared_ptr<network> on, std::shared_ptr<store_context> context, http::stream_reader& to)
      : on_(std::move(on)), context_(std::move(context)), to_(&to) {}

  void head(int status) override {
    push([status](flow& self) {
      http::response head;
      head.status = status;
      self.head_by_.clear();
      self.to_->on_head(head);
    });
  }
  void line(std::string text) override {
    push([text = std::move(text)](flow& self) { self.to_->on_line(text); });
  }
  void end(outcome how) override {
    push([how = std::move(how)](flow& self) { self.end_here(how); });
  }
  bool open() const override { return to_ != nullptr; }

  void head_by(instant when) {
    head_by_ = context_->at(when, [self = weak_from_this()] {
      auto const live = self.lock();
      if (live && live->to_) live->end_here(outcome(errc::timed_out, "the head of the answer does not come"));
    });
  }
  void drop() {
    to_ = nullptr;
    head_by_.clear();
  }
  void fall_silent() { silent_ = true; }

private:
  using call = std::function<void(flow&)>;

  void push(call what) {
    waiting_.push_back(std::move(what));
    if (waiting_.size() == 1) deliver_after(on_->travel_time());
  }
  // TCP: in order, and what was held up by a partition comes through afterwards.
  void deliver_after(nanoseconds wait) {
    on_->world().after(wait, [self = shared_from_this()] {
      if (self->to_ == nullptr || self->silent_) return;
      if (self->on_->faults_.deaf(self->on_->host_)) return self->deliver_after(200ms);
      auto next = std::move(self->waiting_.front());
      self->waiting_.pop_front();
      self->context_->post([self, next = std::move(next)] {
        if (self->to_ != nullptr) next(*self);
      });
      if (!self->waiting_.empty()) self->deliver_after(20us);
    });
  }
  void end_here(outcome const& how) {
    head_by_.clear();
    auto* const to = std::exchange(to_, nullptr);
    to->on_end(how);
  }

  std::shared_ptr<network> on_;
  std::shared_ptr<store_context> context_;
  http::stream_reader* to_;  // null once nobody listens
  timer head_by_;
  std::deque<call> waiting_;
  bool silent_ = false;
};

// --- Sockets ------------------------------------------------------------------------------------------------------------

/// One WebSocket: both directions are in order, late together, and silent together.
class network::channel final : public stream_sink, public std::enable_shared_from_this<channel> {
public:
  channel(std::shared_ptr<network> on, std::size_t endpoint, std::shared_ptr<store_context> context,
          http::socket_reader& to)
      : on_(std::move(on)), endpoint_(endpoint), context_(std::move(context)), to_(&to) {}

  void head(int) override {
    push_in([](channel& self) {
      self.open_by_.clear();
      self.agreed_ = true;
      self.to_->on_open();
    });
  }
  void line(std::string text) override {
    push_in([text = std::move(text)](channel& self) { self.to_->on_message(text); });
  }
  void end(outcome how) override {
    push_in([how = std::move(how)](channel& self) { self.end_here(how); });
  }
  bool open() const override { return to_ != nullptr; }

  void send(server::message what) {
    auto const name = on_->to_.name_of(*what);
    on_->world().note(name, on_->host_.number(), endpoint_);
    out_.push_back([self = shared_from_this(), what = std::move(what)] {
      if (self->open()) self->on_->to_.hear(self->endpoint_, what, self);
    });
    if (out_.size() == 1) carry_out_after(on_->travel_time());
    context_->post([self = shared_from_this()] {
      if (self->to_ != nullptr && self->agreed_) self->to_->on_drained();
    });
  }
  void open_by(instant when, bool reached) {
    open_by_ = context_->at(when, [self = weak_from_this(), reached] {
      auto const live = self.lock();
      if (!live || !live->to_) return;
      auto* const to = live->forget();
      to->on_end(outcome(errc::timed_out, "no WebSocket in time"),
                 reached ? http::socket_end::no_answer : http::socket_end::no_connection);
    });
  }
  void drop() {
    forget();
    open_by_.clear();
  }
  void fall_silent() { silent_ = true; }

private:
  using call = std::function<void(channel&)>;

  // What is still to be carried holds us.
  http::socket_reader* forget() {
    in_.clear();
    out_.clear();
    return std::exchange(to_, nullptr);
  }
  void push_in(call what) {
    in_.push_back(std::move(what));
    if (in_.size() == 1) carry_in_after(on_->travel_time());
  }
  void carry_in_after(nanoseconds wait) {
    on_->world().after(wait, [self = shared_from_this()] {
      if (self->to_ == nullptr || self->silent_) return;
      if (self->on_->faults_.deaf(self->on_->host_)) return self->carry_in_after(200ms);
      auto next = std::move(self->in_.front());
      self->in_.pop_front();
      self->context_->post([self, next = std::move(next)] {
        if (self->to_ != nullptr) next(*self);
      });
      if (!self->in_.empty()) self->carry_in_after(20us);
    });
  }
  // TCP: what was held up by a partition arrives after it.
  void carry_out_after(nanoseconds wait) {
    on_->world().after(wait, [self = shared_from_this()] {
      if (self->to_ == nullptr || self->silent_) return;
      if (self->on_->faults_.mute(self->on_->host_)) return self->carry_out_after(200ms);
      auto const next = std::move(self->out_.front());
      self->out_.pop_front();
      next();
      if (!self->out_.empty()) self->carry_out_after(20us);
    });
  }
  void end_here(outcome const& how) {
    open_by_.clear();
    auto* const to = forget();
    to->on_end(how, agreed_ ? http::socket_end::broken : http::socket_end::no_connection);
  }

  std::shared_ptr<network> on_;
  std::size_t endpoint_;
  std::shared_ptr<store_context> context_;
  http::socket_reader* to_;  // null once nobody listens
  timer open_by_;
  std::deque<call> in_;
  std::deque<std::function<void()>> out_;
  bool silent_ = false, agreed_ = false;
};

// --- The door -----------------------------------------------------------------------------------------------------------

class sim_transport final : public http::transport {
public:
  sim_transport(std::shared_ptr<network> on, std::shared_ptr<store_context> context, std::size_t endpoint,
                std::string name)
      : on_(std::move(on)), context_(std::move(context)), endpoint_(endpoint), name_(std::move(name)) {}

  std::unique_ptr<http::pending> exchange(http::request what, instant give_up,
                                          std::function<void(http::exchanged)> done) override {
    struct waiting : http::pending {
      explicit waiting(std::shared_ptr<network::flight> f) : one(std::move(f)) {}
      ~waiting() override { one->drop(); }
      std::shared_ptr<network::flight> one;
    };
    auto const one = std::make_shared<network::flight>(on_, context_, std::move(done));
    one->give_up_at(give_up);
    if (refused()) {
      one->sent = false;
      one->answer_after(200us, outcome(errc::unreachable, name_ + " refuses connections"), {});
    } else {
      on_->depart(one, endpoint_, std::make_shared<http::request const>(std::move(what)));
    }
    return std::make_unique<waiting>(one);
  }

  std::unique_ptr<http::pending> open_stream(http::request what, instant head_by, http::stream_reader& to) override {
    struct listening : http::pending {
      explicit listening(std::shared_ptr<network::flow> f) : one(std::move(f)) {}
      ~listening() override { one->drop(); }
      std::shared_ptr<network::flow> one;
    };
    auto const one = std::make_shared<network::flow>(on_, context_, to);
    one->head_by(head_by);
    auto& world = on_->world();
    ++on_->sent_.requests;
    world.note(on_->to_.name_of(what), on_->host_.number(), endpoint_);
    if (world.tell) world.tell("                     asks " + on_->to_.body_of(what.body));
    if (refused()) {
      one->end(outcome(errc::unreachable, name_ + " refuses connections"));
    } else if (!on_->faults_.mute(on_->host_) && !world.chance(on_->mix_.lose_request)) {
      auto const message = std::make_shared<http::request const>(std::move(what));
      world.after(on_->travel_time(), [on = on_, one, message, endpoint = endpoint_] {
        if (one->open()) on->to_.subscribe(endpoint, message, one);
      });
      if (world.chance(on_->mix_.stream_break))
        world.after(world.below(nanoseconds(20s)), [one] { one->end(outcome(errc::unreachable, "the stream broke")); });
      if (world.chance(on_->mix_.stream_silent))
        world.after(world.below(nanoseconds(20s)), [one] { one->fall_silent(); });
    }
    return std::make_unique<listening>(one);
  }

  std::unique_ptr<http::web_socket> open_socket(std::string const& target, instant open_by,
                                                http::socket_reader& to) override {
    struct held final : http::web_socket {
      explicit held(std::shared_ptr<network::channel> c, std::string t) : one(std::move(c)), target(std::move(t)) {}
      ~held() override { one->drop(); }
      void send(std::string text) override {
        http::request what;
        what.target = target;
        what.body = std::move(text);
        one->send(std::make_shared<http::request const>(std::move(what)));
      }
      std::shared_ptr<network::channel> one;
      std::string target;
    };
    if (!on_->to_.has_sockets()) return nullptr;
    auto const one = std::make_shared<network::channel>(on_, endpoint_, context_, to);
    auto& world = on_->world();
    ++on_->sent_.requests;
    world.note("etcd socket", on_->host_.number(), endpoint_);
    bool const reached = !on_->faults_.mute(on_->host_);
    one->open_by(open_by, reached);
    if (refused()) {
      one->end(outcome(errc::unreachable, name_ + " refuses connections"));
    } else if (reached && !world.chance(on_->mix_.lose_request)) {
      world.after(on_->travel_time(), [on = on_, one, endpoint = endpoint_] {
        if (one->open()) on->to_.welcome(endpoint, one);
      });
      if (world.chance(on_->mix_.stream_break))
        world.after(world.below(nanoseconds(20s)), [one] { one->end(outcome(errc::unreachable, "the socket broke")); });
      if (world.chance(on_->mix_.stream_silent))
        world.after(world.below(nanoseconds(20s)), [one] { one->fall_silent(); });
    }
    return std::make_unique<held>(one, target);
  }

  std::string const& name() const noexcept override { return name_; }

private:
  bool refused() const { return !on_->to_.listens(endpoint_) && !on_->faults_.mute(on_->host_); }

  std::shared_ptr<network> on_;
  std::shared_ptr<store_context> context_;
  std::size_t endpoint_;
  std::string name_;
};

std::shared_ptr<http::transport> network::reach(std::shared_ptr<store_context> context, http::origin where,
                                                tls_options const&, http::transport_limits) {
  std::size_t endpoint = 0;
  if (where.host.starts_with("10.0.0.")) endpoint = std::stoul(where.host.substr(7)) - 1;
  return std::make_shared<sim_transport>(shared_from_this(), std::move(context), endpoint,
                                         where.host + ":" + std::to_string(where.port));
}

}  // namespace coelect::sim
