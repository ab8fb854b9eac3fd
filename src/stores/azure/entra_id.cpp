// Asks Entra ID for tokens, with a client secret or with a token that Kubernetes signed.
#include "base/refuse.hpp"
#include "stores/azure/token_answer.hpp"
#include "stores/azure/token_service.hpp"
#include "wire/azure_place.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace coelect::stores::azure {
namespace {

constexpr std::size_t longest_assertion = std::size_t{64} * 1024;
constexpr char const* federated =
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=";

using base::refuse;

// What is sent there must not be read on the way.
base::endpoint authority() {
  constexpr char const* host_variable = "AZURE_AUTHORITY_HOST";
  auto const given = variable(host_variable);
  auto const where = read_http_place(host_variable, given.empty() ? "https://login.microsoftonline.com" : given);
  if (!where.path.empty()) refuse(std::string(host_variable) + ": something stands after the host");
  if (!where.at.tls && !base::is_loopback(where.at.host))
    refuse(std::string(host_variable) + ": it is http; secrets and tokens go over https only");
  return where.at;
}

std::string const& tenant_checked(std::string_view option, std::string const& tenant) {
  bool const sound = std::all_of(tenant.begin(), tenant.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  if (!sound || tenant.find_first_not_of('.') == tenant.npos)
    refuse(std::string(option) + ": it is the directory's id or domain, of letters, digits, '-' and '.'");
  return tenant;
}

// Grows without leaving copies behind.
class form {
public:
  explicit form(std::size_t secret) { text_.reserve(1024 + 3 * secret); }
  ~form() { base::wipe(text_); }
  form(form const&) = delete;
  form& operator=(form const&) = delete;

  form& add(std::string_view part) {
    text_ += part;
    return *this;
  }
  form& add_encoded(std::string_view value) {
    auto encoded = wire::azure::encode_value(value);
    text_ += encoded;
    base::wipe(encoded);
    return *this;
  }
  std::string take() { return std::exchange(text_, {}); }

private:
  std::string text_;
};

class app_of_entra : public token_source {
public:
  app_of_entra(surroundings const& around, std::string name, std::string const& tenant, std::string client_id,
               std::string look_at)
      : context_(around.context),
        name_(std::move(name)),
        target_("/" + tenant + "/oauth2/v2.0/token"),
        client_id_(std::move(client_id)),
        service_(around, authority(), {name_, std::move(look_at), false}) {}

  std::string const& name() const noexcept override { return name_; }
  std::string trouble() const override { return service_.trouble(); }

protected:
  std::shared_ptr<void> exchange(char const* proof, std::shared_ptr<base::secret const> const& value, instant give_up,
                                 fetched_fn done) {
    auto write = [this, proof, value] {
      form body(client_id_.size() + value->reveal().size());
      body.add("client_id=").add_encoded(client_id_);
      body.add("&scope=https%3A%2F%2Fstorage.azure.com%2F.default&grant_type=client_credentials&");
      body.add(proof).add_encoded(value->reveal());
      http::request what;
      what.target = target_;
      what.fields = {{"Accept", "application/json"}, {"Content-Type", "application/x-www-form-urlencoded"}};
      what.body = body.take();
      return what;
    };
    return service_.fetch(std::move(write), value, give_up, std::move(done));
  }

  store_context& context() const noexcept { return *context_; }

private:
  std::shared_ptr<store_context> context_;
  std::string name_;
  std::string target_;
  std::string client_id_;
  token_service service_;
};

class secret_source final : public app_of_entra {
public:
  secret_source(surroundings const& around, std::string const& tenant, std::string client_id,
                base::secret const& secret)
      : app_of_entra(around, "client secret", tenant, std::move(client_id),
                     "the tenant, the client id and the client secret"),
        secret_(std::make_shared<base::secret const>(secret.copy())) {}

  std::shared_ptr<void> fetch(instant give_up, fetched_fn done) override {
    return exchange("client_secret=", secret_, give_up, std::move(done));
  }

private:
  std::shared_ptr<base::secret const> secret_;
};

struct file_text {
  base::secret text{};
  std::string trouble{};  // empty: it was read
};

std::string why() { return std::strerror(errno); }

file_text read_all(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return {{}, why()};
  if (!S_ISREG(info.st_mode)) return {{}, "it is no file"};
  std::string text(longest_assertion + 1, '\0');
  std::size_t size = 0;
  ssize_t n = 0;
  do {
    n = ::read(fd, text.data() + size, text.size() - size);
    if (n > 0) size += static_cast<std::size_t>(n);
  } while ((n > 0 && size < text.size()) || (n < 0 && errno == EINTR));
  auto const trouble = n < 0 ? why() : size > longest_assertion ? "it is longer than 64 KiB" : std::string();
  auto whole = std::string_view(text).substr(0, size);
  while (whole.ends_with('\n') || whole.ends_with('\r')) whole.remove_suffix(1);
  file_text result{base::secret(whole), whole.empty() && trouble.empty() ? "it is empty" : trouble};
  base::wipe(text);
  return result;
}

file_text read_file(std::string const& path) {
  // Not to hang on a pipe that somebody put there.
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {{}, why()};
  auto result = read_all(fd);
  ::close(fd);
  return result;
}

class federated_source final : public app_of_entra {
public:
  federated_source(surroundings const& around, std::string const& tenant, std::string client_id, std::string file)
      : app_of_entra(around, "workload identity", tenant, std::move(client_id),
                     "AZURE_TENANT_ID, AZURE_CLIENT_ID and the app's federated credential"),
        file_(std::move(file)) {}

  std::shared_ptr<void> fetch(instant give_up, fetched_fn done) override {
    auto got = read_file(file_);
    if (got.trouble.empty())
      return exchange(federated, std::make_shared<base::secret const>(std::move(got.text)), give_up, std::move(done));
    return answer_later(
        context(), no_token(errc::unauthorized, name(), "AZURE_FEDERATED_TOKEN_FILE: " + file_ + ": " + got.trouble),
        std::move(done));
  }

private:
  std::string file_;
};

void need(std::string const& missing, char const* who) {
  if (!missing.empty()) refuse("credential: " + std::string(who) + ": not set: " + missing);
}

}  // namespace

std::unique_ptr<token_source> from_client_secret(surroundings around, std::string tenant, std::string client_id,
                                                 base::secret const& secret) {
  std::string missing;
  if (tenant.empty()) missing += "tenant ";
  if (client_id.empty()) missing += "client_id ";
  if (secret.empty()) missing += "secret ";
  if (!missing.empty()) missing.pop_back();
  need(missing, "client secret");
  return std::make_unique<secret_source>(around, tenant_checked("credential: tenant", tenant), std::move(client_id),
                                         secret);
}

std::unique_ptr<token_source> from_client_secret(surroundings around) {
  need(unset({"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"}), "client secret");
  auto text = variable("AZURE_CLIENT_SECRET");
  base::secret const secret(text);
  base::wipe(text);
  return std::make_unique<secret_source>(around, tenant_checked("AZURE_TENANT_ID", variable("AZURE_TENANT_ID")),
                                         variable("AZURE_CLIENT_ID"), secret);
}

std::unique_ptr<token_source> from_workload_identity(surroundings around) {
  need(unset({"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"}), "workload identity");
  return std::make_unique<federated_source>(around, tenant_checked("AZURE_TENANT_ID", variable("AZURE_TENANT_ID")),
                                            variable("AZURE_CLIENT_ID"), variable("AZURE_FEDERATED_TOKEN_FILE"));
}

}  // namespace coelect::stores::azure
