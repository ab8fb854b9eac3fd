// The words in which scripts of exchanges with an account are written: requests, answers, pauses.
#pragma once
#include "azure_exchanges.hpp"
#include <utility>

namespace coelect::test {

inline char const* const lease_a = "aaaaaaaa-0000-4000-8000-000000000001";
inline char const* const lease_b = "bbbbbbbb-0000-4000-8000-000000000002";
inline char const* const lease_c = "cccccccc-0000-4000-8000-000000000003";

namespace azure_steps {

namespace az = wire::azure;
using std::chrono::seconds;

// Answers, abbreviated.
inline std::string const m = "409 LeaseIdMismatchWithLeaseOperation not_mine";
inline std::string const np = "409 LeaseNotPresentWithLeaseOperation not_mine";
inline std::string const ap = "409 LeaseAlreadyPresent held";
inline std::string const br = "409 LeaseIsBrokenAndCannotBeRenewed breaking";
inline std::string const ba = "409 LeaseIsBreakingAndCannotBeAcquired held";
inline std::string const bc = "409 LeaseIsBreakingAndCannotBeChanged breaking";
inline std::string const none = "412 LeaseNotPresentWithBlobOperation not_mine";
inline std::string const other = "412 LeaseIdMismatchWithBlobOperation not_mine";
inline std::string const missing = "412 LeaseIdMissing not_mine";
inline std::string const lost = "412 LeaseLost not_mine";
inline std::string const unmet = "412 ConditionNotMet changed";
inline std::string const there = "409 BlobAlreadyExists not_mine";
inline std::string const bad = "400 InvalidHeaderValue wrong_request";
inline std::string const no_blob = "404 BlobNotFound no_blob";
inline std::string const no_container = "404 ContainerNotFound no_container";

using memory = script_memory;
using fields = std::vector<http::field>;

inline exchange step(std::string what, std::function<http::request(memory const&)> ask, std::string says,
                     exchange::etag tag) {
  exchange e;
  e.what = std::move(what);
  e.ask = std::move(ask);
  e.says = std::move(says);
  e.tag = tag;
  return e;
}

/// The same request to the blob in the other container.
inline exchange elsewhere(exchange e) {
  auto ask = std::move(e.ask);
  e.ask = [ask](memory const& k) { return ask({k.other, k.other, k.tags}); };
  return e;
}
/// With more fields.
inline exchange plus(exchange e, fields more) {
  auto ask = std::move(e.ask);
  e.ask = [ask, more](memory const& k) {
    auto what = ask(k);
    what.fields.insert(what.fields.end(), more.begin(), more.end());
    return what;
  };
  return e;
}
/// With a condition on the ETag, as it is known then.
inline exchange only_if(exchange e, char const* field, std::string (*tag)(memory const&)) {
  auto ask = std::move(e.ask);
  e.ask = [ask, field, tag](memory const& k) {
    auto what = ask(k);
    what.fields.push_back({field, tag(k)});
    return what;
  };
  return e;
}
inline std::string last_tag(memory const& k) { return k.tags.empty() ? "\"0x1\"" : k.tags.back(); }
inline std::string first_tag(memory const& k) { return k.tags.front(); }
inline std::string bad_tag(memory const&) { return "\"0xBAD\""; }
inline std::string any_tag(memory const&) { return "*"; }

inline http::request bare(char const* method, az::blob_path const& where, char const* query = "") {
  http::request what;
  what.method = method;
  what.target = where.full() + query;
  return what;
}

// --- Leases -----------------------------------------------------------------------------------------------------------

/// Of any kind, also such as the library never makes.
inline exchange lease(std::string const& action, fields more, std::string says) {
  auto ask = [action, more](memory const& k) {
    auto what = bare("PUT", k.own, "?comp=lease");
    what.fields.push_back({"x-ms-lease-action", action});
    what.fields.insert(what.fields.end(), more.begin(), more.end());
    return what;
  };
  return step(action, ask, std::move(says), exchange::etag::kept);
}
inline exchange acquire(std::string const& id, int duration = 60) {
  auto const ask = [id, duration](memory const& k) { return az::acquire(k.own, id, duration); };
  auto e = step("acquire " + id.substr(0, 1), ask, "201", exchange::etag::kept).gives(id);
  e.starts_clock = true;
  return e;
}
inline exchange renew(std::string const& id) {
  auto const ask = [id](memory const& k) { return az::renew(k.own, id); };
  auto e = step("renew " + id.substr(0, 1), ask, "200", exchange::etag::kept).gives(id);
  e.starts_clock = true;
  return e;
}
inline exchange release(std::string const& id) {
  auto const ask = [id](memory const& k) { return az::release(k.own, id); };
  return step("release " + id.substr(0, 1), ask, "200", exchange::etag::kept);
}
inline exchange change(std::string const& from, std::string const& to) {
  auto e = lease("change", {{"x-ms-lease-id", from}, {"x-ms-proposed-lease-id", to}}, "200").gives(to);
  e.what = "change " + from.substr(0, 1) + " to " + to.substr(0, 1);
  return e;
}
inline exchange break_in(int period) {
  auto e = lease("break", {{"x-ms-lease-break-period", std::to_string(period)}}, "202");
  e.what = "break " + std::to_string(period);
  e.starts_clock = true;
  return e;
}
inline exchange break_now() {
  auto const ask = [](memory const& k) { return az::break_lease(k.own, true); };
  return step("break 0", ask, "202", exchange::etag::kept).left(0, 0);
}
/// When it would have run out.
inline exchange break_at_its_end() {
  auto const ask = [](memory const& k) { return az::break_lease(k.own, false); };
  return step("break", ask, "202", exchange::etag::kept);
}

// --- Blobs ------------------------------------------------------------------------------------------------------------

inline exchange make() {
  auto const ask = [](memory const& k) { return az::create_blob(k.own, 1); };
  return step("make", ask, "201", exchange::etag::changed);
}
inline exchange look() {
  auto const ask = [](memory const& k) { return az::properties(k.own); };
  return step("look", ask, "200", exchange::etag::kept);
}
inline exchange get() {
  return step(
      "get", [](memory const& k) { return bare("GET", k.own); }, "200", exchange::etag::kept);
}
/// Set Metadata; the term is 7, the nonce C.
inline exchange write() {
  auto const ask = [](memory const& k) {
    auto what = bare("PUT", k.own, "?comp=metadata");
    what.fields = {{"x-ms-meta-nonce", lease_c}, {"x-ms-meta-term", "7"}};
    return what;
  };
  return step("write", ask, "200", exchange::etag::changed);
}
/// As the store writes a term: under its lease, and only on the blob as it was seen.
inline exchange count(std::string const& id, std::string (*tag)(memory const&) = last_tag) {
  auto const ask = [id, tag](memory const& k) {
    az::leader_record record;
    record.term = 7;
    record.nonce = lease_c;
    return az::write_record(k.own, id, tag(k), record);
  };
  return step("count as " + id.substr(0, 1), ask, "200", exchange::etag::changed);
}
/// Put Blob without any metadata.
inline exchange put(std::string const& content) {
  auto const ask = [content](memory const& k) {
    auto what = bare("PUT", k.own);
    what.fields = {{"x-ms-blob-type", "BlockBlob"}};
    what.body = content;
    return what;
  };
  return step("put", ask, "201", exchange::etag::changed);
}
/// As a leader writes a blob of its own.
inline exchange state(std::string const& content, std::string (*tag)(memory const&)) {
  auto const ask = [content, tag](memory const& k) { return az::write_state(k.own, tag ? tag(k) : "", 5, content); };
  return step("state " + content, ask, "201", exchange::etag::changed);
}
inline exchange erase() {
  return step(
      "erase", [](memory const& k) { return bare("DELETE", k.own); }, "202", exchange::etag::any);
}
inline exchange as(std::string const& id, exchange e) {
  e.what += " as " + id.substr(0, 1);
  return plus(std::move(e), {{"x-ms-lease-id", id}});
}
inline exchange container(char const* method, std::string says) {
  auto const ask = [method](memory const& k) {
    auto what = az::create_container(k.other);
    what.method = method;
    return what;
  };
  return step(std::string(method) + " container", ask, std::move(says), exchange::etag::any);
}

// --- Time -------------------------------------------------------------------------------------------------------------

inline exchange pause(seconds span) {
  exchange e;
  e.what = "pause";
  e.pause = span;
  return e;
}
inline exchange lasts(seconds span) {
  exchange e;
  e.what = "lasts " + std::to_string(span.count()) + " s";
  e.lasts = span;
  return e;
}

}  // namespace azure_steps
}  // namespace coelect::test
