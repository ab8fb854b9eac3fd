// One member's logins: who shares one, how long a refusal counts, and what does not count as one.
#include "fake_etcd.hpp"
#include "stores/etcd/login.hpp"

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
using stores::etcd::credentials;
using stores::etcd::login_at;

namespace {

auto const authenticate = to_path("/v3/auth/authenticate");
constexpr char const* wrong_password =
    R"({"error":"etcdserver: authentication failed, invalid user ID or password","code":3})";

struct member {
  member()
      : context(store_context::make(s.host->io.get_executor(), s.how.env, {})),
        login(context, s.etcd->reach(context, {false, "10.0.0.1", 2379}, {}, {}),
              std::make_shared<credentials>(credentials{"alice", base::secret("old")})) {}

  void answers(int status, std::string text) {
    s.etcd->no_rules();
    s.etcd->always(authenticate, [=](fake_call& c) {
      c.status = status;
      c.text = text;
    });
  }
  /// Asks now; what comes of it is in `said` by and by.
  std::shared_ptr<void> ask() {
    return login.go(context->now() + 1s, [this](outcome const& how) { said.push_back(how.ec); });
  }
  error_code ask_and_wait() {
    auto const before = said.size();
    auto const handle = ask();
    REQUIRE(s.until([&] { return said.size() > before; }));
    return said.back();
  }
  std::size_t asked() const { return s.etcd->calls_to("/v3/auth/authenticate").size(); }

  etcd_scene s;
  std::shared_ptr<store_context> context;
  login_at login;
  std::vector<error_code> said;
};

}  // namespace

TEST_CASE("etcd login: a refusal counts for half a second", "[T5][etcd]") {
  member m;
  m.answers(400, wrong_password);
  CHECK(m.ask_and_wait() == errc::unauthorized);
  CHECK(m.asked() == 1);
  m.s.run(400ms);
  CHECK(m.ask_and_wait() == errc::unauthorized);
  CHECK(m.asked() == 1);
  m.answers(200, R"({"token":"new"})");
  m.s.run(100ms);
  CHECK(m.ask_and_wait() == error_code());
  CHECK(m.asked() == 2);
  CHECK(m.login.token().reveal() == "new");
}

TEST_CASE("etcd login: whoever is told of an older refusal is told later, and not at all when the handle has gone",
          "[T5][etcd]") {
  member m;
  m.answers(400, wrong_password);
  m.ask_and_wait();
  auto const kept = m.ask();
  m.ask().reset();
  CHECK(m.said.size() == 1);
  m.s.run(10ms);
  CHECK(m.said == std::vector<error_code>(2, errc::unauthorized));
}

TEST_CASE("etcd login: a member that fails is asked again at once, for that is no refusal", "[T5][etcd]") {
  member m;
  m.answers(503, R"({"error":"etcdserver: no leader","code":14})");
  CHECK(m.ask_and_wait() == errc::unreachable);
  m.answers(200, R"({"token":"t"})");
  CHECK(m.ask_and_wait() == error_code());
  CHECK(m.asked() == 2);
}

TEST_CASE("etcd login: requests made meanwhile share one", "[T5][etcd]") {
  member m;
  m.answers(200, R"({"token":"t"})");
  auto const one = m.ask();
  auto const other = m.ask();
  REQUIRE(m.s.until([&] { return m.said.size() == 2; }));
  CHECK(m.said == std::vector<error_code>(2));
  CHECK(m.asked() == 1);
  CHECK(m.login.issue() == 1);
}
