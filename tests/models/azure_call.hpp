// One request to the pretended storage account, taken apart once, and everything that it can be refused with.
#pragma once
#include "azure_model.hpp"
#include <algorithm>

namespace coelect::test {

inline char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
inline bool same_text(std::string_view a, std::string_view b) {
  auto const same = [](char x, char y) { return x == y || lower_case(x) == lower_case(y); };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same);
}

struct azure_call {
  http::request const& what;
  azure_model::nanoseconds at;  ///< When it came; all of it happens then.
  std::string path;             ///< Without the query.
  std::string container;        ///< The path's part before the blob.
  std::string_view comp, restype;

  std::string_view field(std::string_view name) const {
    for (auto const& f : what.fields)
      if (same_text(f.name, name)) return f.value;
    return {};
  }
  bool reads() const { return what.method == "HEAD" || what.method == "GET"; }
};

struct azure_refusal {
  int status;
  char const* code;
  char const* message;
};

namespace azure_says {

// clang-format off
inline constexpr azure_refusal
    bad_request{400, "", ""},
    missing_header{400, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified."},
    bad_header{400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format."},
    bad_name{400, "InvalidResourceName", "The specified resource name contains invalid characters."},
    bad_metadata{400, "InvalidMetadata", "The metadata specified is invalid. It has characters that are not permitted."},
    metadata_too_large{400, "MetadataTooLarge", "The metadata specified exceeds the maximum size permitted."},
    no_container{404, "ContainerNotFound", "The specified container does not exist."},
    no_blob{404, "BlobNotFound", "The specified blob does not exist."},
    bad_verb{405, "UnsupportedHttpVerb", "The resource doesn't support specified HTTP verb."},
    container_there{409, "ContainerAlreadyExists", "The specified container already exists."},
    container_going{409, "ContainerBeingDeleted", "The specified container is being deleted. Try operation later."},
    blob_there{409, "BlobAlreadyExists", "The specified blob already exists."},
    held{409, "LeaseAlreadyPresent", "There is already a lease present."},
    other_lease{409, "LeaseIdMismatchWithLeaseOperation", "The lease ID specified did not match the lease ID for the blob."},
    no_lease{409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob."},
    breaking_acquire{409, "LeaseIsBreakingAndCannotBeAcquired", "The lease ID matched, but the lease is currently in breaking state and cannot be acquired until it is broken."},
    breaking_change{409, "LeaseIsBreakingAndCannotBeChanged", "The lease ID matched, but the lease is currently in breaking state and cannot be changed."},
    broken_renew{409, "LeaseIsBrokenAndCannotBeRenewed", "The lease ID matched, but the lease has been broken explicitly and cannot be renewed."},
    condition{412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."},
    lease_missing{412, "LeaseIdMissing", "There is currently a lease on the blob and no lease ID was specified in the request."},
    blob_other_lease{412, "LeaseIdMismatchWithBlobOperation", "The lease ID specified did not match the lease ID for the blob."},
    blob_no_lease{412, "LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob."},
    lease_lost{412, "LeaseLost", "A lease ID was specified, but the lease for the blob has expired."},
    not_modified{304, "ConditionNotMet", ""};
// clang-format on

}  // namespace azure_says
}  // namespace coelect::test
