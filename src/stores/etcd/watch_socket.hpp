// All watches of a store on one WebSocket: begun, ended and resumed there, and moved elsewhere when the server fails.
#pragma once
#include "base/backoff.hpp"
#include "rules/timings.hpp"
#include "stores/etcd/etcd_client.hpp"
#include "stores/etcd/watch_handle.hpp"
#include "stores/etcd/watch_stream.hpp"
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <vector>

namespace coelect::stores::etcd {

/// etcd's gateway turns a WebSocket at /v3/watch into a two-way gRPC stream. A running one can be asked for a sign of
/// life, which a POST cannot be: once per renewal period the socket must show a revision as high as the highest that
/// a write was answered with, or all its watches move to another endpoint. Where the upgrade is refused, each watch
/// has a watch_stream of its own until it is tried again.
///
/// On the store's strand.
class watch_socket final : private http::socket_reader {
public:
  watch_socket(etcd_client& client, rules::timings const& times);
  watch_socket(watch_socket const&) = delete;
  watch_socket& operator=(watch_socket const&) = delete;
  ~watch_socket();

  /// Delivers every event on `what` with a mod_revision from `from` on. `span`: how long a stream of its own lives.
  std::unique_ptr<watch_handle> add(wire::etcd::key_range what, std::int64_t from, bool deletes_only,
                                    std::chrono::milliseconds span, watch_listener& to);

private:
  class watch;
  class table;
  enum class mode {
    idle = 1,  ///< Nobody watches, or it waits before the next try.
    opening,
    open,
    streams,  ///< Each watch has a stream of its own; a new socket may be on trial beside them.
  };
  struct question {
    std::int64_t number = 0;  // of the watch that is to begin
    instant by{};
  };
  struct expectation {
    std::int64_t number = 0, revision = 0;
    timer end{};
  };

  // Watches
  void remove(watch& w) noexcept;
  void expect(watch& w, std::int64_t revision);
  void end_soon(std::int64_t number);
  void pump();
  void begin(watch& w);
  void begin_anew(watch& w);
  void wait_for(watch& w);
  void stop_waiting_for(watch const& w) noexcept;
  void forget_answered();
  void look_at_limit();
  template <class Tell>
  void tell_all(Tell const& tell);
  template <class Work>
  void or_anew(Work const& work);

  // The socket
  void open();
  void close() noexcept;
  void rest() noexcept;
  void reopen_later(outcome const& why, bool reached = true);
  void fall_back();
  void again_in_a_while();
  void try_again_later();
  void leave_streams();
  void begin_all();
  bool refused(std::size_t endpoint) const;
  void say(outcome const& why);

  // Whether it lives
  void probe(bool now);
  void ask_once_more();
  void tick();
  void look_around();
  void saw(std::int64_t revision);
  void proven();

  void read(std::string_view text);
  void deliver(watch& w, wire::etcd::watch_message const& message);
  void on_created(wire::etcd::watch_message const& message);
  void on_canceled(wire::etcd::watch_message const& message);

  void on_open() override;
  void on_message(std::string_view text) override;
  void on_skipped() override;
  void on_drained() override;
  void on_end(outcome how, http::socket_end kind) override;

  etcd_client& client_;
  rules::timings times_;
  std::optional<base::backoff> backoff_;  // once something has failed
  std::unique_ptr<table> watches_;
  mode mode_ = mode::idle;
  std::size_t endpoint_ = 0;
  std::unique_ptr<http::web_socket> socket_;
  std::map<std::size_t, instant> refused_until_;  // by endpoint
  int in_vain_ = 0;                               // in a row: reached, and no watch began
  bool worked_ = false;                           // a watch has begun on this socket
  instant opened_{};
  timer retry_, linger_;
  std::string last_trouble_;

  std::deque<std::uint32_t> to_begin_;  // places
  std::deque<std::int64_t> to_end_;     // numbers
  std::deque<question> asked_;          // which must say `created`, oldest first
  std::size_t queued_ = 0;              // messages since the socket was drained
  timer limit_;                         // of the oldest question

  std::list<expectation> awaited_;
  std::int64_t seen_ = 0;  // the highest revision that came over this socket
  bool probing_ = false;   // for `target_`
  std::int64_t target_ = 0;
  std::int64_t floor_ = 0;        // a revision that was read, for those who never write
  std::int64_t last_number_ = 0;  // of the watch that is begun for the sake of its answer
  bool unproven_ = false;         // a probe failed, and what was expected has not come since
  timer probe_, tick_;
  asked reading_, looking_;
  instant looked_{};           // when keys were looked at last
  std::size_t looked_at_ = 0;  // the place of the last one
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
};

}  // namespace coelect::stores::etcd
