// Talks to the members of one etcd cluster: which one, for how long, as whom, and whether its answer may be believed.
#pragma once
#include "http/transport.hpp"
#include "rules/cluster_memory.hpp"
#include "stores/etcd/login.hpp"
#include "wire/etcd_answers.hpp"
#include "wire/etcd_verdict.hpp"
#include <coelect/store.hpp>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace coelect::stores::etcd {

/// Which line a question stands in.
enum class lane {
  line = 1,  ///< Two on their way at a time.
  bulk,      ///< What users write: one at a time, so that elections do not wait for it.
  beside,    ///< In none: renewals.
};

/// What is asked. The answer comes by `give_up`, after at most one try per endpoint, or two of a single one.
struct question {
  char const* path = "";
  std::string body;
  instant give_up;
  /// Nothing bad happens if etcd carries it out twice, or late. If not, one try is all there is.
  bool repeatable = true;
  lane way = lane::line;
  bool write = false;  ///< Goes through raft: its revision counts for "went backwards" (R10).
};

/// How it went.
struct called {
  outcome how;
  bool uncertain = false;     ///< Not ok, but it may have been, or may yet be, carried out.
  bool lease_exists = false;  ///< wire::etcd::verdict
  instant sent;               ///< Before the first byte of the try that was answered (R1).
};

/// Something under way. Dropping it: the answer is not wanted any more.
class conversation {
public:
  virtual ~conversation() = default;
};
using asked = std::shared_ptr<conversation>;

struct client_options {
  std::shared_ptr<http::network> network;
  std::vector<http::origin> endpoints;
  tls_options tls;
  std::string username;
  base::secret password;
};

/// Two questions are on their way at a time, and further ones wait in a line: a thousand campaigns do not
/// open a thousand connections. On the store's strand. Nothing is called any
/// more after it is destroyed.
class etcd_client {
public:
  etcd_client(std::shared_ptr<store_context> context, client_options how, std::function<void()> store_was_reset);
  etcd_client(etcd_client const&) = delete;
  etcd_client& operator=(etcd_client const&) = delete;
  ~etcd_client();

  /// `read` takes an answer's body apart; an answer that it cannot read is a failed try.
  template <class Answer>
  [[nodiscard]] asked ask(question what, std::function<std::optional<Answer>(std::string_view)> read,
                          std::function<void(called const&, Answer)> done) {
    auto const got = std::make_shared<Answer>();
    auto take = [got, read = std::move(read)](std::string_view body) -> std::optional<wire::etcd::answer_header> {
      auto answer = read(body);
      if (!answer) return std::nullopt;
      *got = std::move(*answer);
      if constexpr (std::is_same_v<Answer, wire::etcd::answer_header>) return *got;
      else return got->header;
    };
    return start(std::move(what), std::move(take),
                 [got, done = std::move(done)](called const& how) { done(how, std::move(*got)); });
  }

  /// A transaction whose lists have `on_success` and `on_failure` operations.
  [[nodiscard]] asked txn(question what, std::size_t on_success, std::size_t on_failure,
                          std::function<void(called const&, wire::etcd::txn_answer)> done);

  /// Asks and forgets: nobody waits for the answer.
  void send_off(question what);

  /// Opens a watch at `endpoint`, logging in first where that is needed.
  [[nodiscard]] asked watch(std::size_t endpoint, std::string body, std::chrono::milliseconds span, instant head_by,
                            http::stream_reader& to);

  /// Opens a WebSocket for watches at `endpoint`. Null: there is no such thing here.
  [[nodiscard]] std::unique_ptr<http::web_socket> watch_socket(std::size_t endpoint, instant open_by,
                                                               http::socket_reader& to);
  bool anonymous() const noexcept { return !who_; }
  /// The highest revision that a write was answered with.
  std::int64_t newest_write() const noexcept { return memory_.revision(); }

  /// R10. Not ok: an answer with this header must not be believed. `known`: the highest revision of a write when it was asked for.
  outcome believe(std::size_t at, wire::etcd::answer_header const& header, bool write, std::int64_t known);

  /// The endpoint that new requests go to first.
  std::size_t current() const noexcept { return current_; }
  /// `endpoint` has failed: if it is the current one, the next one is from now on.
  void avoid(std::size_t endpoint, std::string const& why);
  /// The token used at `endpoint` was refused.
  void forget_login(std::size_t endpoint) { at_[endpoint].login.forget(); }
  std::string const& name_of(std::size_t endpoint) const noexcept { return at_[endpoint].way->name(); }
  bool quiet() const noexcept { return sent_off_.empty(); }  ///< Nothing that was sent off is under way.
  void when_quiet(std::function<void()> tell) { when_quiet_ = std::move(tell); }

  store_context& context() const noexcept { return *context_; }

private:
  class call;
  class opening;
  friend class call;
  friend class opening;
  using take_fn = std::function<std::optional<wire::etcd::answer_header>(std::string_view)>;

  struct member {
    member(std::shared_ptr<http::transport> w, login_at l) : way(std::move(w)), login(std::move(l)) {}
    std::shared_ptr<http::transport> way;
    login_at login;
    bool refused = false;  ///< Said once that another cluster answers there.
  };

  struct line {
    std::size_t most;
    std::size_t on_their_way = 0;
    std::deque<std::weak_ptr<call>> waiting{};
  };
  line& line_of(lane which) noexcept { return which == lane::bulk ? bulk_ : line_; }
  void next_in(line& of);
  asked start(question what, take_fn take, std::function<void(called const&)> done);
  http::request make_request(std::size_t endpoint, char const* path, std::string body, std::chrono::nanoseconds limit,
                             bool repeatable);
  outcome soften(outcome const& how) const;

  std::shared_ptr<store_context> context_;
  std::deque<member> at_;  // they hand out their address
  std::size_t current_ = 0;
  rules::cluster_memory memory_;
  std::function<void()> store_was_reset_;
  std::shared_ptr<credentials const> who_;  // empty: no authentication
  line line_{2}, bulk_{1};
  std::set<asked> sent_off_;
  std::function<void()> when_quiet_;
};

}  // namespace coelect::stores::etcd
