// Keeps one watch open for as long as it is wanted: resumes where it was, and goes elsewhere when a server fails.
#pragma once
#include "base/backoff.hpp"
#include "rules/timings.hpp"
#include "stores/etcd/etcd_client.hpp"
#include "wire/etcd_requests.hpp"

namespace coelect::stores::etcd {

/// What a watch tells. Everything on the store's strand; any call may destroy the stream.
class watch_listener {
public:
  virtual void on_event(wire::etcd::watch_event const& what) = 0;
  /// Events before this moment may be missing, or be late because the watch began in the past: look again.
  virtual void on_gap() = 0;
  /// It cannot be watched (permission, login); the stream goes on trying.
  virtual void on_refused(outcome const& how) = 0;

protected:
  ~watch_listener() = default;
};

/// Where a watch stands. It can be taken up from there, also over another way to the server.
struct watch_position {
  std::int64_t next = 0;      ///< Events before this revision have been delivered.
  std::int64_t expected = 0;  ///< watch_stream::expect
  bool first = true;          ///< It has not begun yet.
  bool gap = false;           ///< on_gap() is due once the watch is open again.
  bool unproven = false;      ///< A probe failed, and what was expected has not come since.
  std::optional<instant> blind_since{};
};

/// One watch over chunked POST requests. etcd answers nothing before a request's body is complete, so a
/// running one cannot be asked for a sign of life. Instead each lives for `span` only: Grpc-Timeout makes
/// the server itself end it, and the next one resumes after the last event.
class watch_stream final : private http::stream_reader {
public:
  /// Delivers every event on `what` with a mod_revision from `from` on.
  watch_stream(etcd_client& client, rules::timings const& times, std::chrono::milliseconds span,
               wire::etcd::key_range what, std::int64_t from, bool deletes_only, watch_listener& to)
      : watch_stream(client, times, span, std::move(what), watch_position{.next = from}, deletes_only, to) {}
  watch_stream(etcd_client& client, rules::timings const& times, std::chrono::milliseconds span,
               wire::etcd::key_range what, watch_position const& from, bool deletes_only, watch_listener& to);

  /// Since when nothing would be heard; nothing while the watch is open.
  std::optional<instant> blind_since() const noexcept { return blind_since_; }
  /// The watch must have delivered an event of `revision` or later within a request's time limit, or it
  /// is reopened elsewhere: a stopped server and a dead link look like silence.
  void expect(std::int64_t revision);
  /// Events before this revision have been delivered.
  std::int64_t next_revision() const noexcept { return next_; }
  watch_position position() const { return {next_, expected_, first_, gap_, unproven_, blind_since_}; }

private:
  void open();
  void close();
  bool has_worked() const;
  void reopen_at_once();
  void reopen_later(outcome const& why);
  void probe();
  void end_probe() noexcept;
  void read(std::string_view line);
  void deliver(wire::etcd::watch_message const& message);
  void on_created(wire::etcd::watch_message const& message);
  void on_canceled(wire::etcd::watch_message const& message);

  void on_head(http::response const& head) override;
  void on_line(std::string_view line) override;
  void on_skipped() override;
  void on_end(outcome how) override;

  etcd_client& client_;
  rules::timings times_;
  std::chrono::milliseconds span_;
  std::chrono::milliseconds span_now_{};
  wire::etcd::key_range what_;
  bool deletes_only_;
  watch_listener& to_;
  std::int64_t next_;
  base::backoff backoff_;
  std::size_t endpoint_ = 0;
  int status_ = 0;
  bool created_ = false;
  bool first_;
  instant opened_{};
  bool gap_;  // to be told once the watch is open again
  std::int64_t expected_;
  bool probing_ = false;
  bool unproven_;
  std::optional<instant> blind_since_;
  asked stream_;
  timer limit_, probe_, retry_;
  std::string last_trouble_;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
};

}  // namespace coelect::stores::etcd
