// Whatever arrives by the VRRP protocol: no crash; what is taken comes out the same when it is written and read again; what is not has a
// fault with a name. The first octet chooses the family: 4, a whole IPv4 packet as a raw socket has it, or else IPv6, of which
// the next 32 octets are the addresses and one is the hop limit.
#include <array>
#include <cstdlib>
#include <cstring>

#include "sidecar/vip/vrrp/packet.hpp"

namespace {

using namespace steelyard::vip;

void require(bool condition) {
    if (!condition) std::abort();
}

void check(std::span<const uint8_t> message, const Envelope& envelope) {
    const Decoded decoded = decode(message, envelope);
    require(std::strlen(to_string(decoded.fault)) > 0);
    if (decoded.fault != Fault::none) {
        require(decoded.advert == Advert{});
        return;
    }
    require(message.size() == kVrrpHeaderBytes + decoded.advert.addresses.size() * envelope.source.size());
    require(envelope.hop_limit == kHopLimit && decoded.advert.router_id != 0);
    std::array<uint8_t, kVrrpHeaderBytes + 255 * 16> out;
    const size_t size = encode(decoded.advert, envelope.source, envelope.destination, decoded.checksum, out);
    require(size == message.size());
    const Decoded again = decode(std::span(out).first(size), envelope);
    require(again.fault == Fault::none && again.advert == decoded.advert);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::span<const uint8_t> bytes(data, size);
    if (bytes.empty()) return 0;
    const bool ipv4 = bytes[0] == 4;
    bytes = bytes.subspan(1);
    if (ipv4) {
        if (const auto packet = split_ipv4(bytes)) {
            require(packet->message.size() + 20 <= bytes.size());
            check(packet->message, packet->envelope);
        }
        return 0;
    }
    if (bytes.size() < 33) return 0;
    check(bytes.subspan(33), {Ip::from(bytes.first(16)), Ip::from(bytes.subspan(16, 16)), bytes[32]});
    return 0;
}
