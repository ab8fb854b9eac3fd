// The value of a candidate's key: who it is and what it publishes.
#pragma once
#include "wire/etcd_answers.hpp"
#include <chrono>
#include <coelect/store.hpp>
#include <string>

namespace coelect::wire::etcd {

/// {"candidate":...,"value":...,"since":...}, or `value` alone when it is to be `plain`, as the
/// candidates of Go's and npm's clients write it.
std::string write_record(std::string_view candidate, std::string_view value,
                         std::chrono::system_clock::time_point since, bool plain);

/// The leader that `kv` shows; its token is the key's create revision. Whatever another client wrote
/// is taken for a name and a value.
leader_info read_record(key_value const& kv);

}  // namespace coelect::wire::etcd
