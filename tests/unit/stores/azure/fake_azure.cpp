// What the pretended storage account does with a request, and how its answers travel.
#include "fake_azure.hpp"
#include "wire/azure_date.hpp"
#include <algorithm>

namespace coelect::test {

http::response fake_azure::answer(int status, std::string const& code) {
  http::response r;
  r.status = status;
  if (!code.empty()) r.fields.push_back({"x-ms-error-code", code});
  return r;
}

std::string fake_azure::date() const {
  auto const begin = wire::azure::read_http_date("Fri, 26 Jun 2026 23:39:12 GMT").value();
  auto const gone = std::chrono::floor<std::chrono::seconds>(world_.now() - begin_);
  return wire::azure::http_date(begin + gone);
}

std::vector<blob_call> fake_azure::calls_of(std::string const& kind) const {
  std::vector<blob_call> some;
  std::copy_if(calls.begin(), calls.end(), std::back_inserter(some), [&](auto const& c) { return c.kind == kind; });
  return some;
}

http::response fake_azure::lease_action(blob& b, blob_call const& c) const {
  bool const mine = c.field("x-ms-lease-id") == b.lease && !b.lease.empty();
  if (c.kind == "acquire") {
    auto const id = c.field("x-ms-proposed-lease-id");
    if (leased(b) && b.lease != id) return answer(409, "LeaseAlreadyPresent");
    b.lease = id;
    b.broken = false;
    b.until = world_.now() + std::chrono::seconds(std::stoi(c.field("x-ms-lease-duration")));
  } else if (c.kind == "renew") {
    if (!mine) return answer(409, "LeaseIdMismatchWithLeaseOperation");
    if (b.broken) return answer(409, "LeaseIsBrokenAndCannotBeRenewed");
    b.until = world_.now() + std::chrono::seconds(20);
  } else if (c.kind == "release") {
    if (!mine) return answer(409, "LeaseIdMismatchWithLeaseOperation");
    b.lease.clear();
    return answer(200);
  } else {
    b.broken = true;
    return answer(202);
  }
  auto good = answer(c.kind == "acquire" ? 201 : 200);
  good.fields.push_back({"x-ms-lease-id", b.lease});
  return good;
}

http::response fake_azure::write(blob& b, blob_call const& c) const {
  if (c.field("If-Match") != b.etag()) return answer(412, "ConditionNotMet");
  if (!leased(b)) return answer(412, "LeaseNotPresentWithBlobOperation");
  if (c.field("x-ms-lease-id") != b.lease) return answer(412, "LeaseIdMismatchWithBlobOperation");
  b.metadata.clear();
  for (auto const& f : c.fields)
    if (f.name.starts_with("x-ms-meta-")) b.metadata.push_back(f);
  ++b.version;
  auto good = answer(200);
  good.fields.push_back({"ETag", b.etag()});
  return good;
}

http::response fake_azure::carry_out(blob_call const& c) {
  auto const found = blobs.find(c.blob);
  if (c.kind == "make") {
    if (found != blobs.end()) return answer(412, "LeaseIdMissing");  // as the service says it
    blobs[c.blob].metadata = {{"x-ms-meta-term", c.field("x-ms-meta-term")}};
    return answer(201);
  }
  if (found == blobs.end()) return answer(404, "BlobNotFound");
  auto& b = found->second;
  if (c.kind == "count") return write(b, c);
  if (c.kind != "look") return lease_action(b, c);
  auto seen = answer(200);
  seen.fields.push_back({"x-ms-lease-state", leased(b) ? "leased" : "available"});
  seen.fields.push_back({"ETag", b.etag()});
  seen.fields.insert(seen.fields.end(), b.metadata.begin(), b.metadata.end());
  return seen;
}

blob_call fake_azure::arrive(http::request const& what) {
  blob_call c;
  c.target = what.target;
  c.fields = what.fields;
  c.at = world_.now();
  c.blob = what.target.substr(0, what.target.find('?'));
  c.kind = c.field("x-ms-lease-action");
  if (what.method == "HEAD") c.kind = "look";
  else if (what.target.find("comp=metadata") != what.target.npos) c.kind = "count";
  else if (c.kind.empty()) c.kind = "make";
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
    answer.got.fields.push_back({"Date", azure_->date()});
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
