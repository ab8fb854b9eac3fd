// What the exchanges with one server share: where it is, connections that rest, and who is under way.
#pragma once
#include "base/fork_guard.hpp"
#include "http/byte_stream.hpp"
#include "http/connector.hpp"
#include "http/transport.hpp"
#include <deque>
#include <list>
#include <memory>

namespace coelect::http {

/// Something under way with the server.
class guest {
public:
  virtual void abandon() noexcept = 0;  ///< Closes everything; nobody is called any more.
  virtual void drop() noexcept = 0;     ///< The same, when the execution context is going away.

protected:
  ~guest() = default;
};

/// On the store's strand. The transport shuts it; guests may hold it for longer.
class pool final : public closable {
public:
  pool(std::shared_ptr<store_context> context, destination to, transport_limits limits);
  ~pool();

  std::shared_ptr<store_context> const& context() const noexcept { return context_; }
  std::shared_ptr<destination const> const& to() const noexcept { return to_; }
  transport_limits const& limits() const noexcept { return limits_; }
  bool shut() const noexcept { return shut_; }
  bool alive() const noexcept;  ///< Not shut, in the process that made it, and its execution context is there.

  /// A connection that was kept and is still open, or null.
  std::shared_ptr<byte_stream> take();
  void keep(std::shared_ptr<byte_stream> stream);

  void enter(std::weak_ptr<guest> who);
  void leave(guest const* who) noexcept;

  void shut_down() noexcept;
  void context_gone() noexcept override;

private:
  std::list<std::weak_ptr<guest>> begin_to_end() noexcept;

  std::shared_ptr<store_context> context_;
  std::shared_ptr<destination const> to_;
  transport_limits limits_;
  bool shut_ = false;
  unsigned const made_in_ = base::this_process();
  std::deque<std::shared_ptr<byte_stream>> resting_;  // last used last; no operation is under way on them
  std::list<std::weak_ptr<guest>> busy_;
};

}  // namespace coelect::http
