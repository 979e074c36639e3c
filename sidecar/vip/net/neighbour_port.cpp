#include "sidecar/vip/net/neighbour_port.hpp"

#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "common/log.hpp"
#include "sidecar/vip/net/filters.hpp"
#include "sidecar/vip/net/receive.hpp"

namespace steelyard::vip {
namespace {

constexpr int kPacketsATurn = 64;
constexpr size_t kMaxMessage = 1500;

sockaddr_ll link_address(int index, uint16_t protocol) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(protocol);
    address.sll_ifindex = index;
    return address;
}

template <class T>
bool set(int socket, int level, int option, const T& value) {
    return setsockopt(socket, level, option, &value, sizeof value) == 0;
}

bool has_family(const std::set<Ip>& addresses, Family family) {
    return std::any_of(addresses.begin(), addresses.end(), [&](const Ip& ip) { return ip.family == family; });
}

std::set<Ip> of_family(const std::set<Ip>& addresses, Family family) {
    std::set<Ip> some;
    std::copy_if(addresses.begin(), addresses.end(), std::inserter(some, some.end()),
                 [&](const Ip& ip) { return ip.family == family; });
    return some;
}

}  // namespace

NeighbourPort::NeighbourPort(boost::asio::io_context& io, const Link& link, OnClaim on_claim)
    : io_(io), index_(link.index), name_(link.name), mac_(link.mac), on_claim_(std::move(on_claim)) {}

Result<std::unique_ptr<NeighbourPort>> NeighbourPort::open(boost::asio::io_context& io, const Link& link,
                                                           OnClaim on_claim) {
    std::unique_ptr<NeighbourPort> made(new NeighbourPort(io, link, std::move(on_claim)));
    made->sender_.reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // 0: it receives nothing
    if (!made->sender_) {
        return Error{link.name, "cannot open a packet socket: " + std::generic_category().message(errno)};
    }
    return made;
}

void NeighbourPort::set_held(const std::set<Ip>& held, const std::set<Ip>& answered) {
    held_ = held;
    answered_ = answered;
    if (has_family(held_, Family::ipv4)) {
        if (!arp_) listen_arp();
        if (arp_) attach(arp_.get(), arp_filter(of_family(held_, Family::ipv4), of_family(answered_, Family::ipv4)));
    } else {
        arp_readable_.reset();
        arp_.reset();
    }
    if (has_family(held_, Family::ipv6)) {
        if (!icmp6_) listen_icmp6();
        if (icmp6_) join(of_family(answered_, Family::ipv6));
    } else {
        icmp6_readable_.reset();
        icmp6_.reset();
        joined_.clear();
    }
}

void NeighbourPort::listen_arp() {
    UniqueFd fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_ll own = link_address(index_, ETH_P_ARP);
    // The filter comes before the protocol, so that nothing slips through.
    if (!fd || !attach(fd.get(), arp_filter({}, {})) || !set(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) ||
        bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
        log::warn("{}: cannot listen to ARP: {}; address conflicts go unseen", name_,
                  std::generic_category().message(errno));
        return;
    }
    arp_ = std::move(fd);
    arp_readable_ = std::make_unique<Readable>(io_, arp_.get(), [this] { on_arp(); });
}

void NeighbourPort::listen_icmp6() {
    UniqueFd fd(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
    icmp6_filter wanted{};
    ICMP6_FILTER_SETBLOCKALL(&wanted);
    ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &wanted);
    ICMP6_FILTER_SETPASS(ND_NEIGHBOR_SOLICIT, &wanted);
    if (!fd || !set(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, wanted) ||
        !set(fd.get(), SOL_SOCKET, SO_BINDTOIFINDEX, index_) || !set(fd.get(), IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)) {
        log::warn("{}: cannot listen to neighbour discovery: {}; address conflicts go unseen", name_,
                  std::generic_category().message(errno));
        return;
    }
    icmp6_ = std::move(fd);
    icmp6_readable_ = std::make_unique<Readable>(io_, icmp6_.get(), [this] { on_icmp6(); });
}

// Solicitations for an address go to its group, which the kernel joins by itself only for addresses that it has.
void NeighbourPort::join(const std::set<Ip>& answered) {
    const auto change = [this](const Ip& ip, int option) {
        const Ip group = solicited_node_group(ip);
        ipv6_mreq request{};
        request.ipv6mr_interface = static_cast<unsigned>(index_);
        std::copy(group.bytes.begin(), group.bytes.end(), request.ipv6mr_multiaddr.s6_addr);
        static_cast<void>(set(icmp6_.get(), IPPROTO_IPV6, option, request));  // two addresses may share a group
    };
    for (const Ip& ip : joined_) {
        if (!answered.contains(ip)) change(ip, IPV6_LEAVE_GROUP);
    }
    for (const Ip& ip : answered) change(ip, IPV6_JOIN_GROUP);
    joined_ = answered;
}

bool NeighbourPort::send(const Frame& frame) const {
    sockaddr_ll to = link_address(index_, 0);
    to.sll_halen = static_cast<unsigned char>(mac_.size());
    std::copy_n(frame.begin(), mac_.size(), to.sll_addr);
    const ssize_t n = sendto(sender_.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&to), sizeof to);
    return n == static_cast<ssize_t>(frame.size());
}

bool NeighbourPort::announce(const Ip& ip, bool probe) const {
    if (ip.family == Family::ipv4) {
        const bool asked = send(gratuitous_arp(mac_, ip, ArpForm::request));
        return send(gratuitous_arp(mac_, ip, ArpForm::reply)) && asked;
    }
    const bool told = send(neighbour_advertisement(mac_, ip, forwards()));
    return (!probe || send(duplicate_address_probe(mac_, ip))) && told;
}

// What the kernel's own advertisements say, too.
bool NeighbourPort::forwards() const {
    const std::string path = "/proc/sys/net/ipv6/conf/" + name_ + "/forwarding";
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char value = '0';
    return fd && ::read(fd.get(), &value, 1) == 1 && value != '0';
}

void NeighbourPort::on_arp() {
    for (int turn = 0; turn < kPacketsATurn; ++turn) {
        std::array<uint8_t, 128> buffer;
        const ssize_t n = recv(arp_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0) return;
        const auto packet = parse_arp({buffer.data(), static_cast<size_t>(n)});
        if (!packet || packet->sender_mac == mac_) continue;
        if (packet->form == ArpForm::request && answered_.contains(packet->target_ip) &&
            packet->sender_ip != packet->target_ip) {
            send(arp_answer(mac_, packet->target_ip, packet->sender_mac, packet->sender_ip));
        }
        if (held_.contains(packet->sender_ip)) on_claim_(packet->sender_ip, packet->sender_mac);
        if (!arp_) return;
    }
}

void NeighbourPort::on_icmp6() {
    for (int turn = 0; turn < kPacketsATurn; ++turn) {
        std::array<uint8_t, kMaxMessage> buffer;
        const auto datagram = receive(icmp6_.get(), buffer);
        if (!datagram) return;
        const auto message = parse_neighbour(datagram->bytes);
        if (!message || datagram->hop_limit != 255 || !message->mac || *message->mac == mac_)
            continue;  // RFC 4861, 7.1: 255 or forwarded
        if (message->advertisement) {
            if (held_.contains(message->target)) on_claim_(message->target, *message->mac);
        } else if (answered_.contains(message->target)) {
            send(solicited_advertisement(mac_, message->target, forwards(), *message->mac, datagram->source));
        }
        if (!icmp6_) return;
    }
}

}  // namespace steelyard::vip
