#pragma once
// VRRP version 3 advertisements as octets (RFC 9568, section 5; RFC 5798 has the same layout). Pure. Every fault of a packet is an
// enumerator, so that each can be counted by its name; what is not one of ours is never answered.
//
// The checksum over IPv4 is ambiguous in RFC 5798: keepalived and others cover a pseudo-header, too, RFC 9568 says that only the
// message counts. decode() takes both and says which it was; encode() is told. Over IPv6 the pseudo-header always counts.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

inline constexpr uint8_t kVrrpProtocol = 112;
inline constexpr uint8_t kHopLimit = 255;      // of what is sent; what arrives with another was forwarded by somebody
inline constexpr size_t kVrrpHeaderBytes = 8;  // before the addresses
inline constexpr size_t kMaxAddresses = 64;    // of a router of ours; others may announce up to 255
inline constexpr size_t kMaxSentBytes = kVrrpHeaderBytes + kMaxAddresses * 16;
inline constexpr Milliseconds kMaxAdvertInterval{40'950};  // 12 bits of centiseconds
inline constexpr uint8_t kOwnerPriority = 255;
inline constexpr std::string_view kGroupIpv4 = "224.0.0.18";
inline constexpr std::string_view kGroupIpv6 = "ff02::12";

// Why a packet is not heeded. The first ones are decode()'s; `unknown_router`, `stranger` and `own` are for who receives.
enum class Fault : uint8_t {
    none,
    truncated,       // shorter than its header, or not an IP packet that carries VRRP
    hop_limit,       // TTL or hop limit is not 255
    version,         // not 3: VRRPv2, whose authentication RFC 3768 has withdrawn, among others
    type,            // not an advertisement
    checksum,        //
    router_id,       // 0
    no_addresses,    // a count of 0
    length,          // shorter or longer than the count says
    interval,        // 0
    unknown_router,  // a virtual router that is not configured here
    stranger,        // unicast, and not from one of the configured peers
    own,             // our own address as the source
    kCount,
};
const char* to_string(Fault fault);    // "hop_limit": the value of a label
const char* explanation(Fault fault);  // "the TTL or hop limit is not 255: somebody has forwarded it"

enum class Checksum : uint8_t { pseudo_header, message };
const char* to_string(Checksum checksum);  // "pseudo-header", "message"
std::optional<Checksum> parse_checksum(std::string_view text);

struct Advert {
    uint8_t router_id = 0;
    uint8_t priority = 0;            // 0: the master steps down; 255: the addresses' owner
    Milliseconds interval{0};        // a multiple of 10 ms
    std::vector<Ip> addresses = {};  // 1 to 255, all of the family that the packet came by

    friend bool operator==(const Advert&, const Advert&) = default;
};

// What the IP header said.
struct Envelope {
    Ip source;
    Ip destination;
    uint8_t hop_limit = kHopLimit;
};

struct Decoded {
    Fault fault = Fault::none;
    Advert advert = {};                           // when there is no fault
    Checksum checksum = Checksum::pseudo_header;  // how the sender computed it
};

// `message`: from the VRRP version on. Allocates the list of at most 255 addresses, and that only when all else is right.
Decoded decode(std::span<const uint8_t> message, const Envelope& envelope);

// An IPv4 packet as a raw socket delivers it: its header, options and what it carries. nullopt: no whole packet of VRRP.
struct Ipv4Packet {
    Envelope envelope;
    std::span<const uint8_t> message;
};
std::optional<Ipv4Packet> split_ipv4(std::span<const uint8_t> packet);

// Writes into `out` and returns the length; 0 when it does not fit, an address is of another family than `source`, there is none or
// more than 255, or the interval is not 10 to 40'950 ms. Over IPv6 `checksum` is always the pseudo-header's.
size_t encode(const Advert& advert, const Ip& source, const Ip& destination, Checksum checksum, std::span<uint8_t> out);

}  // namespace steelyard::vip
