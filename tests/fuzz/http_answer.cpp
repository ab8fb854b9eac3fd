// Bytes of an HTTP answer, cut anywhere, up to what the stores take it for.
#include "fuzz.hpp"
#include "http/answer_parser.hpp"
#include "still_world.hpp"
#include "stores/azure/azure_observation.hpp"
#include "stores/etcd/etcd_client.hpp"
#include <optional>
#include <string>

namespace coelect::fuzz {
namespace {

struct parsed {
  bool has_head, done;
  std::string problem;
  http::response got;
};

// As a conversation does it: nothing is fed after the end.
parsed parse(std::string_view bytes, unsigned seed, http::answer_parser::limits up_to, bool bodiless, bool ends) {
  http::answer_parser p(up_to, bodiless);
  in_slices(bytes, seed, [&](std::string_view some) {
    if (p.done() || !p.problem().empty()) return;
    auto const before = p.got().body.size();
    p.feed(some);
    must(p.got().body.size() >= before, "a body only grows");
  });
  if (ends) p.feed_end();
  must(!p.done() || p.has_head(), "an answer that is done has a head");
  must(!p.reusable() || p.done(), "a connection is used again only after a whole answer");
  must(!up_to.body || p.got().body.size() <= *up_to.body, "a body keeps to its limit");
  must(!bodiless || p.got().body.empty(), "a HEAD request is answered without a body");
  return {p.has_head(), p.done(), p.problem(), std::move(p.got())};
}

void same(parsed const& a, parsed const& b) {
  must(a.done == b.done && a.has_head == b.has_head, "the end does not depend on how the bytes are cut");
  // Within the head something wrong may be seen at once, or when all of it has come.
  if (a.has_head) must(a.problem.empty() == b.problem.empty(), "what is wrong does not depend on how bytes are cut");
  if (!a.done) return;
  must(a.got.status == b.got.status && a.got.body == b.got.body, "an answer does not depend on how it is cut");
  must(a.got.fields.size() == b.got.fields.size(), "fields do not depend on how the bytes are cut");
  for (std::size_t i = 0; i < a.got.fields.size(); ++i)
    must(a.got.fields[i].name == b.got.fields[i].name && a.got.fields[i].value == b.got.fields[i].value,
         "a field does not depend on how its bytes are cut");
}

http::exchanged exchange_from(parsed what) {
  http::exchanged e;
  e.sent = true;
  if (what.done) e.got = std::move(what.got);
  else e.how = outcome(what.problem.empty() ? errc::unreachable : errc::bad_response, "no good answer");
  return e;
}

void check_text(outcome const& how) {
  if (how.ok()) return;
  must(how.ec.category() == election_category(), "a failure has a code of our own");
  must(one_clean_line(how.details.message()), "a message is one clean line");
}

void check(stores::etcd::called const& how, std::int64_t revision, http::response const& got) {
  check_text(how.how);
  must(!how.how.ok() || got.status == 200, "etcd says yes with status 200 only");
  must(!how.how.ok() || revision >= 0, "a revision is not negative");
  must(!how.how.ok() || !how.lease_exists, "a success is none of an earlier try");
}

void as_etcd(http::exchanged const& answer, unsigned question_kind) {
  one_input in;
  stores::etcd::client_options how;
  how.network = in.env->net;
  how.endpoints = {{false, "h1", 2379}, {false, "h2", 2379}};
  stores::etcd::etcd_client client(in.context, std::move(how), [] {});
  int told = 0;
  auto const done = [&](stores::etcd::called const& c, auto const& got) {
    ++told;
    check(c, got.revision, answer.got);
  };
  stores::etcd::question q;
  q.path = "/v3/kv/txn";
  q.give_up = in.context->now() + std::chrono::seconds(2);
  q.way = stores::etcd::lane::beside;
  q.write = question_kind % 2 == 0;
  auto const with_header = [&](stores::etcd::called const& c, auto const& got) { done(c, got.header); };
  stores::etcd::asked asked;
  switch (question_kind) {
    case 0: asked = client.txn(q, 1, 1, with_header); break;
    case 1: asked = client.ask<wire::etcd::range_answer>(q, wire::etcd::read_range, with_header); break;
    case 2: asked = client.ask<wire::etcd::lease_answer>(q, wire::etcd::read_grant, with_header); break;
    case 3: asked = client.ask<wire::etcd::lease_answer>(q, wire::etcd::read_keepalive, with_header); break;
    default: asked = client.ask<wire::etcd::answer_header>(q, wire::etcd::read_header, done);
  }
  for (int tries = 0; tries < 10 && told == 0; ++tries)
    for (auto const& server : in.env->net->servers) server->answer(answer);
  must(told == 1, "a question is answered once, after a few tries");
}

class anybody final : public stores::azure::authorizer {
  void authorize(http::request&) override {}
};

void as_azure(http::exchanged const& answer, bool look) {
  one_input in;
  auto const server = std::make_shared<mute_server>(http::origin{true, "acct.blob.core.windows.net", 443});
  auto const give_up = in.context->now() + std::chrono::seconds(5);
  stores::azure::commons shared{
      in.context, {}, {in.context, server, std::make_unique<anybody>()}, "/leases", "leases", "", false, {}, {}};
  int told = 0;
  stores::azure::asked asked;
  if (look) {
    asked = look_at(shared, "leader", give_up, [&](outcome const& how, sighting const& seen) {
      ++told;
      check_text(how);
      must(how.ok() == seen.seen(), "a look shows something, or says why not");
    });
  } else {
    auto const path = shared.path_of("leader");
    asked = shared.client.ask(wire::azure::renew(path, "id"), give_up, [&](stores::azure::answered const& a) {
      ++told;
      check_text(a.how);
      auto const status = a.got.status;
      must(!a.how.ok() || (status >= 200 && status < 300), "Azure says yes with a status of 200 to 299 only");
      must(!a.how.ok() || a.by_service, "only the service says yes");
    });
  }
  for (int tries = 0; tries < 4 && told == 0; ++tries) server->answer(answer);
  must(told == 1, "a request is answered once, after a few tries");
}

}  // namespace

void http_answer(std::string_view bytes) {
  dealer input(bytes);
  auto const question = input.choice(8);
  auto const seed = input.choice(64);
  auto const flags = input.choice(8);
  bool const bodiless = (flags & 1U) != 0, ends = (flags & 2U) != 0, tight = (flags & 4U) != 0;
  auto const up_to = tight ? http::answer_parser::limits{90, 20} : http::answer_parser::limits{8192, 65'536};
  auto one = parse(input.rest(), seed, up_to, bodiless, ends);
  // What counts as the header's length depends a little on what came with it.
  if (!tight) same(one, parse(input.rest(), 0, up_to, bodiless, ends));
  auto const answer = exchange_from(std::move(one));
  if (question < 5) as_etcd(answer, question);
  else as_azure(answer, question == 5);
}

}  // namespace coelect::fuzz
