#pragma once
// Sockets that speak with an address that is not this machine's: a client's, so that its endpoint sees who asks. What the endpoint answers
// comes back only where the machine leads it to the socket (docs/edge.md, "The way back"). Needs CAP_NET_RAW or CAP_NET_ADMIN.
// Source: ip(7) IP_TRANSPARENT and IP_BIND_ADDRESS_NO_PORT, Documentation/networking/tproxy.rst of Linux.
#include "common/result.hpp"
#include "sidecar/reactor/address.hpp"

namespace steelyard {

// Before connect(): what the socket sends comes from `client`'s address, and a port that is free towards the peer. False: it does not, and
// the socket is as it was (errno says why; EAFNOSUPPORT: client and socket are of different families).
bool speak_as(int socket, int family, const SocketAddress& client);

// Whether this process may do that.
Result<void> check_transparency();

}  // namespace steelyard
