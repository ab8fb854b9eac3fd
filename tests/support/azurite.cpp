// Azurite, the emulator of Azure Storage, started by the tests on free loopback ports.
#include "support/azurite.hpp"
#include "support/etcd_server.hpp"
#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace coelect::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

bool answers(std::uint16_t port) {
  int const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool const fine = ::connect(s, reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0;
  ::close(s);
  return fine;
}

std::string text_of(fs::path const& file) {
  std::ifstream in(file);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

fs::path make_directory() {
  std::string pattern = fs::exists("/dev/shm") ? "/dev/shm/coelect-azurite-XXXXXX" : "/tmp/coelect-azurite-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  return pattern;
}

}  // namespace

std::vector<std::string> azurite_command() {
  auto const node = find_program("node");
  if (node.empty()) throw std::runtime_error("node is not installed: apt-get install nodejs npm");
  auto const* const given = std::getenv("COELECT_AZURITE");
  fs::path const script = given != nullptr ? given : COELECT_AZURITE_DEFAULT;
  if (!fs::exists(script))
    throw std::runtime_error(
        "Azurite is not installed: ./dev setup (or npm ci in tests/servers; set COELECT_AZURITE "
        "to its dist/src/blob/main.js); looked for " +
        script.string());
  return {node, script.string()};
}

azurite::azurite(azurite_options how) : how_(std::move(how)), directory_(make_directory()), port_(free_port()) {
  auto command = azurite_command();
  for (auto const* flag :
       {"--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence", "--silent", "--blobHost", "127.0.0.1"})
    command.emplace_back(flag);
  command.insert(command.end(), {"--blobPort", std::to_string(port_)});
  if (!how_.certificate.empty())
    command.insert(command.end(), {"--cert", how_.certificate.string(), "--key", how_.key.string()});
  if (how_.oauth) command.insert(command.end(), {"--oauth", "basic"});
  std::vector<char*> argv;
  for (auto& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  auto const log = directory_ / "log";
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int const out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::close_range(3, ~0U, 0);
    if (::chdir(directory_.c_str()) != 0) ::_exit(127);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  auto const end = std::chrono::steady_clock::now() + 30s;
  while (!answers(port_)) {
    bool const died = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (died) pid_ = -1;
    if (died || std::chrono::steady_clock::now() > end)
      throw std::runtime_error("Azurite does not start: " + text_of(log));
    std::this_thread::sleep_for(10ms);
  }
}

azurite::~azurite() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string azurite::url() const {
  return std::string(how_.certificate.empty() ? "http" : "https") + "://127.0.0.1:" + std::to_string(port_) +
         "/devstoreaccount1";
}

std::string azurite::connection_string() const {
  return "AccountName=devstoreaccount1;AccountKey="
         "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=" +
         url();
}

void azurite::signal(int number) const { ::kill(pid_, number); }

}  // namespace coelect::test
