// The servers that are played on: an etcd on tmpfs, one on disk, an Azurite; or the user's own.
#pragma once
#include "harness/settings.hpp"
#include "players/floor/gateway.hpp"
#include "support/azurite.hpp"
#include "support/etcd_server.hpp"
#include "support/scratch_directory.hpp"
#include <map>
#include <memory>
#include <string>

namespace bench {

/// One etcd, with questions about what it holds and how much it was asked.
class etcd_place {
public:
  enum class on { tmpfs = 1, disk };
  explicit etcd_place(on where);
  explicit etcd_place(std::string endpoint);  ///< Somebody's own; host and port.

  std::string const& endpoint() const noexcept { return endpoint_; }
  pid_t pid() const noexcept { return server_ ? server_->pid() : 0; }  ///< 0: unknown.
  std::string const& name() const noexcept { return name_; }           ///< "tmpfs", "disk", "given"

  long keys_with(std::string const& prefix) const;
  /// Messages of gRPC streams and calls so far, those of its own JSON gateway included.
  struct counters {
    double calls = 0, messages = 0, keep_alives = 0;
  };
  counters asked_so_far() const;
  std::string version() const;

private:
  std::string get(char const* page) const;

  std::unique_ptr<coelect::test::scratch_directory> disk_;
  std::unique_ptr<coelect::test::etcd_server> server_;
  std::string endpoint_, name_;
};

/// Makes the places that the settings allow for.
class servers {
public:
  explicit servers(settings const& s);

  bool etcd_allowed() const noexcept { return azure_url_.empty(); }
  bool azure_allowed() const noexcept { return etcd_endpoint_.empty(); }
  std::unique_ptr<etcd_place> etcd(etcd_place::on where) const;
  /// tmpfs and disk, or the one that was given.
  std::vector<std::unique_ptr<etcd_place>> both() const;

  struct azure_place {
    std::unique_ptr<coelect::test::azurite> server;
    std::string url;
    pid_t pid() const { return server ? server->pid() : 0; }
  };
  azure_place azure() const;

private:
  std::string etcd_endpoint_, azure_url_;
};

}  // namespace bench
