// Decides what an answer other than success means: is it over, did it happen, where to go on.
#include "wire/etcd_verdict.hpp"

namespace coelect::wire::etcd {
namespace {

// gRPC status codes.
namespace grpc {
constexpr int canceled = 1;
constexpr int invalid_argument = 3;
constexpr int deadline_exceeded = 4;
constexpr int not_found = 5;
constexpr int permission_denied = 7;
constexpr int resource_exhausted = 8;
constexpr int failed_precondition = 9;
constexpr int unauthenticated = 16;
}  // namespace grpc

verdict make(errc ec, next_step next, std::string message, bool may_have_happened = false) {
  verdict v;
  v.ec = make_error_code(ec);
  v.next = next;
  v.message = std::move(message);
  v.may_have_happened = may_have_happened;
  return v;
}

// Not etcd's gRPC side but its HTTP server, or a proxy before it.
verdict judge_page(int status, std::string const& said, std::string_view location) {
  if (status >= 300 && status < 400)
    return make(errc::bad_response, next_step::elsewhere,
                "redirects to " + std::string(location) + ", which is not followed; name that server as endpoint");
  if (status == 404 || status == 405 || status == 501)
    return make(errc::not_found, next_step::elsewhere,
                said +
                    " (is this etcd? Is its JSON gateway on? etcd --enable-grpc-gateway, which 3.4 with a "
                    "configuration file has off)");
  if (status == 421)
    return make(errc::unauthorized, next_step::elsewhere,
                said + " (this host name is not in the server's --host-whitelist)");
  if (said.find("CommonName") != std::string::npos)
    return make(errc::unauthorized, next_step::give_up,
                said + " (cert_file: with a user name, use a client certificate without a CN)");
  if (status == 401 || status == 403) return make(errc::unauthorized, next_step::give_up, said);
  if (status == 429) return make(errc::overloaded, next_step::elsewhere, said, true);
  if (status >= 500 || status == 408) return make(errc::unreachable, next_step::elsewhere, said, true);
  return make(errc::bad_response, next_step::elsewhere, said, true);
}

bool rejects_token(failure const& said) {
  if (said.code == grpc::unauthenticated) return true;
  return said.code == grpc::invalid_argument &&
         (said.message.find("revision of auth store is old") != std::string::npos ||
          said.message.find("user name is empty") != std::string::npos);
}

}  // namespace

verdict judge(int http_status, failure const& said, std::string_view location) {
  auto const& text = said.message;
  auto const has = [&text](char const* part) { return text.find(part) != std::string::npos; };
  if (rejects_token(said)) return make(errc::unauthorized, next_step::login, text);
  if (has("too many requests")) return make(errc::overloaded, next_step::elsewhere, text, true);
  switch (said.code) {
    case 0: return judge_page(http_status, text, location);
    case grpc::invalid_argument:
      if (has("authentication failed"))
        return make(errc::unauthorized, next_step::give_up, text + " (username, password)");
      return make(errc::bad_options, next_step::give_up, text);
    case grpc::not_found:
      if (has("lease not found")) return make(errc::lease_lost, next_step::give_up, text);
      return judge_page(http_status, text, location);
    case grpc::permission_denied:
      return make(errc::unauthorized, next_step::give_up,
                  text + " (the role needs read and write on all keys under the store's prefix)");
    // "database space exceeded" may be said of a transaction that was carried out: the quota is looked at again
    // when it is applied.
    case grpc::resource_exhausted: return make(errc::overloaded, next_step::give_up, text, true);
    case grpc::failed_precondition: {
      if (has("authentication is not enabled"))
        return make(errc::unauthorized, next_step::give_up, text + " on this server: leave username away");
      auto v = make(errc::unreachable, next_step::elsewhere, text);
      v.lease_exists = has("lease already exists");
      if (v.lease_exists) v.next = next_step::give_up;
      return v;
    }
    case grpc::canceled:
    case grpc::deadline_exceeded: return make(errc::timed_out, next_step::elsewhere, text, true);
    default: {
      bool const late = has("timed out") || has("deadline exceeded");
      return make(late ? errc::timed_out : errc::unreachable, next_step::elsewhere, text, true);
    }
  }
}

}  // namespace coelect::wire::etcd
