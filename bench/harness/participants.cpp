// Who takes part, how each one is started, and who is missing and why.
#include "harness/participants.hpp"
#include "support/etcd_server.hpp"
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace bench {
namespace {

namespace fs = std::filesystem;

/// The version of an npm package as it is installed; empty without it.
std::string npm_version(fs::path const& modules, std::string const& package) {
  std::ifstream in(modules / package / "package.json");
  auto const json = nlohmann::json::parse(in, nullptr, false);
  return json.is_object() ? json.value("version", "") : "";
}

std::string output_of(std::vector<std::string> command) {
  try {
    auto text = coelect::test::run_program(std::move(command));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  } catch (std::exception const&) {
    return {};
  }
}

std::string debian_version(std::string const& package) {
  auto const query = coelect::test::find_program("dpkg-query");
  return query.empty() ? "" : output_of({query, "-W", "-f=${Version}", package});
}

class roll_call {
public:
  roll_call(settings const& s, field& f) : s_(s), f_(f) {}

  void ours_and_floor() {
    if (wanted("ours")) {
      participant const p{"ours", "coelect", {(s_.players / "ours").string()}};
      f_.etcd.push_back(p);
      f_.azure.push_back(p);
    }
    if (wanted("floor")) {
      f_.etcd.push_back({"floor", "bare sockets, JSON gateway", {(s_.players / "floor").string()}});
      f_.azure.push_back({"floor", "bare sockets, signed beforehand", {(s_.players / "floor-azure").string()}});
    }
  }
  void go() {
    auto const program = s_.peers / "go-player";
    if (!wanted("go")) return;
    if (!fs::exists(program)) return absent("go (clientv3/concurrency)", hint);
    auto const version = debian_version("golang-etcd-server-dev");
    f_.etcd.push_back({"go", "clientv3/concurrency " + version, {program.string()}, true});
  }
  void python() {
    auto const python = std::string("/usr/bin/python3");  // Debian's, which sees Debian's packages
    if (!wanted("python")) return;
    if (!fs::exists(python) || output_of({python, "-c", "import etcd3; print(1)"}) != "1")
      return absent("python (python3-etcd3)", hint);
    participant p{"python", "python3-etcd3 " + debian_version("python3-etcd3"), {}, true};
    p.command = {python, (s_.sources / "peers/python/player.py").string()};
    p.queues = false;
    f_.etcd.push_back(p);
  }
  void npm() {
    auto const node = coelect::test::find_program("node");
    auto const modules = s_.peers / "node/node_modules";
    auto const scripts = s_.sources / "peers/node";
    ::setenv("NODE_PATH", modules.c_str(), 1);  // the players lie in the tree, what they need does not
    if (wanted("npm")) {
      auto const version = npm_version(modules, "etcd3");
      participant p{"npm", "npm etcd3 " + version, {node, (scripts / "etcd.js").string()}, true, "election/"};
      if (node.empty() || version.empty()) absent("npm (etcd3)", hint);
      else f_.etcd.push_back(p);
    }
    if (wanted("azure-js")) {
      auto const version = npm_version(modules, "@azure/storage-blob");
      participant p{"azure-js", "@azure/storage-blob " + version, {node, (scripts / "azure.js").string()}, true};
      if (node.empty() || version.empty()) absent("azure-js (@azure/storage-blob)", hint, true);
      else f_.azure.push_back(p);
    }
  }
  void not_to_be_had() {
    if (s_.smoke || !s_.participants.empty()) return;
    absent("etcd-cpp-apiv3", "in no package registry; must be built from its sources with gRPC");
    absent("azure-sdk-for-cpp", "not in Debian 12; must be built from its sources", true);
  }

private:
  static constexpr char const* hint = "not installed: ./dev bench setup";

  bool wanted(std::string const& name) const {
    return s_.participants.empty() ||
           std::find(s_.participants.begin(), s_.participants.end(), name) != s_.participants.end();
  }
  void absent(std::string const& name, std::string const& why, bool azure = false) {
    f_.absent.push_back({name, why, azure});
  }

  settings const& s_;
  field& f_;
};

}  // namespace

field look_who_is_there(settings const& s) {
  field f;
  roll_call call(s, f);
  call.ours_and_floor();
  call.go();
  call.npm();
  call.python();
  call.not_to_be_had();
  return f;
}

}  // namespace bench
