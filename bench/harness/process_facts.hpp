// What /proc tells about a process and the machine: memory, threads, connections, processor time, libraries.
#pragma once
#include <cstdint>
#include <string>
#include <sys/types.h>

namespace bench {

double rss_bytes(pid_t pid);
int threads_of(pid_t pid);
int tcp_connections_of(pid_t pid);

/// Files that are mapped and called *.so*, except the loader itself.
struct libraries {
  int count = 0;
  double bytes = 0;
};
libraries libraries_of(pid_t pid);
double size_of_program(pid_t pid);

/// Which part of the machine was busy, from 0 to 1, while this looked (100 ms).
double busy_part_of_machine();

std::string machine_text();  ///< Cores, processor, kernel.

}  // namespace bench
