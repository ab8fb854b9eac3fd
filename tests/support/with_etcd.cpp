// Starts an etcd, runs a command with its URL as last argument, ends the etcd.
#include "support/etcd_server.hpp"
#include <iostream>

int main(int argc, char** argv) {
  try {
    coelect::test::etcd_server const server;
    std::vector<std::string> command(argv + 1, argv + argc);
    command.push_back(server.url());
    std::cout << coelect::test::run_program(std::move(command));
    return 0;
  } catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
