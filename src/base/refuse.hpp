// How wrong settings are refused.
#pragma once
#include <coelect/error.hpp>
#include <string>

namespace coelect::base {

/// `sentence` names the setting, and what would be right.
[[noreturn]] inline void refuse(std::string const& sentence) { throw election_error(errc::bad_options, sentence); }

}  // namespace coelect::base
