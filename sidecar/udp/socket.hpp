#pragma once
// UDP sockets: a worker's share of a listener, and the one that a session has to its host.
#include <string>

#include "common/result.hpp"
#include "sidecar/reactor/address.hpp"
#include "sidecar/reactor/fd.hpp"

namespace steelyard {

// Binds with SO_REUSEPORT, so that the kernel gives all datagrams of one client to one worker. port 0 = any free one. On an
// unspecified address (0.0.0.0, ::) each datagram says which local address it was sent to. The error names address and cause.
// `freebind`: the address need not be there (yet).
Result<UniqueFd> open_udp_listener(const std::string& ip, uint16_t port, bool freebind = false);
bool is_unspecified(const SocketAddress& address);

// Connected: datagrams of others do not get in, and a host that refuses or cannot be reached is heard of (ICMP; without being asked, Linux
// tells of refusals alone). No socket: errno says why. With `client`, what it
// sends comes from that one's address, or, when that may not be, from our own: then `lost` is set.
UniqueFd connect_udp(const SocketAddress& host, const SocketAddress* client = nullptr, bool* lost = nullptr);

// What is heard is kept, too, and the socket ready (EPOLLERR) for as long as it is: forgets it, and what the next call would fail with.
void forget_errors(int fd);

// Datagrams that the kernel dropped at this socket because nobody took them in time, since it is open; wraps.
uint32_t queue_drops(int fd);

}  // namespace steelyard
