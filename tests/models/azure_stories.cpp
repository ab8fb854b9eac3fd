// What takes more than one operation: how leases last and end, who may still write, lost answers, wrong requests.
#include "azure_steps.hpp"
#include "wire/azure_place.hpp"

namespace coelect::test {
namespace {

using namespace azure_steps;
using scripts = std::vector<exchange_script>;
using steps = std::vector<exchange>;

struct columns {
  bool service;
  std::string pick(std::string const& azurite, std::string const& theirs) const { return service ? theirs : azurite; }
};

void time_passes(scripts& all, columns const& in) {
  auto const gone = in.pick(none, lost);
  all.push_back({"a renewal begins the lease anew",
                 {make(), acquire(lease_a, 15), pause(seconds(8)), renew(lease_a), pause(seconds(8)),
                  look().is("leased"), lasts(seconds(15)), look().is("expired"), acquire(lease_b, 15)}});
  all.push_back({"acquired again under its id, a lease begins anew, with the new length",
                 {make(), acquire(lease_a, 15), pause(seconds(5)), acquire(lease_a, 20), lasts(seconds(20)),
                  look().is("expired")}});
  all.push_back({"a change of the id does not move the end",
                 {make(), acquire(lease_a, 15), pause(seconds(4)), change(lease_a, lease_b), lasts(seconds(15)),
                  renew(lease_a).answers(in.pick("200", m)).gives(lease_b)}});
  all.push_back({"broken after a period, it is held so long, but by nobody who could renew it",
                 {make(), acquire(lease_a), break_in(5).left(5, 5), count(lease_a), renew(lease_a).answers(br),
                  acquire(lease_a).answers(ba), acquire(lease_b).answers(ap), lasts(seconds(5)), look().is("broken"),
                  renew(lease_a).answers(br), count(lease_a).answers(none), acquire(lease_b)}});
  all.push_back({"broken without a period, it ends when it would have run out",
                 {make(), acquire(lease_a, 15), pause(seconds(3)), break_at_its_end().left(10, 12),
                  break_in(60).left(10, 12).keeps_clock(), lasts(seconds(15)), look().is("broken")}});
  all.push_back({"a period is made shorter by a second break, not longer",
                 {make(), acquire(lease_a), break_in(30).left(30, 30), break_in(3).left(3, 3),
                  break_in(60).left(1, 3).keeps_clock(), break_at_its_end().left(1, 3), lasts(seconds(3)),
                  look().is("broken"), break_at_its_end().left(0, 0), break_in(9).left(0, 0)}});
  all.push_back({"a lease without an end has none, and is broken at once",
                 {make(), acquire(lease_a, -1), pause(seconds(16)), look().is("endless"), renew(lease_a),
                  break_at_its_end().left(0, 0), look().is("broken"), release(lease_a), look().is("available")}});
  all.push_back({"what ran out and nobody wanted, its holder may renew",
                 {make(), acquire(lease_a, 15), lasts(seconds(15)), count(lease_a).answers(gone), look().is("expired"),
                  renew(lease_a), look().is("leased"), count(lease_a), lasts(seconds(15)), look().is("expired")}});
  all.push_back({"a lease that another one held and let run out is not renewed for its first holder",
                 {make(), acquire(lease_a, 15), lasts(seconds(15)), acquire(lease_b, 15), lasts(seconds(15)),
                  renew(lease_a).answers(in.pick("200", m)).gives(lease_b)}});
}

void late_writers(scripts& all, columns const& in) {
  all.push_back({"late writes after a successor has acquired, has written, has left",
                 {make(), acquire(lease_a, 15), lasts(seconds(15)), acquire(lease_b), renew(lease_a).answers(m),
                  count(lease_a).answers(other), count(lease_b), count(lease_a, first_tag).answers(unmet),
                  count(lease_a).answers(other), as(lease_a, write()).answers(other), release(lease_b),
                  count(lease_a, first_tag).answers(unmet), count(lease_a).answers(none), renew(lease_a).answers(m)}});
  all.push_back({"the ETag alone lets a late write in, if nobody came",
                 {make(), acquire(lease_a, 15), lasts(seconds(15)), count(lease_a).answers(in.pick(none, lost)),
                  only_if(write(), "If-Match", last_tag), look().is("available"), renew(lease_a).answers(m)}});
  all.push_back({"the lease alone lets an old write in, if its id comes back",
                 {make(), acquire(lease_a), break_now(), acquire(lease_b), count(lease_b), release(lease_b),
                  acquire(lease_a), count(lease_a, first_tag).answers(unmet), as(lease_a, write())}});
  all.push_back({"a write whose answer was lost shows by its nonce",
                 {make(), acquire(lease_a), count(lease_a), count(lease_a, first_tag).answers(unmet),
                  look().is("leased").with("x-ms-meta-nonce", lease_c).with("x-ms-meta-term", "7")}});
  all.push_back(
      {"conditions come before leases, and both must hold",
       {make(), acquire(lease_a), count(lease_a, bad_tag).answers(unmet), count(lease_b, bad_tag).answers(unmet),
        count(lease_b).answers(other), count(lease_a), count(lease_a, first_tag).answers(unmet),
        count(lease_a, any_tag), only_if(as(lease_a, write()), "If-None-Match", last_tag).answers(unmet)}});
  all.push_back({"erased and made again, it has no lease and another ETag",
                 {make(), acquire(lease_a), as(lease_a, erase()), look().is("gone"), renew(lease_a).answers(no_blob),
                  make(), look().is("available"), renew(lease_a).answers(m), count(lease_a, first_tag).answers(unmet),
                  count(lease_a).answers(none), acquire(lease_a)}});
  all.push_back({"a state blob is made once, and replaced only as it was read",
                 {state("one", nullptr), state("two", nullptr).answers(there), state("two", last_tag),
                  state("three", first_tag).answers(unmet),
                  get().checked([](auto const& got) { return got.body == "two" ? "" : "not its content"; }),
                  only_if(erase(), "If-Match", first_tag).answers(unmet), only_if(erase(), "If-Match", last_tag),
                  state("four", last_tag).answers(unmet), state("four", nullptr)}});
}

void repeated(scripts& all) {
  all.push_back({"two with one id both have the lease",
                 {make(), acquire(lease_a), acquire(lease_a), renew(lease_a), release(lease_a),
                  release(lease_a).answers(m), renew(lease_a).answers(m)}});
  all.push_back({"released, it is free at once",
                 {make(), acquire(lease_a), acquire(lease_b).answers(ap), release(lease_a), look().is("available"),
                  acquire(lease_b), release(lease_a).answers(m), renew(lease_b)}});
  all.push_back({"broken at once, it is free at once",
                 {make(), acquire(lease_a), break_now(), acquire(lease_b), renew(lease_a).answers(m), renew(lease_b)}});
  all.push_back(
      {"a change that is asked for again is done already",
       {make(), acquire(lease_a), change(lease_a, lease_b), change(lease_a, lease_b), renew(lease_a).answers(m),
        renew(lease_b), count(lease_a).answers(other), count(lease_b), release(lease_a).answers(m), release(lease_b)}});
  all.push_back({"metadata is replaced as a whole, and wiped by Put Blob; the lease stays",
                 {make(), look().with("x-ms-meta-fresh", "yes").with("x-ms-meta-term", "1"), acquire(lease_a),
                  count(lease_a), look().is("leased").with("x-ms-meta-term", "7").without("x-ms-meta-fresh"),
                  as(lease_a, put("text")), look().is("leased").without("x-ms-meta-term"), renew(lease_a)}});
  auto metadata = look();
  metadata.ask = [](memory const& k) { return bare("GET", k.own, "?comp=metadata"); };
  all.push_back({"metadata alone", {make(), acquire(lease_a), metadata.with("x-ms-meta-term", "1")}});
}

void conditions(scripts& all) {
  auto const same = [] {
    auto e = only_if(look(), "If-None-Match", last_tag);
    e.tag = exchange::etag::any;
    return e.without("x-ms-lease-state");
  };
  auto const unchanged = same().checked([](auto const& got) { return got.status == 304 ? "" : "not 304"; });
  all.push_back(
      {"whoever looks with If-None-Match sees no leases",
       {make(), unchanged.answers("304 ConditionNotMet changed"), acquire(lease_a),
        unchanged.answers("304 ConditionNotMet changed"), count(lease_a), only_if(look(), "If-None-Match", first_tag),
        only_if(look(), "If-Match", last_tag), only_if(look(), "If-Match", bad_tag).answers(unmet)}});
  all.push_back(
      {"lease actions can have conditions, too",
       {make(), only_if(acquire(lease_a), "If-Match", bad_tag).answers(unmet), look().is("available"),
        only_if(acquire(lease_a), "If-Match", last_tag), only_if(renew(lease_a), "If-Match", bad_tag).answers(unmet),
        only_if(renew(lease_a), "If-Match", last_tag), only_if(release(lease_a), "If-Match", bad_tag).answers(unmet),
        look().is("leased")}});
}

void not_there(scripts& all, columns const& in) {
  steps nowhere, nothing;
  for (auto const& e : {acquire(lease_a), renew(lease_a), release(lease_a), change(lease_a, lease_b), break_now(),
                        break_at_its_end(), look(), get(), write(), erase()}) {
    nowhere.push_back(elsewhere(e).answers(no_container));
    nothing.push_back(e.answers(no_blob));
  }
  nowhere.push_back(elsewhere(make()).answers(no_container));
  nowhere.push_back(elsewhere(count(lease_a)).answers(no_container));
  nothing.push_back(count(lease_a).answers(unmet));
  nothing.push_back(as(lease_a, put("text")));  // the lease id is ignored
  all.push_back({"a container that is not there", nowhere});
  all.push_back({"a blob that is not there", nothing});

  auto const again = container("PUT", "409 ContainerAlreadyExists not_mine").checked([](auto const& got) {
    return wire::azure::already_there(got) ? "" : "not taken for a container that is there";
  });
  steps life{container("GET", no_container),
             container("PUT", "201"),
             again,
             container("GET", "200"),
             elsewhere(make()),
             container("DELETE", "202"),
             container("GET", no_container),
             elsewhere(look()).answers(no_container)};
  if (in.service) {
    life.push_back(container("PUT", "409 ContainerBeingDeleted passing"));
    life.push_back(pause(seconds(31)));
  }
  life.push_back(container("PUT", "201"));
  life.push_back(elsewhere(look()).answers(no_blob));
  all.push_back({"a container's life", life});

  auto bad_name = container("PUT", "400 InvalidResourceName wrong_request");
  bad_name.ask = [](memory const& k) {
    auto where = k.own;
    where.container = where.container.substr(0, where.container.rfind('/')) + "/Bad_Name";
    return az::create_container(where);
  };
  all.push_back({"a container's name", {bad_name}});
}

void wrong_requests(scripts& all, columns const& in) {
  auto const without = in.pick("400 wrong_request", "400 MissingRequiredHeader wrong_request");
  auto const unreadable = in.pick("400 wrong_request", bad);
  steps durations{make()}, periods{make(), acquire(lease_a)};
  for (int const s : {14, 61, 0, -2}) durations.push_back(acquire(lease_a, s).answers(bad));
  durations.push_back(acquire(lease_a));
  for (int const s : {14, 61, 0, -2}) durations.push_back(acquire(lease_a, s).answers(bad));
  durations.push_back(look().is("leased"));
  for (int const s : {61, -1}) periods.push_back(break_in(s).answers(bad));
  periods.push_back(look().is("leased"));
  all.push_back({"durations outside 15 to 60 s", durations});
  all.push_back({"break periods outside 0 to 60 s", periods});

  auto const proposes_words =
      lease("acquire", {{"x-ms-lease-duration", "15"}, {"x-ms-proposed-lease-id", "words"}}, in.pick("201", bad));
  steps headers{make(),
                lease("renew", {}, without),
                lease("release", {}, without),
                lease("", {}, without),
                lease("change", {{"x-ms-lease-id", lease_a}}, without),
                lease("acquire", {{"x-ms-lease-duration", "abc"}}, unreadable)};
  // There Azurite grants a lease, and answers 500 to everything from then on.
  if (in.service) headers.push_back(lease("acquire", {}, without));
  headers.push_back(look().is("available"));
  headers.push_back(proposes_words);
  all.push_back({"fields that are missing or unreadable", headers});

  auto shapeless = put("text").answers(without);
  shapeless.ask = [](memory const& k) { return bare("PUT", k.own); };
  auto const named = [](char const* name) {
    return plus(write(), {{name, "1"}}).answers("400 InvalidMetadata wrong_request");
  };
  all.push_back(
      {"metadata and blobs that are none",
       {shapeless, make(), named("x-ms-meta-a-b"), named("x-ms-meta-1a"), look().without("x-ms-meta-nonce")}});

  std::string const upper = "AAAAAAAA-0000-4000-8000-000000000001";
  auto const same = in.pick(m, "200");
  auto const by_lower = renew(lease_a).answers(same).gives(upper);
  all.push_back(
      {"an id in capitals", {make(), acquire(upper), by_lower, count(lease_a), release(lease_a).answers(same)}});
}

void large_and_odd(scripts& all) {
  az::leader_record record;
  record.term = ~std::uint64_t(0) / 2;
  record.candidate = std::string(255, 'c');
  record.value = std::string(std::size_t{4} * 1024, '\xff');
  record.since_ms = 8'999'999'999'999;
  record.nonce = lease_c;
  auto largest = count(lease_a);
  largest.ask = [record](memory const& k) { return az::write_record(k.own, lease_a, last_tag(k), record); };
  auto const comes_back = look().checked([record](http::response const& got) {
    auto const seen = az::read_properties(got).record;
    bool const same = seen && seen->term == record.term && seen->candidate == record.candidate &&
                      seen->value == record.value && seen->since_ms == record.since_ms && seen->nonce == record.nonce;
    return same ? "" : "not the record that was written";
  });
  all.push_back({"the largest record fits into an answer's header", {make(), acquire(lease_a), largest, comes_back}});
  // Signed as it travels.
  all.push_back({"a name that has to be encoded",
                 {make(), acquire(lease_a), look().is("leased"), count(lease_a), release(lease_a)},
                 az::encode_path("a b/\xc3\xa4+%/~x")});
}

}  // namespace

std::vector<exchange_script> azure_stories(azure_column column) {
  columns const in{column == azure_column::service};
  scripts all;
  time_passes(all, in);
  late_writers(all, in);
  repeated(all);
  conditions(all);
  not_there(all, in);
  wrong_requests(all, in);
  large_and_odd(all);
  return all;
}

}  // namespace coelect::test
