#include "sidecar/vip/net/frames.hpp"

#include <algorithm>
#include <initializer_list>

namespace steelyard::vip {
namespace {

constexpr uint8_t kNextHeaderIcmp6 = 58;
constexpr uint8_t kSolicitation = 135;
constexpr uint8_t kAdvertisement = 136;
constexpr uint8_t kRouterFlag = 0x80;
constexpr uint8_t kSolicitedFlag = 0x40;
constexpr uint8_t kOverrideFlag = 0x20;
constexpr uint8_t kSourceOption = 1;
constexpr uint8_t kTargetOption = 2;
constexpr size_t kNeighbourHeader = 24;  // type, code, checksum, flags, target
constexpr size_t kEthernetHeader = 14;
constexpr size_t kIp6Header = 40;
constexpr size_t kArpSize = 28;

void put(Frame& out, std::initializer_list<uint8_t> octets) { out.insert(out.end(), octets); }
void put(Frame& out, std::span<const uint8_t> octets) { out.insert(out.end(), octets.begin(), octets.end()); }

Frame arp(ArpForm form, const Mac& to, const Mac& own, const Ip& sender, const Mac& target_mac, const Ip& target) {
    Frame frame;
    frame.reserve(kEthernetHeader + kArpSize);
    put(frame, to);
    put(frame, own);
    put(frame, {0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, 0, static_cast<uint8_t>(form)});
    put(frame, own);
    put(frame, sender.octets());
    put(frame, target_mac);
    put(frame, target.octets());
    return frame;
}

uint32_t sum_of(std::span<const uint8_t> octets) {
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < octets.size(); i += 2) sum += static_cast<uint32_t>(octets[i] << 8 | octets[i + 1]);
    return sum;
}

// Writes the checksum over the pseudo-header and what follows the IPv6 header; all of it is of even length.
void seal(Frame& frame) {
    const std::span<const uint8_t> all(frame);
    const auto message = all.subspan(kEthernetHeader + kIp6Header);
    uint32_t sum = sum_of(all.subspan(kEthernetHeader + 8, 32)) + sum_of(message);
    sum += static_cast<uint32_t>(message.size()) + kNextHeaderIcmp6;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    const auto checksum = static_cast<uint16_t>(~sum);
    frame[kEthernetHeader + kIp6Header + 2] = static_cast<uint8_t>(checksum >> 8);
    frame[kEthernetHeader + kIp6Header + 3] = static_cast<uint8_t>(checksum & 0xff);
}

Mac mac_of_group(const Ip& group) {
    return {0x33, 0x33, group.bytes[12], group.bytes[13], group.bytes[14], group.bytes[15]};
}

struct Envelope {
    Mac to_mac, own;
    Ip from, to;
};

// `option`: the link-layer address option's type, or 0 for none.
Frame neighbour(const Envelope& envelope, uint8_t type, uint8_t flags, const Ip& target, uint8_t option) {
    const size_t size = kNeighbourHeader + (option == 0 ? 0 : 8);
    Frame frame;
    frame.reserve(kEthernetHeader + kIp6Header + size);
    put(frame, envelope.to_mac);
    put(frame, envelope.own);
    put(frame, {0x86, 0xdd, 0x60, 0, 0, 0, 0, static_cast<uint8_t>(size), kNextHeaderIcmp6, 255});
    put(frame, envelope.from.octets());
    put(frame, envelope.to.octets());
    put(frame, {type, 0, 0, 0, flags, 0, 0, 0});
    put(frame, target.octets());
    if (option != 0) {
        put(frame, {option, 1});
        put(frame, envelope.own);
    }
    seal(frame);
    return frame;
}

Ip all_nodes() {
    Ip group{Family::ipv6, {0xff, 0x02}};
    group.bytes[15] = 1;
    return group;
}

Mac mac_at(std::span<const uint8_t> octets, size_t at) {
    Mac mac{};
    std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(at), mac.size(), mac.begin());
    return mac;
}

}  // namespace

Frame gratuitous_arp(const Mac& own, const Ip& ip, ArpForm form) {
    return arp(form, kBroadcast, own, ip, form == ArpForm::reply ? kBroadcast : Mac{}, ip);
}

Frame arp_answer(const Mac& own, const Ip& ip, const Mac& asker, const Ip& asker_ip) {
    return arp(ArpForm::reply, asker, own, ip, asker, asker_ip);
}

Frame neighbour_advertisement(const Mac& own, const Ip& ip, bool router) {
    const auto flags = static_cast<uint8_t>(kOverrideFlag | (router ? kRouterFlag : 0));
    return neighbour({mac_of_group(all_nodes()), own, ip, all_nodes()}, kAdvertisement, flags, ip, kTargetOption);
}

Frame solicited_advertisement(const Mac& own, const Ip& ip, bool router, const Mac& asker, const Ip& asker_ip) {
    const auto flags = static_cast<uint8_t>(kOverrideFlag | kSolicitedFlag | (router ? kRouterFlag : 0));
    return neighbour({asker, own, ip, asker_ip}, kAdvertisement, flags, ip, kTargetOption);
}

Frame duplicate_address_probe(const Mac& own, const Ip& ip) {
    const Ip group = solicited_node_group(ip);
    return neighbour({mac_of_group(group), own, Ip{Family::ipv6, {}}, group}, kSolicitation, 0, ip, 0);
}

Ip solicited_node_group(const Ip& ip) {
    Ip group{Family::ipv6, {0xff, 0x02}};
    group.bytes[11] = 1;
    group.bytes[12] = 0xff;
    std::copy(ip.bytes.begin() + 13, ip.bytes.end(), group.bytes.begin() + 13);
    return group;
}

std::optional<Arp> parse_arp(std::span<const uint8_t> packet) {
    if (packet.size() < kArpSize) return std::nullopt;
    constexpr std::array<uint8_t, 7> kHead{0, 1, 8, 0, 6, 4, 0};
    if (!std::equal(kHead.begin(), kHead.end(), packet.begin()) || packet[7] < 1 || packet[7] > 2) return std::nullopt;
    return Arp{static_cast<ArpForm>(packet[7]), mac_at(packet, 8), Ip::from(packet.subspan(14, 4)),
               Ip::from(packet.subspan(24, 4))};
}

std::optional<Neighbour> parse_neighbour(std::span<const uint8_t> message) {
    if (message.size() < kNeighbourHeader || message[1] != 0) return std::nullopt;
    if (message[0] != kSolicitation && message[0] != kAdvertisement) return std::nullopt;
    Neighbour found{message[0] == kAdvertisement, Ip::from(message.subspan(8, 16)), std::nullopt};
    const uint8_t wanted = found.advertisement ? kTargetOption : kSourceOption;
    for (auto rest = message.subspan(kNeighbourHeader); rest.size() >= 8;) {
        const size_t size = size_t{rest[1]} * 8;
        if (size == 0 || size > rest.size()) return std::nullopt;
        if (rest[0] == wanted && size == 8) found.mac = mac_at(rest, 2);
        rest = rest.subspan(size);
    }
    return found;
}

}  // namespace steelyard::vip
