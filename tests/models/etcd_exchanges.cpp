// The list itself: leases, transactions, ranges and watches as src/wire writes them, right and wrong.
#include "models/etcd_exchanges.hpp"
#include "models/etcd_json.hpp"
#include "wire/etcd_requests.hpp"
#include <algorithm>

namespace coelect::test {

namespace {

using place = etcd_exchange_place;
using wire::etcd::key_range;
using wire::etcd::operation;
using wire::etcd::range_request;
using wire::etcd::transaction;
using order = range_request::order;

// --- Steps ------------------------------------------------------------------------------------------------------------

using body_of = std::function<std::string(place const&)>;

etcd_exchange_step ask(std::string path, body_of body) {
  return {etcd_exchange_step::kind::ask, std::move(path), std::move(body), 0};
}
etcd_exchange_step txn(std::function<void(transaction&, place const&)> fill) {
  return ask("/v3/kv/txn", [fill](place const& p) {
    transaction t;
    fill(t, p);
    return t.body();
  });
}
etcd_exchange_step put(std::string name, std::string value, int lease = -1) {
  return txn([=](transaction& t, place const& p) {
    t.then(operation::put(p.key(name), value, lease < 0 ? 0 : p.lease + lease));
  });
}
etcd_exchange_step erase(std::string name) {
  return txn([=](transaction& t, place const& p) { t.then(operation::erase(key_range::one(p.key(name)))); });
}
etcd_exchange_step grant(int lease, std::int64_t ttl = 30) {
  return ask("/v3/lease/grant", [=](place const& p) { return wire::etcd::grant_body(p.lease + lease, ttl); });
}
etcd_exchange_step keep_alive(int lease) {
  return ask("/v3/lease/keepalive", [=](place const& p) { return wire::etcd::lease_body(p.lease + lease); });
}
etcd_exchange_step revoke(int lease) {
  return ask("/v3/lease/revoke", [=](place const& p) { return wire::etcd::lease_body(p.lease + lease); });
}
range_request all_below(place const& p, std::string const& folder) {
  range_request r;
  r.what = {p.key(folder), p.key(folder)};
  ++r.what.end.back();  // "x/" to "x0"
  return r;
}
etcd_exchange_step range(std::function<void(range_request&, place const&)> fill) {
  return ask("/v3/kv/range", [fill](place const& p) {
    auto r = all_below(p, "c/");
    fill(r, p);
    return wire::etcd::range_body(r);
  });
}
etcd_exchange_step watch(std::size_t lines, std::function<void(wire::etcd::watch_request&, place const&)> fill) {
  auto body = [fill](place const& p) {
    wire::etcd::watch_request w;
    w.what = all_below(p, "c/").what;
    fill(w, p);
    return wire::etcd::watch_body(w);
  };
  return {etcd_exchange_step::kind::watch, {}, std::move(body), lines};
}
etcd_exchange_step compact_all() { return {etcd_exchange_step::kind::compact, {}, {}, 0}; }

using scripts = std::vector<etcd_exchange_script>;

// --- The scripts ------------------------------------------------------------------------------------------------------

void leases(scripts& all) {
  all.push_back({"a lease is granted, kept alive and revoked", {grant(0), keep_alive(0), revoke(0)}});
  all.push_back({"a grant that was carried out already", {grant(0), grant(0), revoke(0), grant(0), revoke(0)}});
  all.push_back({"a lease that never was", {keep_alive(1), revoke(1), put("a", "v", 1)}});
  all.push_back({"a lease that is gone", {grant(0), revoke(0), keep_alive(0), revoke(0), put("a", "v", 0)}});
  all.push_back({"keys go with their lease",
                 {grant(0), put("c/a", "1", 0), put("c/b", "2", 0), put("c/c", "3"), revoke(0),
                  range([](range_request&, place const&) {})}});
  all.push_back({"a key changes its lease",
                 {grant(0), grant(1), put("c/a", "1", 0), put("c/a", "2", 1), revoke(0),
                  range([](range_request&, place const&) {}), revoke(1), range([](range_request&, place const&) {})}});
  all.push_back(
      {"a put without a lease leaves it",
       {grant(0), put("c/a", "1", 0), put("c/a", "2"), revoke(0), range([](range_request&, place const&) {})}});
}

void ranges(scripts& all) {
  std::vector<etcd_exchange_step> const three{put("c/b", "2"), put("c/a", "1"), put("c/c", ""), put("c/a", "new")};
  auto const with = [&](std::function<void(range_request&, place const&)> fill) {
    auto steps = three;
    steps.push_back(range(std::move(fill)));
    return steps;
  };
  all.push_back({"by key", with([](range_request&, place const&) {})});
  all.push_back({"one key", with([](range_request& r, place const& p) { r.what = key_range::one(p.key("c/a")); })});
  all.push_back({"no such key", with([](range_request& r, place const& p) { r.what = key_range::one(p.key("c/x")); })});
  all.push_back({"an empty folder", {range([](range_request&, place const&) {})}});
  all.push_back({"without values", with([](range_request& r, place const&) { r.keys_only = true; })});
  all.push_back(
      {"the oldest first", with([](range_request& r, place const&) { r.by_creation = order::oldest_first; })});
  all.push_back(
      {"the newest first", with([](range_request& r, place const&) { r.by_creation = order::newest_first; })});
  for (auto const by : {order::none, order::oldest_first, order::newest_first})
    for (std::int64_t limit = 1; limit <= 4; ++limit)
      all.push_back({"at most " + std::to_string(limit), with([=](range_request& r, place const&) {
                       r.by_creation = by;
                       r.limit = limit;
                     })});
  for (std::int64_t up_to = 1; up_to <= 5; ++up_to)
    all.push_back({"the newest made up to " + std::to_string(up_to), with([=](range_request& r, place const& p) {
                     r.by_creation = order::newest_first;
                     r.limit = 1;
                     r.keys_only = true;
                     r.created_up_to = p.at(up_to);
                   })});
}

void transactions(scripts& all) {
  auto const stand = txn([](transaction& t, place const& p) {
    t.when_created_at(p.key("c/a"), 0)
        .when_modified_at(p.key("g"), 0)
        .then(operation::put(p.key("c/a"), "me", 0))
        .then(operation::range(all_below(p, "c/")))
        .otherwise(operation::range(all_below(p, "c/")))
        .otherwise(operation::range(all_below(p, "g")));
  });
  auto const alone = txn([](transaction& t, place const& p) {
    t.when_empty(all_below(p, "c/").what).when_modified_at(p.key("g"), 0).then(operation::put(p.key("c/a"), "me", 0));
  });
  all.push_back({"standing alone", {alone}});
  all.push_back({"standing alone twice", {alone, alone}});
  all.push_back({"standing alone beside others", {put("c/b", "1"), put("c/c", "2"), alone}});
  all.push_back({"standing alone after others", {put("c/b", "1"), erase("c/b"), put("d", "2"), alone}});
  all.push_back({"standing alone with another generation", {put("g", ""), alone}});
  all.push_back({"standing", {stand}});
  all.push_back({"standing twice", {stand, stand}});
  all.push_back({"standing with another generation", {put("g", ""), stand}});
  auto const verify = [](std::int64_t created) {
    return txn([=](transaction& t, place const& p) {
      t.when_created_at(p.key("c/a"), created == 0 ? 0 : p.at(created))
          .then(operation::put(p.key("anchor"), "", 0))
          .then(operation::range(all_below(p, "c/")))
          .otherwise(operation::range(all_below(p, "c/")));
    });
  };
  for (std::int64_t created = 0; created <= 3; ++created)
    all.push_back({"verifying revision " + std::to_string(created), {put("x", ""), put("c/a", ""), verify(created)}});
  all.push_back({"a key that was made anew", {put("c/a", "1"), erase("c/a"), put("c/a", "2"), verify(1), verify(3)}});
  auto const modified = [](std::int64_t at) {
    return txn([=](transaction& t, place const& p) {
      t.when_modified_at(p.key("c/a"), at == 0 ? 0 : p.at(at)).then(operation::put(p.key("c/a"), "x", 0));
    });
  };
  for (std::int64_t at = 0; at <= 3; ++at)
    all.push_back({"if changed at " + std::to_string(at), {put("c/a", "1"), put("c/a", "2"), modified(at)}});
  auto const exists = txn([](transaction& t, place const& p) {
    t.when_exists(p.key("c/a"))
        .then(operation::put(p.key("c/a"), "x", 0))
        .otherwise(operation::range(all_below(p, "c/")));
  });
  all.push_back({"if it exists", {exists, put("c/a", "1"), exists}});
  all.push_back({"deleting", {put("c/a", "1"), erase("c/a"), erase("c/a")}});
  all.push_back({"deleting a folder",
                 {put("c/a", "1"), put("c/b", "2"), put("d", "3"),
                  txn([](transaction& t, place const& p) { t.then(operation::erase(all_below(p, "c/").what)); })}});
  all.push_back({"a guarded deletion", {put("c/a", "1"), put("r", "go"), txn([](transaction& t, place const& p) {
                                          t.when_created_at(p.key("c/a"), p.at(1))
                                              .then(operation::erase(key_range::one(p.key("c/a"))))
                                              .then(operation::erase(key_range::one(p.key("r"))));
                                        })}});
  all.push_back({"a refused deletion",
                 {put("c/a", "1"), txn([](transaction& t, place const& p) {
                    t.when_created_at(p.key("c/a"), p.at(7)).then(operation::erase(key_range::one(p.key("c/a"))));
                  })}});
  all.push_back({"only reading", {put("c/a", "1"), txn([](transaction& t, place const& p) {
                                    t.when_created_at(p.key("c/a"), p.at(1)).then(operation::range(all_below(p, "c/")));
                                  })}});
  all.push_back({"reading after writing", {txn([](transaction& t, place const& p) {
                   t.then(operation::put(p.key("c/a"), "1", 0)).then(operation::range(all_below(p, "c/")));
                 })}});
  all.push_back({"one of two puts has no lease", {txn([](transaction& t, place const& p) {
                   t.then(operation::put(p.key("c/a"), "1", 0)).then(operation::put(p.key("c/b"), "2", p.lease + 9));
                 })}});
  all.push_back({"nothing to do", {txn([](transaction& t, place const& p) { t.when_exists(p.key("c/a")); })}});
  all.push_back(
      {"a deletion outside of a transaction",
       {put("c/a", "1"),
        ask("/v3/kv/deleterange", [](place const& p) { return wire::etcd::delete_body(key_range::one(p.key("c/a"))); }),
        ask("/v3/kv/deleterange",
            [](place const& p) { return wire::etcd::delete_body(key_range::one(p.key("c/a"))); })}});
}

void nested_transactions(scripts& all) {
  auto const put_if_new = [](place const& p, std::string const& name) {
    transaction t;
    t.when_created_at(p.key(name), 0)
        .then(operation::put(p.key(name), "me", 0))
        .then(operation::range(all_below(p, name)))
        .otherwise(operation::range(all_below(p, name)));
    return t;
  };
  auto const batch = [put_if_new](std::vector<std::string> names) {
    return txn([=](transaction& t, place const& p) {
      t.then(operation::put(p.key("anchor"), "", 0));
      for (auto const& name : names) t.then(put_if_new(p, name));
    });
  };
  auto const batch_if = [](std::int64_t generation) {
    return txn([=](transaction& t, place const& p) {
      t.when_modified_at(p.key("g"), generation == 0 ? 0 : p.at(generation));
      for (auto const* name : {"c", "d"}) {
        transaction inner;
        inner.when_empty(all_below(p, std::string(name) + "/").what)
            .then(operation::put(p.key(std::string(name) + "/a"), "me", 0));
        t.then(inner);
      }
    });
  };
  all.push_back({"two under one condition", {put("g", ""), batch_if(1)}});
  all.push_back({"two under one condition, one refused", {put("g", ""), put("d/b", ""), batch_if(1)}});
  all.push_back({"two under a condition that does not hold", {put("g", ""), put("g", ""), batch_if(1)}});
  all.push_back({"two in one commit", {batch({"c/a", "c/b"})}});
  all.push_back({"two in one commit, one refused", {put("c/a", "1"), batch({"c/a", "c/b"})}});
  all.push_back({"two in one commit, both refused", {put("c/a", "1"), put("c/b", "1"), batch({"c/a", "c/b"})}});
  all.push_back(
      {"a batch that only reads", {put("c/a", "1"), txn([](transaction& t, place const& p) {
                                     for (auto const* name : {"c/a", "c/b"}) {
                                       transaction inner;
                                       inner.when_exists(p.key(name)).then(operation::range(all_below(p, name)));
                                       t.then(inner);
                                     }
                                   })}});
  all.push_back({"one put of a batch has no lease", {txn([](transaction& t, place const& p) {
                   for (auto const lease : {std::int64_t{0}, p.lease + 9}) {
                     transaction inner;
                     inner.then(operation::put(p.key("c/a" + std::to_string(lease)), "1", lease));
                     t.then(inner);
                   }
                 })}});
  all.push_back({"deletions in a batch", {put("c/a", "1"), put("c/b", "2"), txn([](transaction& t, place const& p) {
                                            for (std::int64_t i = 1; i <= 3; ++i) {
                                              auto const key = p.key(std::string("c/") + "xabc"[i]);
                                              transaction inner;
                                              inner.when_created_at(key, p.at(i))
                                                  .then(operation::erase(key_range::one(key)))
                                                  .then(operation::erase(key_range::one(p.key("r"))));
                                              t.then(inner);
                                            }
                                          })}});
}

void watches(scripts& all) {
  std::vector<etcd_exchange_step> const life{put("c/a", "1"), put("d", "x"), put("c/b", "2"), erase("c/a"),
                                             put("c/b", "3")};
  auto const with = [&](std::size_t lines, std::function<void(wire::etcd::watch_request&, place const&)> fill) {
    auto steps = life;
    steps.push_back(watch(lines, std::move(fill)));
    return steps;
  };
  using request = wire::etcd::watch_request;
  for (std::int64_t from = 1; from <= 5; ++from)
    all.push_back({"from revision " + std::to_string(from),
                   with(2, [=](request& w, place const& p) { w.start_revision = p.at(from); })});
  all.push_back({"from the next revision on", with(1, [](request& w, place const& p) { w.start_revision = p.at(6); })});
  all.push_back({"from now on", with(1, [](request&, place const&) {})});
  all.push_back({"deletions only", with(2, [](request& w, place const& p) {
                   w.start_revision = p.at(1);
                   w.deletes_only = true;
                 })});
  all.push_back({"one key", with(2, [](request& w, place const& p) {
                   w.what = key_range::one(p.key("c/a"));
                   w.start_revision = p.at(1);
                 })});
  all.push_back({"several keys of one commit",
                 {txn([](transaction& t, place const& p) {
                    t.then(operation::put(p.key("c/a"), "1", 0)).then(operation::put(p.key("c/b"), "2", 0));
                  }),
                  watch(2, [](request& w, place const& p) { w.start_revision = p.at(1); })}});
  all.push_back({"keys that went with a lease",
                 {grant(0), put("c/a", "1", 0), put("c/b", "2", 0), revoke(0), watch(2, [](request& w, place const& p) {
                    w.start_revision = p.at(3);
                    w.deletes_only = true;
                  })}});
}

// They take history away from everybody, so they come last.
void compactions(scripts& all) {
  using request = wire::etcd::watch_request;
  std::vector<etcd_exchange_step> const past{put("c/a", "1"), put("c/a", "2"), put("c/a", "3"), compact_all()};
  for (std::int64_t from = 1; from <= 2; ++from) {
    auto steps = past;
    steps.push_back(watch(2, [=](request& w, place const& p) { w.start_revision = p.at(from); }));
    all.push_back({"what is compacted, from " + std::to_string(from), steps});
  }
  auto steps = past;
  steps.push_back(watch(2, [](request& w, place const& p) { w.start_revision = p.at(3); }));
  all.push_back({"the revision that was compacted to", steps});
}

}  // namespace

std::vector<etcd_exchange_script> const& etcd_exchanges() {
  static scripts const all = [] {
    scripts made;
    leases(made);
    ranges(made);
    transactions(made);
    nested_transactions(made);
    watches(made);
    compactions(made);
    return made;
  }();
  return all;
}

// --- Running them -----------------------------------------------------------------------------------------------------

namespace {

bool is_revision(std::string const& name) {
  return name == "revision" || name == "create_revision" || name == "mod_revision" || name == "compact_revision";
}

/// Leaves only what two servers must agree on.
void normalise(json& part, place const& p) {
  for (auto it = part.begin(); it != part.end();) {
    bool const own = part.is_object() && (it.key() == "cluster_id" || it.key() == "member_id" ||
                                          it.key() == "raft_term" || it.key() == "error");
    if (own) {
      it = part.erase(it);
      continue;
    }
    if (part.is_object() && is_revision(it.key())) *it = number(part, it.key().c_str()) - p.base;
    else if (part.is_object() && it.key() == "key") *it = decoded(*it).substr(p.prefix.size());
    else if (part.is_object() && (it.key() == "ID" || it.key() == "lease"))
      *it = number(part, it.key().c_str()) - p.lease;
    else if (it->is_structured()) normalise(*it, p);
    ++it;
  }
}

std::string normal(std::string const& text, place const& p) {
  auto body = json::parse(text, nullptr, false);
  if (body.is_discarded()) return "no JSON: " + text;
  normalise(body, p);
  return body.dump();
}

/// The gateway's version decides between 400 and 412 for the same gRPC code.
int normal(int status) { return status == 412 ? 400 : status; }

std::int64_t revision_now(etcd_exchange_partner& with) {
  auto const [status, text] = with.ask("/v3/kv/range", R"({"key":"AA=="})");
  return number(json::parse(text).at("header"), "revision");
}

}  // namespace

std::vector<std::string> run_script(etcd_exchange_script const& script, etcd_exchange_partner& with,
                                    std::size_t number) {
  place p;
  p.prefix = "x" + std::to_string(number) + "-";
  p.lease = 1'000'000 + static_cast<std::int64_t>(number) * 10;
  p.base = revision_now(with);
  std::vector<std::string> said;
  for (auto const& step : script.steps) {
    if (step.what == etcd_exchange_step::kind::compact) {
      with.compact(revision_now(with));
      continue;
    }
    if (step.what == etcd_exchange_step::kind::watch) {
      for (auto const& line : with.watch(step.body(p), step.lines)) said.push_back(normal(line, p));
      continue;
    }
    auto const [status, text] = with.ask(step.path, step.body(p));
    said.push_back(std::to_string(normal(status)) + " " + normal(text, p));
  }
  return said;
}

}  // namespace coelect::test
