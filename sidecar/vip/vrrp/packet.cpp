#include "sidecar/vip/vrrp/packet.hpp"

#include <algorithm>
#include <array>

namespace steelyard::vip {
namespace {

constexpr uint8_t kVersionAndType = 0x31;  // version 3, type 1: an advertisement
constexpr uint16_t kIntervalMask = 0x0fff;
constexpr size_t kIpv4HeaderBytes = 20;

struct FaultText {
    const char* name;
    const char* explanation;
};
constexpr std::array<FaultText, static_cast<size_t>(Fault::kCount)> kFaults{{
    {"none", "nothing is wrong"},
    {"truncated", "the packet is shorter than its header says"},
    {"hop_limit", "the TTL or hop limit is not 255: somebody has forwarded it"},
    {"version", "it is not of VRRP version 3"},
    {"type", "it is not an advertisement"},
    {"checksum", "the checksum is wrong"},
    {"router_id", "the virtual router id is 0"},
    {"no_addresses", "it names no address"},
    {"length", "it is shorter or longer than its count of addresses says"},
    {"interval", "the advertisement interval is 0"},
    {"unknown_router", "its virtual router is not configured here"},
    {"stranger", "its sender is not one of the configured peers"},
    {"own", "its source is an address of this node"},
}};

uint16_t read_16(std::span<const uint8_t> bytes, size_t at) {
    return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void write_16(std::span<uint8_t> bytes, size_t at, uint16_t value) {
    bytes[at] = static_cast<uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<uint8_t>(value & 0xff);
}

// The sum of 16-bit words, an odd octet at the end counting as the upper half of one; folded by finish(). 4 KiB cannot overflow it.
uint32_t add(uint32_t sum, std::span<const uint8_t> bytes) {
    size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2) sum += read_16(bytes, i);
    if (i < bytes.size()) sum += static_cast<uint32_t>(bytes[i]) << 8;
    return sum;
}

uint16_t finish(uint32_t sum) {
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(~sum & 0xffff);
}

// Both families' pseudo-headers sum up alike: addresses, length and protocol, and zeros between.
uint32_t pseudo_header(const Ip& source, const Ip& destination, size_t length) {
    const uint32_t sum = add(add(0, source.octets()), destination.octets());
    return sum + static_cast<uint32_t>(length) + kVrrpProtocol;
}

// How the sender has computed the checksum; nullopt: however it is, it is wrong.
std::optional<Checksum> verify(std::span<const uint8_t> message, const Envelope& envelope) {
    const uint32_t sum = add(0, message);
    if (finish(sum + pseudo_header(envelope.source, envelope.destination, message.size())) == 0)
        return Checksum::pseudo_header;
    if (envelope.source.family == Family::ipv4 && finish(sum) == 0) return Checksum::message;
    return std::nullopt;
}

Fault check_header(std::span<const uint8_t> message, const Envelope& envelope) {
    if (envelope.hop_limit != kHopLimit) return Fault::hop_limit;
    if (message.size() < kVrrpHeaderBytes) return Fault::truncated;
    if (message[0] >> 4 != kVersionAndType >> 4) return Fault::version;
    if ((message[0] & 0x0f) != (kVersionAndType & 0x0f)) return Fault::type;
    return Fault::none;
}

Fault check_fields(std::span<const uint8_t> message, size_t address_bytes) {
    if (message[1] == 0) return Fault::router_id;
    if (message[3] == 0) return Fault::no_addresses;
    if (message.size() != kVrrpHeaderBytes + message[3] * address_bytes) return Fault::length;
    if ((read_16(message, 4) & kIntervalMask) == 0) return Fault::interval;
    return Fault::none;
}

bool can_encode(const Advert& advert, const Ip& source) {
    const auto& addresses = advert.addresses;
    return !addresses.empty() && addresses.size() <= 255 && advert.interval >= Milliseconds{10} &&
           advert.interval <= kMaxAdvertInterval &&
           std::all_of(addresses.begin(), addresses.end(), [&](const Ip& ip) { return ip.family == source.family; });
}

}  // namespace

const char* to_string(Fault fault) { return kFaults[static_cast<size_t>(fault)].name; }
const char* explanation(Fault fault) { return kFaults[static_cast<size_t>(fault)].explanation; }

const char* to_string(Checksum checksum) { return checksum == Checksum::pseudo_header ? "pseudo-header" : "message"; }

std::optional<Checksum> parse_checksum(std::string_view text) {
    for (const auto checksum : {Checksum::pseudo_header, Checksum::message}) {
        if (text == to_string(checksum)) return checksum;
    }
    return std::nullopt;
}

Decoded decode(std::span<const uint8_t> message, const Envelope& envelope) {
    Decoded decoded;
    const size_t address_bytes = envelope.source.size();
    decoded.fault = check_header(message, envelope);
    if (decoded.fault != Fault::none) return decoded;
    // No message that a count can speak of is longer; its checksum need not be known.
    if (message.size() > kVrrpHeaderBytes + 255 * address_bytes) return {.fault = Fault::length};
    const auto checksum = verify(message, envelope);
    if (!checksum) return {.fault = Fault::checksum};
    decoded.checksum = *checksum;
    decoded.fault = check_fields(message, address_bytes);
    if (decoded.fault != Fault::none) return decoded;

    auto& advert = decoded.advert;
    advert.router_id = message[1];
    advert.priority = message[2];
    advert.interval = Milliseconds{(read_16(message, 4) & kIntervalMask) * 10};
    advert.addresses.reserve(message[3]);
    for (auto rest = message.subspan(kVrrpHeaderBytes); !rest.empty(); rest = rest.subspan(address_bytes)) {
        advert.addresses.push_back(Ip::from(rest.first(address_bytes)));
    }
    return decoded;
}

std::optional<Ipv4Packet> split_ipv4(std::span<const uint8_t> packet) {
    if (packet.size() < kIpv4HeaderBytes || packet[0] >> 4 != 4) return std::nullopt;
    const size_t header = static_cast<size_t>(packet[0] & 0x0f) * 4;
    const size_t total = read_16(packet, 2);
    if (header < kIpv4HeaderBytes || total < header || total > packet.size()) return std::nullopt;
    // A fragment: an offset, or more to come. The kernel puts them together before a raw socket sees them.
    if ((read_16(packet, 6) & 0x3fff) != 0 || packet[9] != kVrrpProtocol) return std::nullopt;
    return Ipv4Packet{{Ip::from(packet.subspan(12, 4)), Ip::from(packet.subspan(16, 4)), packet[8]},
                      packet.subspan(header, total - header)};
}

size_t encode(const Advert& advert, const Ip& source, const Ip& destination, Checksum checksum,
              std::span<uint8_t> out) {
    if (!can_encode(advert, source)) return 0;
    const size_t size = kVrrpHeaderBytes + advert.addresses.size() * source.size();
    if (out.size() < size) return 0;
    const auto message = out.first(size);
    message[0] = kVersionAndType;
    message[1] = advert.router_id;
    message[2] = advert.priority;
    message[3] = static_cast<uint8_t>(advert.addresses.size());
    write_16(message, 4, static_cast<uint16_t>(advert.interval.count() / 10));
    write_16(message, 6, 0);
    auto at = message.begin() + kVrrpHeaderBytes;
    for (const auto& address : advert.addresses) {
        const auto octets = address.octets();
        at = std::copy(octets.begin(), octets.end(), at);
    }
    const bool bare = checksum == Checksum::message && source.family == Family::ipv4;
    write_16(message, 6, finish(add(bare ? 0 : pseudo_header(source, destination, size), message)));
    return size;
}

}  // namespace steelyard::vip
