#pragma once
// What is asked of the kernel while addresses move, as octets: elements of the packet filter's sets and maps (nf_tables), local routes
// (rtnetlink(7)), connections (sock_diag(7)). Built and parsed without a socket; what is truncated or of no interest is left out, and
// nothing is read beyond what was given. Answers (0 or an errno) are read by parse_netlink().
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

// Of rules.hpp.
enum class FlowFamily : uint8_t { ip, ip6, arp };

struct FlowElement {
    const char* set;
    Ip key;
    std::vector<uint8_t> value = {};  // of a map
};

// A transaction: all elements are added for `time`, or removed, or nothing is done. The answers are to `sequence` and those after it.
std::vector<uint8_t> element_batch(bool add, uint32_t sequence, FlowFamily family,
                                   std::span<const FlowElement> elements, Milliseconds time);
// All of it goes: rules, sets and what is in them.
std::vector<uint8_t> table_removal(uint32_t sequence, FlowFamily family);

// A route by which the address is the node's own without being on an interface that neighbours see. `index`: of the loopback interface.
std::vector<uint8_t> local_route_request(bool add, uint32_t sequence, const Ip& ip, int index);
std::vector<uint8_t> local_routes_request(Family family, uint32_t sequence);
// Those of ours in a list of routes.
std::vector<Ip> parse_local_routes(std::span<const uint8_t> datagram);

struct Connection {
    Ip local;                      // IPv4 within IPv6 is IPv4 here
    Family socket{};               // what kind of socket it has
    std::array<uint8_t, 48> id{};  // the kernel's: addresses, ports and a number that no other has
};

// Those that have been or are being established, from either side; not what only listens or waits for its end.
std::vector<uint8_t> connections_request(Family socket, uint32_t sequence);
struct ConnectionList {
    std::vector<Connection> connections;
    bool end = false;
    int error = 0;
};
ConnectionList parse_connections(std::span<const uint8_t> datagram, uint32_t sequence);
// Ends it; the client gets a reset.
std::vector<uint8_t> reset_request(const Connection& connection, uint32_t sequence);

}  // namespace steelyard::vip
