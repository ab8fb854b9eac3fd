// W7: leases of blobs acquired, renewed and released; and whole terms of leadership in an Azure store.
#include "base/base64.hpp"
#include "players/azure_account.hpp"
#include "players/ours/ours.hpp"
#include "stores/azure/azure_client.hpp"

namespace bench {
namespace {

namespace az = coelect::wire::azure;
using coelect::stores::azure::answered;

coelect::http::origin origin_of(azure_account const& account) {
  return {account.where.at.tls, account.where.at.host, account.where.at.port};
}

/// The client inside the store, because renewals are its own business and cannot be asked for from outside. Dated,
/// signed and read anew each time, as when a lease is held.
struct renewer {
  renewer(asio::io_context& io, azure_account const& account)
      : context(coelect::store_context::make(io.get_executor(), coelect::environment::real(), {})),
        client(context, coelect::http::real_network()->reach(context, origin_of(account), {}, {}),
               coelect::stores::azure::by_shared_key(account.name, coelect::base::secret(account.key))),
        deadline(context->after(std::chrono::minutes(10), [] {})) {}

  std::shared_ptr<coelect::store_context> context;
  coelect::stores::azure::azure_client client;
  coelect::timer deadline;  // whoever holds a lease has timers running
};

struct times {
  std::vector<double> us[3];  // acquire, renew, release
};

/// One blob: acquire, renew, release, again and again until `stop_at`.
struct loop {
  void next() {
    if (step == 0 && now() > stop_at) {
      if (--*running == 0) io->stop();
      return;
    }
    auto what = step == 0   ? az::acquire(where, lease, 60)
                : step == 1 ? az::renew(where, lease)
                            : az::release(where, lease);
    begin = now();
    auto answer = [this](answered const& a) {
      if (!a.how.ok()) throw std::runtime_error(a.how.text());
      if (out != nullptr) out->us[step].push_back((now() - begin) * 1e6);
      step = (step + 1) % 3;
      next();
    };
    handle = of->client.ask(std::move(what), of->context->now() + std::chrono::seconds(20), answer);
  }

  asio::io_context* io;
  renewer* of;
  az::blob_path where;
  std::string lease;
  times* out;
  int* running;
  double stop_at = 0;
  double begin = 0;
  int step = 0;
  std::shared_ptr<coelect::stores::azure::conversation> handle{};
};

void make_blobs(asio::io_context& io, renewer& r, azure_account const& account, int n) {
  for (int i = -1; i < n; ++i) {
    bool done = false;
    auto what = i < 0 ? az::create_container(account.blob(0)) : az::create_blob(account.blob(i), 1);
    auto answer = [&done](answered const& a) {
      if (!a.how.ok() && !az::already_there(a.got)) throw std::runtime_error(a.how.text());
      done = true;
    };
    auto const handle = r.client.ask(std::move(what), r.context->now() + std::chrono::seconds(20), answer);
    while (!done) io.run_one();
  }
}

std::string guid_number(int i) {
  char text[40];
  std::snprintf(text, sizeof text, "1f812371-a41d-49e6-b123-%012x", static_cast<unsigned>(i) + 1);
  return text;
}

void play(asio::io_context& io, renewer& r, azure_account const& account, int n, double seconds, times* out) {
  int running = n;
  std::vector<loop> loops;
  for (int i = 0; i < n; ++i)
    loops.push_back({&io, &r, account.blob(i), guid_number(i), out, &running, now() + seconds});
  for (auto& l : loops) l.next();
  io.restart();
  io.run();
}

void requests(options const& o) {
  asio::io_context io(1);
  azure_account const account(o.endpoint);
  renewer r(io, account);
  make_blobs(io, r, account, o.n);
  play(io, r, account, std::min(o.n, 2), 0.3, nullptr);  // the server compiles as it goes
  times took;
  cpu_meter cpu(o.server_pid);
  auto const begin = now();
  play(io, r, account, o.n, o.seconds, &took);
  auto const operations = static_cast<double>(took.us[0].size() + took.us[1].size() + took.us[2].size());
  metrics m;
  m.put("operations_per_s", operations / (now() - begin));
  cpu.put(m, operations);
  m.put("rss_mb", own_rss_mb());
  m.put_all("acquire_us", took.us[0]);
  m.put_all("renew_us", took.us[1]);
  m.put_all("release_us", took.us[2]);
  m.print();
}

asio::awaitable<void> terms(asio::io_context& io, options const& o, metrics& m) {
  azure_account const account(o.endpoint);
  coelect::azure_blob_store_options how;
  how.account_url = account.url;
  how.container = azure_container;
  how.credential = coelect::azure_credential::shared_key(account.name, account.key);
  how.create_container = true;
  auto e = candidate(io, coelect::make_azure_blob_store(io.get_executor(), how), "w7-" + std::to_string(::getpid()));
  std::vector<double> lead_us, cycle_us;
  cpu_meter cpu(o.server_pid);
  for (int i = 0; i < o.rounds + 5; ++i) {
    if (i == 5) cpu.restart();
    auto const begin = now();
    coelect::leadership term = co_await e.campaign();
    auto const leads_at = now();
    if (!term.valid()) throw std::runtime_error("leads, but is not valid");
    co_await term.resign();
    if (i < 5) continue;
    lead_us.push_back((leads_at - begin) * 1e6);
    cycle_us.push_back((now() - begin) * 1e6);
  }
  cpu.put(m, o.rounds);
  m.put_all("lead_us", std::move(lead_us));
  m.put_all("cycle_us", std::move(cycle_us));
  m.put("rss_mb", own_rss_mb());
}

}  // namespace

void azure_leases(options const& o) {
  if (o.mode != "terms") {
    requests(o);
    return;
  }
  asio::io_context io(1);
  metrics m;
  run_to_the_end(io, terms(io, o, m));
  m.print();
}

}  // namespace bench
