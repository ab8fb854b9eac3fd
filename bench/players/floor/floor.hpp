// The workloads of the floor: what a client on bare sockets needs for the same, without anything that makes it safe.
#pragma once
#include "players/floor/gateway.hpp"

namespace bench {

void campaigns(options const& o);   // W1
void hand_over(options const& o);   // W2
void stand(options const& o);       // W3, W8
void observe(options const& o);     // W3: tells when keys vanish
void throughput(options const& o);  // W4
void hold(options const& o);        // W5
void wait(options const& o);        // W5
void contention(options const& o);  // W6

}  // namespace bench
