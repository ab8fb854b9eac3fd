// W7: leases of blobs, one at a time and 64 at a time, and our whole terms.
#include "base/base64.hpp"
#include "base/secret.hpp"
#include "harness/stage.hpp"
#include "players/azure_account.hpp"
#include "wire/azure_date.hpp"
#include "wire/azure_lease.hpp"
#include "wire/azure_signature.hpp"
#include <fstream>

namespace bench {
namespace {

namespace az = coelect::wire::azure;

std::string signed_text(coelect::http::request what, azure_account const& account, coelect::base::secret const& key) {
  az::add_common(what, az::http_date(std::chrono::system_clock::now()), "bench", 5);
  auto const authorization = az::shared_key_authorization(what, account.name, key);
  auto text = "PUT " + what.target + " HTTP/1.1\r\nHost: " + coelect::base::host_and_port(account.where.at) + "\r\n";
  for (auto const& f : what.fields) text += f.name + ": " + f.value + "\r\n";
  return text + "Authorization: " + std::string(authorization.reveal()) + "\r\nContent-Length: 0\r\n\r\n";
}

/// What the floor sends: signed now, so that it needs no cryptography of its own.
void write_signed_requests(std::filesystem::path const& file, azure_account const& account, int n) {
  auto const key = coelect::base::secret(*coelect::base::from_base64(account.key));
  std::ofstream out(file, std::ios::binary);
  for (int i = 0; i < n; ++i) {
    char lease[40];
    std::snprintf(lease, sizeof lease, "2f812371-a41d-49e6-b123-%012x", static_cast<unsigned>(i) + 1);
    auto const where = account.blob(i);
    out << signed_text(az::acquire(where, lease, 60), account, key) << '\0';
    out << signed_text(az::renew(where, lease), account, key) << '\0';
    out << signed_text(az::release(where, lease), account, key) << '\0';
  }
}

}  // namespace

void play_azure(stage& s) {
  auto const place = s.where.azure();
  azure_account const account(place.url);
  auto const signed_file = s.how.out / "signed-requests";
  auto const seconds = s.how.smoke ? "0.4" : "4";
  words const server{"--server-pid", std::to_string(place.pid())};
  auto const with = [&](participant const& p, words flags) {
    flags.insert(flags.end(), server.begin(), server.end());
    // Ours makes the container and the blobs, so it begins; the floor speaks to a socket.
    auto const at = p.name == "floor" ? coelect::base::host_and_port(account.where.at) : account.url;
    flags.insert(flags.end(), {"--endpoint", at});
    if (p.name == "floor") flags.insert(flags.end(), {"--requests", signed_file.string()});
    return stage::command(p, "azure", flags);
  };
  for (int round = 0; round < s.how.rounds; ++round) {
    for (int const n : {1, 64}) {
      write_signed_requests(signed_file, account, n);
      s.everybody(s.who.azure, round, [&](participant const& p) {
        if (p.name == "floor" && account.where.at.tls) return;  // it has no TLS
        auto const row = std::to_string(n) + " in flight";
        s.simple_turn("w7", row, p, with(p, {"--n", std::to_string(n), "--seconds", seconds}));
      });
    }
    for (auto const& p : s.who.azure)
      if (p.name == "ours")
        s.simple_turn("w7", "whole terms", p,
                      with(p, {"--mode", "terms", "--rounds", std::to_string(s.short_or(5, 100))}));
  }
}

}  // namespace bench
