// Decides what an answer other than success means: is it over, did it happen, where to go on.
#pragma once
#include "wire/etcd_answers.hpp"
#include <coelect/error.hpp>
#include <string>

namespace coelect::wire::etcd {

enum class next_step {
  give_up = 1,  ///< The next server would say the same.
  elsewhere,    ///< Another server may be able to.
  login,        ///< The token is not accepted any more; with a fresh one it may be.
};

struct verdict {
  error_code ec;
  next_step next = next_step::give_up;
  bool may_have_happened = false;  ///< A write with this answer may still have been, or yet be, carried out.
  bool lease_exists = false;       ///< A grant with our own id: an earlier one did succeed.
  std::string message;             ///< What the server said and, where there is one, the cure.
};

/// `location`: of a redirect, else empty.
verdict judge(int http_status, failure const& said, std::string_view location);

}  // namespace coelect::wire::etcd
