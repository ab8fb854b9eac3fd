// Asks the developer's own login for tokens: runs az and reads what it prints.
#include "env/process_output.hpp"
#include "stores/azure/token_answer.hpp"
#include "stores/azure/token_sources.hpp"
#include <cerrno>
#include <cstring>
#include <utility>

namespace coelect::stores::azure {
namespace {

constexpr char const* own_name = "azure cli";
constexpr int not_found = 127;  // by a shell, when az is a script whose interpreter is missing

// What az complains of. Lines that may hold a token are not repeated.
std::string complaint(std::string_view errors) {
  std::string first;
  while (!errors.empty()) {
    auto const end = std::min(errors.find('\n'), errors.size() - 1);
    auto const line = errors.substr(0, end + 1);
    errors.remove_prefix(end + 1);
    bool const shown = line.find_first_not_of(" \t\r\n") != line.npos && line.find("eyJ") == line.npos;
    if (shown && line.starts_with("ERROR")) return first_line(line);
    if (shown && first.empty()) first = first_line(line);
  }
  return first;
}

class cli_source final : public token_source {
public:
  explicit cli_source(std::shared_ptr<store_context> context) : context_(std::move(context)) {}

  std::string const& name() const noexcept override { return name_; }

  std::shared_ptr<void> fetch(instant give_up, fetched_fn done) override {
    auto ended = [this, done = std::move(done)](env::process_end end) {
      auto got = judge(end);
      base::wipe(end.output);
      base::wipe(end.errors);
      done(std::move(got));
    };
    return env::run_program(
        context_, {"az", "account", "get-access-token", "--resource", "https://storage.azure.com/", "--output", "json"},
        give_up, std::move(ended));
  }

private:
  fetched judge(env::process_end const& end) const {
    if (end.trouble == ENOENT || end.trouble == ENOTDIR || end.trouble == EACCES) {
      auto none = no_token(errc::unauthorized, own_name, "az is not in PATH");
      none.absent = true;
      return none;
    }
    if (end.trouble != 0)
      return no_token(errc::unreachable, own_name, "az cannot be run: " + std::string(std::strerror(end.trouble)));
    if (end.late) return no_token(errc::timed_out, own_name, "az did not end in time");
    if (end.too_long) return no_token(errc::bad_response, own_name, "az printed more than 64 KiB");
    if (end.status == 0 || end.status == env::process_end::unknown)
      return read_cli_answer(own_name, end.output, context_->env().wall_clock());
    auto const said = complaint(end.errors);
    auto refused = no_token(errc::unauthorized, own_name,
                            "az ended with " + std::to_string(end.status) + (said.empty() ? "" : ": " + said));
    refused.absent = end.status == not_found;
    return refused;
  }

  std::string const name_ = own_name;
  std::shared_ptr<store_context> context_;
};

}  // namespace

std::unique_ptr<token_source> from_azure_cli(std::shared_ptr<store_context> context) {
  return std::make_unique<cli_source>(std::move(context));
}

}  // namespace coelect::stores::azure
