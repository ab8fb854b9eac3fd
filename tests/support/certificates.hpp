// TLS certificates for tests, good ones and bad ones, made with the openssl command.
#pragma once
#include "support/scratch_directory.hpp"
#include <filesystem>
#include <string>

namespace coelect::test {

/// PEM files.
struct certificate {
  std::filesystem::path file, key;
};

/// All are made by the constructor and gone with the object. Server certificates carry serverAuth and clientAuth: etcd's
/// gateway calls its own listener with them.
class test_certificates {
public:
  /// Throws when there is no openssl.
  test_certificates();

  std::filesystem::path const& directory() const noexcept { return directory_.path(); }

private:
  scratch_directory directory_;

public:
  std::filesystem::path const ca, other_ca;  ///< What `server` and the clients, and what `of_other_ca` is signed by.
  certificate const server;                  ///< For 127.0.0.1 and localhost.
  certificate const expired;                 ///< Like it, valid for a month of 2020 only.
  certificate const wrong_host;              ///< Only for another.example.
  certificate const of_other_ca;             ///< For 127.0.0.1 and localhost, signed by `other_ca`.
  certificate const client;                  ///< Without a CN, which etcd's gateway refuses together with users.
  certificate const client_of_other_ca;
  certificate const client_with_name;  ///< CN=alice.
};

}  // namespace coelect::test
