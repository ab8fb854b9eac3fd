// Random GUIDs: lease ids and nonces.
#pragma once
#include <coelect/environment.hpp>
#include <string>

namespace coelect::stores::azure {

/// Version 4, lower case, 8-4-4-4-12: other forms mean different things to different servers.
std::string new_guid(environment& env);

}  // namespace coelect::stores::azure
