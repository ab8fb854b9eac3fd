// A login that falls silent, on virtual time: it costs a try, and no more.
#include "unit/stores/etcd/fake_etcd.hpp"

using namespace coelect;
using namespace coelect::test;

TEST_CASE("etcd N3: a login that is not answered costs a try, and the campaign goes on", "[N3][L1][etcd]") {
  etcd_scene s;
  s.how.username = "app";
  s.how.password = "pass";
  s.etcd->when(
      to_path("/v3/auth/authenticate"), [](fake_call& c) { c.answered = false; }, 2);
  auto e = s.make_elector("A");
  auto term = s.win(e);
  CHECK(term.valid());
}
