// A candidate in several elections as a process of its own, to be killed, stopped and cut off by the fault campaign.
//
// fault-candidate KEY=VALUE...
//   name=NAME journal=FILE resource=SOCKET elections=A,B,...
//   etcd=URL,URL... user=NAME (password in FAULT_PASSWORD) | azure=CONNECTION_STRING | file=DIRECTORY
//   ttl=MS slack=MS reign=MS
// On SIGUSR1 it stops itself between the next valid() that says yes and the write that follows; SIGUSR2 takes that back.
#include "resource.hpp"
#include "sampler.hpp"
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <map>
#include <sstream>

namespace coelect::test {
namespace {

using std::chrono::milliseconds;

std::atomic<bool> stop_before_write{false};

std::vector<std::string> list(std::string const& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one, ',');) all.push_back(one);
  return all;
}

class arguments {
public:
  arguments(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      std::string const word = argv[i];
      auto const at = word.find('=');
      if (at == word.npos) throw std::runtime_error("not KEY=VALUE: " + word);
      values_[word.substr(0, at)] = word.substr(at + 1);
    }
  }
  bool has(std::string const& key) const { return values_.contains(key); }
  std::string operator[](std::string const& key) const {
    auto const found = values_.find(key);
    return found == values_.end() ? "" : found->second;
  }
  milliseconds ms(std::string const& key) const { return milliseconds(has(key) ? std::stol((*this)[key]) : 0); }

private:
  std::map<std::string, std::string> values_;
};

std::shared_ptr<store> open(boost::asio::io_context& io, arguments const& given, habits& how) {
  auto const writes_every = milliseconds(100);
  if (given.has("etcd")) {
    etcd_store_options o;
    o.endpoints = list(given["etcd"]);
    o.prefix = "f/";
    o.timing.ttl = given.ms("ttl");
    o.timing.store_slack = given.ms("slack");
    o.timing.retry_max = milliseconds(1'000);
    o.username = given["user"];
    if (auto const* const secret = std::getenv("FAULT_PASSWORD"); !o.username.empty() && secret) o.password = secret;
    how.guarded_writes = writes_every;
    how.guarded_before = "f/@written/";
    return make_etcd_store(io.get_executor(), o);
  }
  if (given.has("azure")) {
    azure_blob_store_options o;
    o.container = "faults";
    o.create_container = true;
    o.poll_min = milliseconds(200);
    o.poll_max = milliseconds(500);
    o.timing.ttl = given.ms("ttl");
    o.timing.retry_max = milliseconds(1'000);
    how.guarded_writes = 5 * writes_every;
    how.guarded_after = "-state";
    return make_azure_blob_store(io.get_executor(), given["azure"], o);
  }
  file_store_options o;
  o.directory = given["file"];
  return make_file_store(io.get_executor(), o);
}

/// Writes into the fenced resource whenever valid() says that it may.
[[noreturn]] void work(std::deque<seat> const& seats, std::string const& name, std::string const& at) {
  resource there(at);
  for (;;) {
    for (auto const& one : seats) {
      auto const term = one.term();
      if (!term || !term->valid()) continue;
      if (stop_before_write.exchange(false)) ::kill(::getpid(), SIGSTOP);
      there.write(one.election(), term->fencing_token(), name);
    }
    std::this_thread::sleep_for(milliseconds(50));
  }
}

int run(arguments const& given) {
  std::signal(SIGUSR1, [](int) { stop_before_write = true; });
  std::signal(SIGUSR2, [](int) { stop_before_write = false; });
  std::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context io;
  journal out(given["journal"]);
  habits how;
  how.name = given["name"];
  how.reign = given.ms("reign");
  auto const where = open(io, given, how);
  std::deque<seat> seats;
  for (auto const& election : list(given["elections"])) seats.emplace_back(io, where, election, how, out).stand();
  std::thread([&] { sampler(seats, how.name, out).run(); }).detach();
  std::thread([&] { work(seats, how.name, given["resource"]); }).detach();
  io.run();
  return 0;
}

}  // namespace
}  // namespace coelect::test

int main(int argc, char** argv) {
  try {
    return coelect::test::run(coelect::test::arguments(argc, argv));
  } catch (std::exception const& e) {
    std::fprintf(stderr, "fault-candidate: %s\n", e.what());
    return 2;
  }
}
