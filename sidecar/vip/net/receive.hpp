#pragma once
// One datagram of a raw socket, with what the kernel says beside it: RFC 3542's hop limit and destination, where the socket asks for them.
#include <cstdint>
#include <optional>
#include <span>

#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

struct Datagram {
    std::span<const uint8_t> bytes;  // of the caller's buffer; cut to its size
    Ip source;                       // of IPv6
    Ip destination;                  // of IPv6, with IPV6_RECVPKTINFO
    uint8_t hop_limit = 0;           // of IPv6, with IPV6_RECVHOPLIMIT; 0: not told
};

// Never blocks. nullopt: there is none, or the socket is at fault, which rtnetlink tells of.
std::optional<Datagram> receive(int socket, std::span<uint8_t> buffer);

}  // namespace steelyard::vip
