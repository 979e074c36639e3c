#pragma once
// What listeners of TCP and UDP share when they bind: addresses that are not there yet, and why a port could not be had.
#include <cstdint>
#include <string>

namespace steelyard {

// Before bind(): the address need not be one of this machine's, now or ever. Needs no right.
bool set_freebind(int socket, int family);

// What errno means for somebody who wanted this port.
std::string bind_problem(int error, uint16_t port);

}  // namespace steelyard
