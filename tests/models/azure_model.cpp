// What the pretended storage account does with containers, blobs and metadata, and how it words its answers.
#include "azure_model.hpp"
#include "azure_call.hpp"
#include "wire/azure_date.hpp"
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace coelect::test {
namespace {

constexpr std::size_t metadata_max = std::size_t{8} * 1024;
constexpr std::chrono::seconds name_blocked{30};  // of a deleted container, at least

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (lower_case(c) >= 'a' && lower_case(c) <= 'z') || c == '_'; }

bool container_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63 || name.front() == '-' || name.back() == '-') return false;
  if (name.find("--") != name.npos) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return digit(c) || c == '-' || (c >= 'a' && c <= 'z'); });
}

constexpr std::string_view metadata_prefix = "x-ms-meta-";
bool is_metadata(http::field const& f) {
  return same_text(std::string_view(f.name).substr(0, metadata_prefix.size()), metadata_prefix);
}

template <std::size_t Room, class... Values>
std::string print(char const* how, Values... values) {
  std::array<char, Room> text{};
  auto const n = std::snprintf(text.data(), text.size(), how, values...);
  return {text.data(), static_cast<std::size_t>(n)};
}

void read_query(std::string_view query, azure_call& c) {
  while (!query.empty()) {
    auto const one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (one.starts_with("comp=")) c.comp = one.substr(5);
    if (one.starts_with("restype=")) c.restype = one.substr(8);
  }
}

}  // namespace

azure_model::azure_model(clock now, azure_column column, std::string base)
    : now_(std::move(now)), column_(column), base_(std::move(base)), begin_(now_()) {}

std::string azure_model::blob::etag() const {
  return print<32>("\"0x8DC%012llX\"", static_cast<unsigned long long>(version));
}

http::response azure_model::serve(std::size_t, http::request const& what) {
  call c{what, now_(), {}, {}, {}, {}};
  std::string_view const target = what.target;
  auto const query = std::min(target.find('?'), target.size());
  c.path = target.substr(0, query);
  c.container = c.path.substr(0, c.path.find('/', base_.size() + 1));
  if (query < target.size()) read_query(target.substr(query + 1), c);
  if (c.restype == "container") return on_container(c);
  if (c.comp == "lease") return on_lease_action(c);
  if (c.reads()) return look(c);
  if (c.comp == "metadata") return set_metadata(c);
  if (what.method == "DELETE") return erase_blob(c);
  return what.method == "PUT" && c.comp.empty() ? put_blob(c) : refuse(azure_says::bad_verb, c);
}

// --- Containers -------------------------------------------------------------------------------------------------------

http::response azure_model::on_container(call const& c) {
  auto const there = containers_.find(c.path);
  bool const exists = there != containers_.end() && !there->second.deleted;
  if (c.what.method == "PUT") {
    if (!container_name(std::string_view(c.path).substr(std::min(c.path.size(), base_.size() + 1))))
      return refuse(azure_says::bad_name, c);
    if (exists) return refuse(azure_says::container_there, c);
    bool const going = service() && there != containers_.end() && c.at < there->second.gone + name_blocked;
    if (going) return refuse(azure_says::container_going, c);
    containers_[c.path] = {};
    return good(201, c);
  }
  if (!exists) return refuse(azure_says::no_container, c);
  if (c.what.method != "DELETE") return good(200, c);
  there->second = {true, c.at};
  std::string const within = c.path + "/";
  for (auto it = blobs.lower_bound(within); it != blobs.end() && it->first.starts_with(within);) {
    auto const gone = blobs.extract(it++);
    if (held_at(gone.mapped(), c.at)) ended(gone.key(), gone.mapped().lease);
  }
  return good(202, c);
}

void azure_model::make_container(std::string const& path) { containers_[path] = {}; }

azure_refusal const* azure_model::no_blob(call const& c) const {
  auto const in = containers_.find(c.container);
  if (in == containers_.end() || in->second.deleted) return &azure_says::no_container;
  return blobs.contains(c.path) ? nullptr : &azure_says::no_blob;
}

// --- Blobs ------------------------------------------------------------------------------------------------------------

http::response azure_model::put_blob(call const& c) {
  auto const missing = no_blob(c);
  if (missing == &azure_says::no_container) return refuse(*missing, c);
  if (c.field("x-ms-blob-type").empty())
    return refuse(service() ? azure_says::missing_header : azure_says::bad_request, c);
  if (auto const why = wrong_metadata(c)) return refuse(*why, c);
  auto const found = missing ? nullptr : &blobs.find(c.path)->second;
  if (auto const why = condition(c, found)) return refuse(*why, c);
  if (found) {
    bool const only_new = c.field("If-None-Match") == "*";
    // The service asks for the lease first; its emulator says at once that the blob is there.
    if (only_new && !service()) return refuse(azure_says::blob_there, c);
    if (auto const why = lease_for_writing(c, *found)) return refuse(*why, c);
    if (only_new) return refuse(azure_says::blob_there, c);
  }
  auto& b = blobs[c.path];
  b.content = c.what.body;
  wrote(c, b);
  return good(201, c, &b);
}

http::response azure_model::set_metadata(call const& c) {
  if (auto const why = wrong_metadata(c)) return refuse(*why, c);
  auto const missing = no_blob(c);
  if (missing == &azure_says::no_container) return refuse(*missing, c);
  auto const found = missing ? nullptr : &blobs.find(c.path)->second;
  if (auto const why = condition(c, found)) return refuse(*why, c);
  if (missing) return refuse(*missing, c);
  if (auto const why = lease_for_writing(c, *found)) return refuse(*why, c);
  wrote(c, *found);
  return good(200, c, found);
}

http::response azure_model::erase_blob(call const& c) {
  auto const missing = no_blob(c);
  if (missing == &azure_says::no_container) return refuse(*missing, c);
  auto const found = missing ? nullptr : &blobs.find(c.path)->second;
  if (auto const why = condition(c, found)) return refuse(*why, c);
  if (missing) return refuse(*missing, c);
  if (auto const why = lease_for_writing(c, *found)) return refuse(*why, c);
  erase(c.path);
  return good(202, c);
}

http::response azure_model::look(call const& c) {
  if (auto const missing = no_blob(c)) return refuse(*missing, c);
  auto const& b = blobs.find(c.path)->second;
  if (auto const why = condition(c, &b)) return refuse(*why, c);
  auto const state = state_at(b, c.at);
  bool const locked = held_at(b, c.at);
  if (auto const id = c.field("x-ms-lease-id"); !id.empty()) {
    if (!locked) return refuse(azure_says::blob_no_lease, c);
    if (!same_text(id, b.lease)) return refuse(azure_says::blob_other_lease, c);
  }
  constexpr std::array<char const*, 5> names{"available", "leased", "breaking", "broken", "expired"};
  auto seen = good(200, c, &b);
  auto& f = seen.fields;
  f.push_back({"x-ms-blob-type", "BlockBlob"});
  f.push_back({"Content-Length", std::to_string(b.content.size())});
  f.push_back({"x-ms-lease-status", locked ? "locked" : "unlocked"});
  f.push_back({"x-ms-lease-state", names.at(static_cast<std::size_t>(state))});
  if (state == lease_state::leased)
    f.push_back({"x-ms-lease-duration", b.until == nanoseconds::max() ? "infinite" : "fixed"});
  f.insert(f.end(), b.metadata.begin(), b.metadata.end());
  if (c.what.method == "GET" && c.comp.empty()) seen.body = b.content;
  return seen;
}

void azure_model::wrote(call const& c, blob& b) {
  b.metadata.clear();
  std::copy_if(c.what.fields.begin(), c.what.fields.end(), std::back_inserter(b.metadata), is_metadata);
  // No ETag comes twice, whatever was done to a blob by hand.
  b.version = versions_ = std::max(versions_, b.version) + 1;
  b.modified = date_of(c.at);
  if (held_at(b, c.at)) return;
  b.lease.clear();  // what ran out is forgotten: it cannot be renewed any more
  b.breaking = b.broken = false;
}

void azure_model::erase(std::string const& path) {
  auto const gone = blobs.extract(path);
  if (gone && held_at(gone.mapped(), now_())) ended(path, gone.mapped().lease);
}

azure_refusal const* azure_model::condition(call const& c, blob const* b) const {
  auto const match = c.field("If-Match");
  if (!match.empty() && match != "*" && (!b || match != b->etag())) return &azure_says::condition;
  auto const none = c.field("If-None-Match");
  if (none.empty() || !b || none != b->etag()) return nullptr;
  return c.reads() ? &azure_says::not_modified : &azure_says::condition;
}

azure_refusal const* azure_model::lease_for_writing(call const& c, blob const& b) const {
  auto const id = c.field("x-ms-lease-id");
  if (held_at(b, c.at)) {
    if (id.empty()) return &azure_says::lease_missing;
    return same_text(id, b.lease) ? nullptr : &azure_says::blob_other_lease;
  }
  if (id.empty()) return nullptr;
  // As documented; no answer of the service's with this code is on record.
  bool const ran_out = service() && state_at(b, c.at) == lease_state::expired && same_text(id, b.lease);
  return ran_out ? &azure_says::lease_lost : &azure_says::blob_no_lease;
}

azure_refusal const* azure_model::wrong_metadata(call const& c) const {
  std::size_t total = 0;
  for (auto const& f : c.what.fields) {
    if (!is_metadata(f)) continue;
    auto const name = std::string_view(f.name).substr(metadata_prefix.size());
    bool const fits = !name.empty() && !digit(name[0]) &&
                      std::all_of(name.begin(), name.end(), [](char x) { return letter(x) || digit(x); });
    if (!fits) return &azure_says::bad_metadata;
    total += name.size() + f.value.size();
  }
  return service() && total > metadata_max ? &azure_says::metadata_too_large : nullptr;
}

std::uint64_t azure_model::term_of(std::string_view path) const {
  auto const found = blobs.find(path);
  if (found == blobs.end()) return 0;
  std::uint64_t term = 0;
  for (auto const& f : found->second.metadata)
    if (same_text(f.name, "x-ms-meta-term")) std::from_chars(f.value.data(), f.value.data() + f.value.size(), term);
  return term;
}

// --- Answers ----------------------------------------------------------------------------------------------------------

std::string azure_model::date_of(nanoseconds when) const {
  auto const gone = std::chrono::floor<std::chrono::seconds>(when - begin_);
  if (gone.count() != dated_ || date_.empty()) {
    static auto const begin = wire::azure::read_http_date("Fri, 26 Jun 2026 23:39:12 GMT").value();
    date_ = wire::azure::http_date(begin + gone);
    dated_ = gone.count();
  }
  return date_;
}

http::response azure_model::good(int status, call const& c, blob const* b) {
  http::response r;
  r.status = status;
  r.fields.reserve(16);
  r.fields.push_back({"Date", date_of(c.at)});
  r.fields.push_back(
      {"x-ms-request-id", print<40>("0a04324a-a6af-4544-ada1-%012llx", static_cast<unsigned long long>(++requests_))});
  if (!b) return r;
  r.fields.push_back({"ETag", b->etag()});
  r.fields.push_back({"Last-Modified", b->modified.empty() ? date_of(begin_) : b->modified});
  return r;
}

http::response azure_model::refuse(refusal const& why, call const& c) {
  auto r = good(why.status, c);
  if (!*why.code) return r;
  r.fields.push_back({"x-ms-error-code", why.code});
  if (c.what.method == "HEAD" || why.status == 304) return r;
  r.body = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>";
  r.body.append(why.code).append("</Code><Message>").append(why.message).append("\nRequestId:");
  r.body.append(r.fields[1].value).append("</Message></Error>");
  return r;
}

}  // namespace coelect::test
