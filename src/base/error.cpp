// Texts and classes of the error codes.
#include <coelect/error.hpp>

namespace coelect {
namespace {

constexpr std::size_t message_limit = 1024;

char const* text_of(errc code) {
  switch (code) {
    case errc::lease_lost: return "the election is no longer held";
    case errc::lease_expired: return "the lease ran out before a renewal was confirmed";
    case errc::candidacy_lost: return "the place in the queue vanished";
    case errc::not_leader: return "this term is over";
    case errc::busy: return "a campaign is already running or a term is held";
    case errc::stopped: return "the elector was stopped";
    case errc::deposed: return "the leader was asked to step down";
    case errc::unreachable: return "the store cannot be reached";
    case errc::timed_out: return "the store did not answer in time";
    case errc::overloaded: return "the store is overloaded or full";
    case errc::unauthorized: return "access to the store was refused";
    case errc::not_found: return "the place for elections does not exist";
    case errc::bad_response: return "the store's answer broke the protocol";
    case errc::bad_record: return "the election record is damaged";
    case errc::wrong_cluster: return "another cluster answered";
    case errc::store_reset: return "the store went back in time";
    case errc::tls_verify: return "the server's certificate could not be verified";
    case errc::bad_options: return "an option is wrong";
    case errc::unsupported: return "this store cannot do that";
  }
  return "unknown election error";
}

class errc_category final : public boost::system::error_category {
public:
  char const* name() const noexcept override { return "coelect"; }
  std::string message(int value) const override { return text_of(static_cast<errc>(value)); }
};

class cond_category final : public boost::system::error_category {
public:
  char const* name() const noexcept override { return "coelect.condition"; }
  std::string message(int value) const override {
    switch (static_cast<cond>(value)) {
      case cond::transient: return "retrying may help";
      case cond::lost: return "no longer leading";
      case cond::fatal: return "retrying cannot help";
    }
    return "unknown election condition";
  }
  bool equivalent(error_code const& code, int value) const noexcept override {
    if (code.category() != election_category()) return false;
    switch (static_cast<cond>(value)) {
      case cond::transient: return code.value() >= 20 && code.value() < 40;
      case cond::fatal: return code.value() >= 40;
      case cond::lost:
        return code == errc::lease_lost || code == errc::lease_expired || code == errc::candidacy_lost ||
               code == errc::deposed;
    }
    return false;
  }
};

// Server text goes to logs and terminals: control characters would let it forge lines.
std::string printable(std::string text) {
  if (text.size() > message_limit) text.resize(message_limit);
  for (char& c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = ' ';
  }
  return text;
}

}  // namespace

boost::system::error_category const& election_category() noexcept {
  static errc_category const category;
  return category;
}

boost::system::error_category const& election_condition_category() noexcept {
  static cond_category const category;
  return category;
}

error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), election_category()}; }

error_condition make_error_condition(cond condition) noexcept {
  return {static_cast<int>(condition), election_condition_category()};
}

diagnostics::diagnostics(std::string message, std::string endpoint, std::string request_id, int http_status)
    : message_(printable(std::move(message))),
      endpoint_(printable(std::move(endpoint))),
      request_id_(printable(std::move(request_id))),
      http_status_(http_status) {}

std::string outcome::text() const {
  if (details.message().empty()) return ec.message();
  return ec.message() + ": " + details.message();
}

election_error::election_error(error_code code, diagnostics details)
    : system_error(code, details.message()), details_(std::move(details)) {}

election_error::election_error(errc code, std::string message)
    : election_error(make_error_code(code), diagnostics(std::move(message))) {}

}  // namespace coelect
