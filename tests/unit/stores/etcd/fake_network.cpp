// The way to the pretended etcd: requests, watches, and what the rules of a test do to them.
#include "fake_etcd.hpp"
#include <algorithm>

namespace coelect::test {

// --- Watches --------------------------------------------------------------------------------------------------------------

/// One open stream.
struct fake_etcd::flow : std::enable_shared_from_this<flow> {
  flow(std::shared_ptr<store_context> c, json const& body) : context(std::move(c)), wanted(body) {}
  std::shared_ptr<store_context> context;
  http::stream_reader* to = nullptr;  // null once nobody listens
  etcd_watch wanted;
  bool mute = false, begun = false;
  timer later;

  /// Calls on the store's strand, one handler each.
  void post(std::function<void(http::stream_reader&)> call) {
    context->post([weak = weak_from_this(), call = std::move(call)] {
      auto const self = weak.lock();
      if (self && self->to != nullptr) call(*self->to);
    });
  }
  void finish(outcome how) {
    post([self = shared_from_this(), how](http::stream_reader& to) {
      self->to = nullptr;
      to.on_end(how);
    });
  }
};

void fake_etcd::tell_all(std::vector<etcd_change> const& events) {
  std::erase_if(flows_, [](auto const& weak) { return weak.expired(); });
  for (auto const& weak : flows_)
    if (auto const f = weak.lock(); f && f->begun) tell(*this, *f, f->wanted.chosen(events));
  tell_sockets(events);
}

void fake_etcd::tell(fake_etcd& of, flow& to, std::vector<etcd_change> const& events) {
  if (events.empty() || to.mute) return;
  to.post([line = of.event_line(events).dump()](http::stream_reader& reader) { reader.on_line(line); });
}

void fake_etcd::end_streams(outcome how) {
  for (auto const& weak : flows_)
    if (auto const f = weak.lock()) f->finish(how);
  end_sockets(how);
}

void fake_etcd::say(std::string const& line) {
  for (auto const& weak : flows_)
    if (auto const f = weak.lock(); f && f->begun)
      f->post([line](http::stream_reader& reader) { reader.on_line(line); });
  say_on_sockets(line);
}

std::size_t fake_etcd::streams() const {
  auto const flows = std::count_if(flows_.begin(), flows_.end(), [](auto const& weak) {
    auto const f = weak.lock();
    return f && f->begun && f->to != nullptr;
  });
  return static_cast<std::size_t>(flows) + socket_watches();
}

// --- The network ------------------------------------------------------------------------------------------------------------

fake_call fake_etcd::arrive(std::size_t endpoint, http::request const& what) {
  fake_call c;
  c.endpoint = endpoint;
  c.path = what.target;
  c.raw_body = what.body;
  c.body = what.body.empty() ? json::object() : json::parse(what.body);
  c.token = std::string(what.authorization.reveal());
  c.at = world_.now();
  for (auto it = rules_.begin(); it != rules_.end(); ++it) {
    if (it->left == 0 || !it->fits(c)) continue;
    if (it->left != std::size_t(-1)) --it->left;
    auto const act = it->act;
    act(c);
    break;
  }
  calls.push_back(c);
  return c;
}

class fake_transport final : public http::transport {
public:
  fake_transport(std::shared_ptr<fake_etcd> etcd, std::shared_ptr<store_context> context, std::size_t number,
                 std::string name)
      : etcd_(std::move(etcd)), context_(std::move(context)), number_(number), name_(std::move(name)) {}

  std::unique_ptr<http::pending> exchange(http::request what, instant give_up,
                                          std::function<void(http::exchanged)> done) override {
    struct waiting : http::pending {
      timer ring;
    };
    auto const call = etcd_->arrive(number_, what);
    http::exchanged answer;
    answer.sent = true;
    auto [status, body] = call.execute ? etcd_->carry_out(call.path, call.body) : std::pair<int, json>(200, json());
    if (call.edit) call.edit(body);
    answer.got.status = call.text ? call.status : status;
    answer.got.body = call.text ? *call.text : body.dump();
    auto when = context_->now() + call.delay;
    if (!call.answered || give_up.reached(when)) {
      when = give_up;
      answer.how = outcome(errc::timed_out, "no answer from " + name_ + " in time");
    } else if (call.cut) {
      answer.how = outcome(errc::unreachable, name_ + " closed the connection without an answer");
    }
    auto made = std::make_unique<waiting>();
    made->ring = context_->at(when, [answer, done = std::move(done)] { done(answer); });
    return made;
  }

  std::unique_ptr<http::pending> open_stream(http::request what, instant head_by, http::stream_reader& to) override {
    struct listening : http::pending {
      std::shared_ptr<fake_etcd::flow> flow;
      ~listening() override { flow->to = nullptr; }
    };
    auto const call = etcd_->arrive(number_, what);
    auto const f = std::make_shared<fake_etcd::flow>(context_, call.body);
    f->to = &to;
    f->mute = call.mute;
    auto made = std::make_unique<listening>();
    made->flow = f;
    auto const weak = std::weak_ptr(f);
    auto const late = !call.answered || head_by.reached(context_->now() + call.delay);
    auto const wait = late ? head_by.left(context_->now()) : nanoseconds(call.delay);
    auto begin = [weak, call, late, etcd = etcd_, span = grpc_timeout(what)] {
      auto const flow = weak.lock();
      if (!flow || flow->to == nullptr) return;
      if (late) return flow->finish(outcome(errc::timed_out, "the head of the answer does not come"));
      if (call.cut) return flow->finish(outcome(errc::unreachable, "cut"));
      begin_flow(*etcd, flow, call, span);
    };
    f->later = context_->after(wait, std::move(begin));
    return made;
  }

  std::unique_ptr<http::web_socket> open_socket(std::string const& target, instant open_by,
                                                http::socket_reader& to) override {
    REQUIRE(target == "/v3/watch");
    return etcd_->sockets ? etcd_->open_socket(number_, context_, open_by, to) : nullptr;
  }

  std::string const& name() const noexcept override { return name_; }

private:
  static milliseconds grpc_timeout(http::request const& what) {
    for (auto const& field : what.fields)
      if (field.name == "Grpc-Timeout") return milliseconds(std::stoll(field.value));
    return std::chrono::hours(1);
  }

  static void begin_flow(fake_etcd& etcd, std::shared_ptr<fake_etcd::flow> const& flow, fake_call const& call,
                         milliseconds span) {
    flow->begun = true;
    etcd.flows_.push_back(flow);
    http::response head;
    head.status = call.status;
    flow->post([head](http::stream_reader& to) { to.on_head(head); });
    auto const first = call.text ? *call.text : etcd.created_line();
    if (!first.empty()) flow->post([first](http::stream_reader& to) { to.on_line(first); });
    fake_etcd::tell(etcd, *flow, flow->wanted.chosen(etcd.history()));
    flow->later = flow->context->after(span, [weak = std::weak_ptr(flow)] {
      auto const f = weak.lock();
      if (!f || f->to == nullptr) return;
      f->post([](http::stream_reader& to) {
        to.on_line(R"({"error":{"grpc_code":4,"http_code":504,"message":"context deadline exceeded"}})");
      });
      f->finish({});
    });
  }

  std::shared_ptr<fake_etcd> etcd_;
  std::shared_ptr<store_context> context_;
  std::size_t number_;
  std::string name_;
};

std::shared_ptr<http::transport> fake_etcd::reach(std::shared_ptr<store_context> context, http::origin where,
                                                  tls_options const&, http::transport_limits) {
  auto const dot = where.host.rfind('.');
  auto const number = std::stoul(where.host.substr(dot + 1)) - 1;
  return std::make_shared<fake_transport>(shared_from_this(), std::move(context), number,
                                          where.host + ":" + std::to_string(where.port));
}

}  // namespace coelect::test
