// What Azure Blob Storage keeps and answers, as far as the store uses it: containers, blobs, metadata, leases.
#pragma once
#include "server_model.hpp"
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coelect::test {

struct azure_call;
struct azure_refusal;

/// Whose answers: the service's, as documented and recorded, or those of its emulator where they differ.
enum class azure_column { service, azurite };

/// Leases count from the request, to the nanosecond of the clock that is given. Nobody's credentials are looked at.
class azure_model final : public server_model {
public:
  using nanoseconds = std::chrono::nanoseconds;
  using clock = std::function<nanoseconds()>;
  /// `base`: what stands before the container in a path: nothing, or "/devstoreaccount1". Any origin of time will do:
  /// the moment of making is Fri, 26 Jun 2026 23:39:12 GMT to the service.
  explicit azure_model(clock now, azure_column column = azure_column::service, std::string base = {});

  http::response serve(std::size_t endpoint, http::request const& what) override;

  enum class lease_state { available, leased, breaking, broken, expired };

  struct blob {
    std::string lease{};  ///< Of the last holder, until a release or a write under no lease forgets it.
    nanoseconds until{};  ///< When it runs out or, while breaking, is broken.
    bool breaking = false, broken = false;
    std::chrono::seconds duration{15};  ///< What a renewal is good for; -1 s: without an end.
    std::uint64_t version = 1;
    std::vector<http::field> metadata{};
    std::string content{};
    std::string modified{};  ///< As a date.
    std::string etag() const;
  };
  using blob_map = std::map<std::string, blob, std::less<>>;
  blob_map blobs;  ///< By path without query. May be changed between requests; on_lease does not hear of that.

  /// A lease begins to be held, or ends before its time: released, changed, broken, its blob deleted. That it ran out,
  /// or was broken after a period, only time tells: see held_until().
  std::function<void(std::string const& path, std::string const& lease, bool held)> on_lease{};

  void make_container(std::string const& path);  ///< "/leases", as if by request.
  void break_lease(std::string const& path);     ///< At once.
  void erase(std::string const& path);           ///< Whatever lease there is.

  lease_state state_of(blob const& b) const { return state_at(b, now_()); }
  /// The lease that keeps others out now, be it broken after a period; empty: there is none.
  std::string holder(std::string_view path) const;
  std::optional<nanoseconds> held_until(std::string_view path) const;  ///< Without an end: nanoseconds::max().
  std::uint64_t term_of(std::string_view path) const;                  ///< The number that the store writes; 0: none.
  std::string date() const { return date_of(now_()); }                 ///< Whole seconds, as in every answer.

private:
  using call = azure_call;
  using refusal = azure_refusal;
  struct place {
    bool deleted = false;
    nanoseconds gone{};  ///< The name is free again some time after that.
  };
  static lease_state state_at(blob const& b, nanoseconds now);
  static bool held_at(blob const& b, nanoseconds now);
  bool service() const noexcept { return column_ == azure_column::service; }

  http::response on_container(call const& c);
  http::response on_lease_action(call const& c);
  http::response put_blob(call const& c);
  http::response set_metadata(call const& c);
  http::response look(call const& c);
  http::response erase_blob(call const& c);

  http::response acquire(call const& c, blob& b);
  http::response renew(call const& c, blob& b);
  http::response change(call const& c, blob& b);
  http::response release(call const& c, blob& b);
  http::response break_it(call const& c, blob& b);

  refusal const* wrong_lease_request(call const& c) const;
  refusal const* wrong_metadata(call const& c) const;
  refusal const* no_blob(call const& c) const;
  refusal const* condition(call const& c, blob const* b) const;
  refusal const* lease_for_writing(call const& c, blob const& b) const;
  bool same_lease(std::string_view one, std::string_view other) const;

  void hold(call const& c, blob& b, std::string lease, std::chrono::seconds duration, nanoseconds until);
  void ended(std::string const& path, std::string const& lease);
  void wrote(call const& c, blob& b);

  http::response good(int status, call const& c, blob const* b = nullptr);
  http::response refuse(refusal const& why, call const& c);
  std::string date_of(nanoseconds when) const;

  clock now_;
  azure_column column_;
  std::string base_;
  nanoseconds begin_;
  std::map<std::string, place, std::less<>> containers_;
  std::uint64_t versions_ = 0, ids_ = 0, requests_ = 0;
  mutable std::int64_t dated_ = -1;  ///< The second that date_ shows: most answers come in the same one.
  mutable std::string date_;
};

}  // namespace coelect::test
