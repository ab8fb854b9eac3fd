// The two who take part: the subject, whose operations are swept, and the rival, who must be able to follow it.
#pragma once
#include "stage.hpp"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <coelect/coelect.hpp>
#include <optional>

namespace coelect::test {

/// What became of one operation. Its handler, wherever it is, owns a `life`.
struct probe {
  int calls = 0;       ///< Completions.
  int gone = 0;        ///< Handlers destroyed, called or not.
  bool begun = false;  ///< A coroutine has come to the operation.
  error_code ec;
  nanoseconds at{};
  inline static int alive = 0;  ///< Handlers and frames that exist now, of all probes.

  bool done() const { return calls > 0; }
};

class life {
public:
  life(std::shared_ptr<probe> p, stage const& where) : probe_(std::move(p)), where_(&where) { ++probe::alive; }
  life(life const&) = delete;
  life& operator=(life const&) = delete;
  ~life() {
    --probe::alive;
    ++probe_->gone;
  }
  void begin() const { probe_->begun = true; }
  void end(error_code ec) const {
    ++probe_->calls;
    probe_->ec = ec;
    probe_->at = where_->now();
  }

private:
  std::shared_ptr<probe> probe_;
  stage const* where_;
};

/// The operations that are swept, one per scenario.
enum class op { campaign = 1, try_campaign, look, watch, lost, write, proclaim, resign, stop, depose, lead };
/// Callback; coroutine as co_spawn makes it, which lets terminal cancellation through; coroutine that lets all through.
enum class style { callback = 1, coroutine, open_coroutine };

/// One process with one candidate.
class process {
public:
  process(stage& where, std::string name, bool is_subject);

  void start(op what, style how, std::shared_ptr<probe> to);
  void campaign(std::shared_ptr<probe> to);
  bool leads() const { return signal && signal->is_leader(); }
  void let_go();  ///< Of all that the user has of the library. Handlers may still know this object.

  stage& where;
  std::string const name;
  boost::asio::cancellation_signal cancel;  // outlives the handlers that are bound to it
  std::shared_ptr<store> place;
  std::weak_ptr<store> trace;
  std::optional<elector> candidate;
  std::optional<leadership_signal> signal;
  leadership term;
  sighting seen;                   ///< For op::watch and op::depose.
  int bodies = 0, bodies_now = 0;  ///< Of lead().
  bool body_beside_another = false;

private:
  using life_ptr = std::shared_ptr<life>;
  template <class Token>
  void start_callback(op what, life_ptr to, Token with);
  boost::asio::awaitable<void> in_coroutine(op what, bool open, life_ptr to);
  boost::asio::any_io_executor loop_;
};

}  // namespace coelect::test
