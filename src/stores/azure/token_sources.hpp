// The sources of bearer tokens there are. Each is made in a file of its own.
#pragma once
#include "http/transport.hpp"
#include "stores/azure/credential.hpp"
#include "stores/azure/token_source.hpp"
#include <coelect/store_context.hpp>
#include <initializer_list>
#include <memory>
#include <string>

namespace coelect::stores::azure {

/// What sources stand on.
struct surroundings {
  std::shared_ptr<store_context> context;
  std::shared_ptr<http::network> network;
};

/// The user's function, which may answer on any thread, late or never.
std::unique_ptr<token_source> from_function(std::shared_ptr<store_context> context,
                                            std::shared_ptr<azure_credential::impl const> who);

/// App Service and its like when IDENTITY_ENDPOINT and IDENTITY_HEADER are set, else the virtual machine's
/// metadata service. `look_first`: whether that is there at all is found out first, and it is absent if not.
/// Throws election_error(errc::bad_options) that names the environment variable.
std::unique_ptr<token_source> from_managed_identity(surroundings around, std::string client_id, bool look_first);

/// Throws election_error(errc::bad_options) that names the setting or the environment variable.
std::unique_ptr<token_source> from_client_secret(surroundings around, std::string tenant, std::string client_id,
                                                 base::secret const& secret);
/// The same with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
std::unique_ptr<token_source> from_client_secret(surroundings around);
std::unique_ptr<token_source> from_workload_identity(surroundings around);

std::unique_ptr<token_source> from_azure_cli(std::shared_ptr<store_context> context);

/// The first of the others that is set up here.
std::unique_ptr<token_source> from_what_is_here(surroundings around);

/// An environment variable; empty when it is not set.
std::string variable(char const* name);
/// Those of the environment variables that are not set: "A, B".
std::string unset(std::initializer_list<char const*> names);

}  // namespace coelect::stores::azure
