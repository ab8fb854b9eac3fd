// Every operation in every state that a lease can have: what is answered, and which state it leaves behind.
#include "azure_steps.hpp"

namespace coelect::test {
namespace {

using namespace azure_steps;

struct starting_point {
  char const* name;
  std::string state;  ///< As it shows.
  std::vector<exchange> way;
};

std::vector<starting_point> starting_points() {
  return {
      {"available", "available", {}},
      {"leased", "leased", {acquire(lease_a)}},
      {"breaking", "breaking", {acquire(lease_a), break_in(60)}},
      {"broken", "broken", {acquire(lease_a), break_now()}},
      {"expired", "expired", {acquire(lease_a, 15), lasts(seconds(15))}},
      {"expired, then written", "available", {acquire(lease_a, 15), lasts(seconds(15)), write()}},
      {"leased without an end", "endless", {acquire(lease_a, -1)}},
  };
}

/// "201 leased": the state after it is another one. "409 ..." or "200": it is as before.
struct cell {
  cell(char const* both) : azurite(both), service(both) {}
  cell(std::string both) : azurite(both), service(std::move(both)) {}
  cell(std::string ours, std::string theirs) : azurite(std::move(ours)), service(std::move(theirs)) {}
  std::string azurite, service;  ///< Where the two differ.
};

struct row {
  exchange what;
  std::vector<cell> cells;  ///< One for each starting point.
};

exchange any_id() {
  auto e = lease("acquire", {{"x-ms-lease-duration", "60"}}, "201");
  e.what = "acquire any";
  return e.checked([](http::response const& got) {
    return got.status < 300 && got.get("x-ms-lease-id").empty() ? "no lease id" : "";
  });
}
exchange make_again() {
  return make().checked([](http::response const& got) {
    return wire::azure::already_there(got) ? "" : "not taken for a blob that is there";
  });
}
exchange renew_b() { return renew(lease_b).gives(lease_a); }  // success, and the id of somebody else

// Starting points:    available, leased, breaking, broken, expired, expired then written, without an end
std::vector<row> rows() {
  std::string const go = "201 leased", ever = "201 endless", off = "200 available", put_off = "201 available";
  return {
      {any_id(), {go, ap, ap, go, go, go, ap}},
      {acquire(lease_a), {go, go, ba, go, go, go, go}},
      {acquire(lease_b), {go, ap, ap, go, go, go, ap}},
      {acquire(lease_a, -1), {ever, ever, ba, ever, ever, ever, ever}},
      {renew(lease_a), {m, "200", br, br, "200 leased", m, "200"}},
      {renew_b(), {m, m, m, m, {"200 leased", m}, m, m}},
      {release(lease_a), {m, off, off, off, off, m, off}},
      {release(lease_b), {m, m, m, m, m, m, m}},
      {change(lease_a, lease_b), {np, "200", bc, np, np, np, "200"}},
      {change(lease_b, lease_a), {np, "200", m, np, np, np, "200"}},
      {change(lease_b, lease_c), {np, m, m, np, np, np, m}},
      {break_at_its_end(), {np, "202 breaking", "202", "202", "202 broken", np, "202 broken"}},
      {break_now(), {np, "202 broken", "202 broken", "202", "202 broken", np, "202 broken"}},
      {break_in(7), {np, "202 breaking", "202", "202", "202 broken", np, "202 breaking"}},
      {count(lease_a), {none, "200", "200", none, {none, lost}, none, "200"}},
      {count(lease_b), {none, other, other, none, none, none, other}},
      {write(), {"200", missing, missing, off, off, "200", missing}},
      {as(lease_a, put("text")), {none, "201", "201", none, {none, lost}, none, "201"}},
      {as(lease_b, put("text")), {none, other, other, none, none, none, other}},
      {put("text"), {"201", missing, missing, put_off, put_off, "201", missing}},
      {as(lease_a, erase()), {none, "202 gone", "202 gone", none, {none, lost}, none, "202 gone"}},
      {as(lease_b, erase()), {none, other, other, none, none, none, other}},
      {erase(), {"202 gone", missing, missing, "202 gone", "202 gone", "202 gone", missing}},
      {as(lease_a, look()), {none, "200", "200", none, none, none, "200"}},
      {as(lease_b, look()), {none, other, other, none, none, none, other}},
      {look(), {"200", "200", "200", "200", "200", "200", "200"}},
      {get(), {"200", "200", "200", "200", "200", "200", "200"}},
      {make_again(), {there, {there, missing}, {there, missing}, there, there, there, {there, missing}}},
  };
}

}  // namespace

std::vector<exchange_script> azure_cells(azure_column column) {
  std::vector<exchange_script> all;
  auto const starts = starting_points();
  for (auto const& r : rows()) {
    for (std::size_t i = 0; i < starts.size(); ++i) {
      auto const& start = starts[i];
      auto const& c = r.cells.at(i);
      auto const& text = column == azure_column::service ? c.service : c.azurite;
      bool const moves = text[0] == '2' && text.size() > 4;
      exchange_script s{r.what.what + " when " + start.name, {make()}};
      s.steps.insert(s.steps.end(), start.way.begin(), start.way.end());
      s.steps.push_back(look().is(start.state));
      s.steps.push_back(r.what.answers(moves ? text.substr(0, 3) : text));
      s.steps.push_back(look().is(moves ? text.substr(4) : start.state));
      all.push_back(std::move(s));
    }
  }
  return all;
}

}  // namespace coelect::test
