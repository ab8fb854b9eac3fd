// How requests reach the pretended storage account, and how its answers travel.
#include "fake_azure.hpp"
#include <algorithm>

namespace coelect::test {

fake_azure::fake_azure(virtual_world& world) : model([&world] { return world.now(); }), world_(world) {
  model.make_container("/leases");
}

http::response fake_azure::answer(int status, std::string const& code) {
  http::response r;
  r.status = status;
  if (!code.empty()) r.fields.push_back({"x-ms-error-code", code});
  return r;
}

std::vector<blob_call> fake_azure::calls_of(std::string const& kind) const {
  std::vector<blob_call> some;
  std::copy_if(calls.begin(), calls.end(), std::back_inserter(some), [&](auto const& c) { return c.kind == kind; });
  return some;
}

http::response fake_azure::carry_out(blob_call const& c) {
  http::request what;
  what.method = c.method;
  what.target = c.target;
  what.fields = c.fields;
  what.body = c.body;
  return model.serve(0, what);
}

blob_call fake_azure::arrive(http::request const& what) {
  blob_call c;
  c.method = what.method;
  c.target = what.target;
  c.fields = what.fields;
  c.body = what.body;
  c.at = world_.now();
  c.blob = what.target.substr(0, what.target.find('?'));
  c.kind = c.field("x-ms-lease-action");
  if (what.method == "HEAD") c.kind = "look";
  else if (what.target.find("comp=metadata") != what.target.npos) c.kind = "count";
  else if (what.target.find("restype=container") != what.target.npos) c.kind = "container";
  else if (c.kind.empty()) c.kind = c.field("x-ms-meta-fresh").empty() ? "state" : "make";
  for (auto& r : rules_) {
    if (r.left == 0 || !r.fits(c)) continue;
    --r.left;
    auto const act = r.act;
    act(c);
    break;
  }
  return c;
}

class fake_azure_transport final : public http::transport {
public:
  fake_azure_transport(std::shared_ptr<fake_azure> azure, std::shared_ptr<store_context> context)
      : azure_(std::move(azure)), context_(std::move(context)) {}

  std::unique_ptr<http::pending> exchange(http::request what, instant give_up,
                                          std::function<void(http::exchanged)> done) override {
    struct waiting : http::pending {
      timer ring;
    };
    auto call = azure_->arrive(what);
    http::exchanged answer;
    answer.sent = true;
    if (call.execute) answer.got = azure_->carry_out(call);
    if (call.instead) answer.got = *call.instead;
    if (answer.got.get("Date").empty()) answer.got.fields.push_back({"Date", azure_->model.date()});
    if (call.edit) call.edit(answer.got);
    auto when = context_->now() + call.delay;
    if (!call.answered || give_up.reached(when)) {
      when = give_up;
      answer.how = outcome(errc::timed_out, "no answer in time");
    } else if (call.cut) {
      answer.how = outcome(errc::unreachable, "the connection was closed without an answer");
    }
    azure_->calls.push_back(std::move(call));
    auto made = std::make_unique<waiting>();
    made->ring = context_->at(when, [answer, done = std::move(done)] { done(answer); });
    return made;
  }

  std::unique_ptr<http::pending> open_stream(http::request, instant, http::stream_reader&) override { return {}; }
  std::string const& name() const noexcept override { return name_; }

private:
  std::shared_ptr<fake_azure> azure_;
  std::shared_ptr<store_context> context_;
  std::string const name_ = "acct.blob.core.windows.net:443";
};

std::shared_ptr<http::transport> fake_azure::reach(std::shared_ptr<store_context> context, http::origin,
                                                   tls_options const&, http::transport_limits) {
  return std::make_shared<fake_azure_transport>(shared_from_this(), std::move(context));
}

}  // namespace coelect::test
