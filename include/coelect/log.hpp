// The log hook that stores and electors write to.
#pragma once
#include <functional>
#include <string_view>

namespace coelect {

enum class severity { debug = 1, info, warning, error };

/// Receives one line per thing that happened: a stable first word (campaign, elected, renew, at-risk, lost,
/// release, store), then election, token and time left where they apply. Called on the store's
/// strand; must not throw, and must not block for long. Empty: silent.
using log_fn = std::function<void(severity, std::string_view)>;

}  // namespace coelect
