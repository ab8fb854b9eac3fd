// The pretended etcd's WebSockets: many watches on each, and what the rules of a test do to them.
#include "fake_etcd.hpp"
#include <algorithm>

namespace coelect::test {

/// One socket, from the attempt on.
class fake_etcd::channel : public std::enable_shared_from_this<channel> {
public:
  channel(std::shared_ptr<fake_etcd> etcd, std::size_t endpoint, std::shared_ptr<store_context> context,
          http::socket_reader& reader)
      : etcd_(std::move(etcd)), endpoint_(endpoint), context_(std::move(context)), to(&reader) {}

  void connect(instant open_by) {
    auto const call = ask("upgrade", {});
    auto const now = context_->now();
    bool const late = !call.answered || open_by.reached(now + call.delay);
    later_ = context_->after(late ? open_by.left(now) : nanoseconds(call.delay), [this, call, late] {
      if (late) return end(outcome(errc::timed_out, "no WebSocket in time"), http::socket_end::no_answer);
      if (call.cut) return end(outcome(errc::unreachable, "no connection"), http::socket_end::no_connection);
      if (call.status != 200)
        return end(outcome(errc::bad_response, "no WebSocket: HTTP status " + std::to_string(call.status)),
                   http::socket_end::refused);
      open = true;
      post([](http::socket_reader& r) { r.on_open(); });
    });
  }

  void hear(std::string const& text) {
    if (!context_->post([weak = weak_from_this(), text] {
          if (auto const self = weak.lock(); self && self->open) self->answer(json::parse(text), text);
        })) {
      return;
    }
    post([](http::socket_reader& r) { r.on_drained(); });
  }

  void tell(std::vector<etcd_change> const& events) {
    for (auto const& [id, w] : watches)
      if (!w.mute) tell_one(id, w.wanted.chosen(events));
  }
  void say(std::string const& line) {
    for (auto const& [id, w] : watches) message(addressed(line, id));
    if (watches.empty()) message(line);
  }
  void end(outcome const& how, http::socket_end kind) {
    open = false;
    post([self = shared_from_this(), how, kind](http::socket_reader& r) {
      self->to = nullptr;
      r.on_end(how, kind);
    });
  }

  struct watch {
    etcd_watch wanted;
    bool mute;
  };
  bool open = false;
  bool mute = false;
  std::map<std::int64_t, watch> watches;

private:
  friend class fake_etcd;
  void post(std::function<void(http::socket_reader&)> call) {
    context_->post([weak = weak_from_this(), call = std::move(call)] {
      auto const self = weak.lock();
      if (self && self->to != nullptr) call(*self->to);
    });
  }
  void message(std::string const& text) {
    if (mute) return;
    post([text](http::socket_reader& r) { r.on_message(text); });
  }
  void message_after(milliseconds wait, std::string const& text) {
    auto const place = waits_.emplace(waits_.end());
    *place = context_->after(wait, [this, place, text] {
      message(text);
      waits_.erase(place);
    });
  }
  static std::string addressed(std::string const& line, std::int64_t id) {
    auto body = json::parse(line, nullptr, false);
    if (!body.is_object() || !body.contains("result") || !body["result"].is_object()) return line;
    if (!body["result"].contains("watch_id")) body["result"]["watch_id"] = std::to_string(id);
    return body.dump();
  }
  fake_call ask(std::string const& what, std::string const& body) {
    http::request request;
    request.target = what.empty() ? "/v3/watch" : "/v3/watch " + what;
    request.body = body;
    return etcd_->arrive(endpoint_, request);
  }
  void tell_one(std::int64_t id, std::vector<etcd_change> const& events) {
    if (!events.empty()) message(addressed(etcd_->event_line(events).dump(), id));
  }

  void answer(json const& body, std::string const& text) {
    if (body.contains("create_request")) return begin_watch(body, text);
    if (body.contains("cancel_request")) {
      auto const id = number(body.at("cancel_request"), "watch_id");
      auto const call = ask("cancel", text);
      if (call.cut) return end(outcome(errc::unreachable, "cut"), http::socket_end::broken);
      if (watches.erase(id) != 0)
        message_after(
            call.delay,
            json{{"result", {{"header", etcd_->header()}, {"watch_id", std::to_string(id)}, {"canceled", true}}}}
                .dump());
      return;
    }
    auto const call = ask("progress", text);
    if (call.cut) return end(outcome(errc::unreachable, "cut"), http::socket_end::broken);
    json said{{"result", {{"header", etcd_->header()}, {"watch_id", "-1"}}}};
    if (call.edit) call.edit(said);
    if (call.answered) message_after(call.delay, call.text ? *call.text : said.dump());
  }

  void begin_watch(json const& body, std::string const& text) {
    auto const id = number(body.at("create_request"), "watch_id");
    auto const call = ask("", text);
    if (call.cut) return end(outcome(errc::unreachable, "cut"), http::socket_end::broken);
    if (!call.answered) return;
    auto said = json::parse(etcd_->created_line());
    if (call.edit) call.edit(said);
    auto const first = call.text ? *call.text : said.dump();
    if (!first.empty()) message_after(call.delay, addressed(first, id));
    auto const& w = watches.insert_or_assign(id, watch{etcd_watch(body), call.mute}).first->second;
    auto const chosen = w.wanted.chosen(etcd_->history());
    if (!call.mute && !chosen.empty())
      message_after(call.delay + milliseconds(1), addressed(etcd_->event_line(chosen).dump(), id));
  }

  std::shared_ptr<fake_etcd> etcd_;
  std::size_t endpoint_;
  std::shared_ptr<store_context> context_;
  http::socket_reader* to;  // null once nobody listens
  timer later_;
  std::list<timer> waits_;
};

std::unique_ptr<http::web_socket> fake_etcd::open_socket(std::size_t endpoint, std::shared_ptr<store_context> context,
                                                         instant open_by, http::socket_reader& to) {
  struct held final : http::web_socket {
    std::shared_ptr<channel> one;
    ~held() override {
      one->to = nullptr;
      one->open = false;
    }
    void send(std::string message) override { one->hear(message); }
  };
  std::erase_if(channels_, [](auto const& weak) { return weak.expired(); });
  auto made = std::make_unique<held>();
  made->one = std::make_shared<channel>(shared_from_this(), endpoint, std::move(context), to);
  made->one->connect(open_by);
  channels_.push_back(made->one);
  return made;
}

void fake_etcd::tell_sockets(std::vector<etcd_change> const& events) {
  for (auto const& weak : channels_)
    if (auto const c = weak.lock(); c && c->open) c->tell(events);
}

void fake_etcd::end_sockets(outcome const& how) {
  for (auto const& weak : channels_)
    if (auto const c = weak.lock(); c && c->open)
      c->end(how.ok() ? outcome(errc::unreachable, "closed") : how, http::socket_end::broken);
}

void fake_etcd::say_on_sockets(std::string const& line) {
  for (auto const& weak : channels_)
    if (auto const c = weak.lock(); c && c->open) c->say(line);
}

void fake_etcd::mute_sockets() {
  for (auto const& weak : channels_)
    if (auto const c = weak.lock()) c->mute = true;
}

std::size_t fake_etcd::open_sockets() const {
  return static_cast<std::size_t>(std::count_if(channels_.begin(), channels_.end(), [](auto const& weak) {
    auto const c = weak.lock();
    return c && c->open;
  }));
}

std::size_t fake_etcd::socket_watches() const {
  std::size_t all = 0;
  for (auto const& weak : channels_)
    if (auto const c = weak.lock(); c && c->open) all += c->watches.size();
  return all;
}

}  // namespace coelect::test
