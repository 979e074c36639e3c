#include "sidecar/vip/net/vrrp_port.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "sidecar/vip/net/filters.hpp"
#include "sidecar/vip/net/receive.hpp"

namespace steelyard::vip {
namespace {

constexpr int kProtocol = 112;
constexpr int kHops = 255;
constexpr int kNetworkControl = 0xc0;  // the class of routing protocols, as a TOS
constexpr int kPriority = 6;           // of the queueing discipline: SO_PRIORITY's highest without more rights
constexpr int kPacketsATurn = 64;
constexpr size_t kMaxPacket = 8 + 255 * 16 + 60;  // all addresses there can be, behind the largest IPv4 header

template <class T>
bool set(int socket, int level, int option, const T& value) {
    return setsockopt(socket, level, option, &value, sizeof value) == 0;
}

bool prepare_ipv4(int socket, int index) {
    ip_mreqn group{};
    group.imr_ifindex = index;
    group.imr_multiaddr.s_addr = htonl(0xe0000012);  // 224.0.0.18
    return set(socket, IPPROTO_IP, IP_TTL, kHops) && set(socket, IPPROTO_IP, IP_MULTICAST_TTL, kHops) &&
           set(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0) && set(socket, IPPROTO_IP, IP_TOS, kNetworkControl) &&
           set(socket, IPPROTO_IP, IP_MULTICAST_IF, group) && set(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, group);
}

bool prepare_ipv6(int socket, int index) {
    ipv6_mreq group{};
    group.ipv6mr_interface = static_cast<unsigned>(index);
    group.ipv6mr_multiaddr.s6_addr[0] = 0xff;
    group.ipv6mr_multiaddr.s6_addr[1] = 0x02;
    group.ipv6mr_multiaddr.s6_addr[15] = 0x12;
    return set(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, kHops) &&
           set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kHops) && set(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) &&
           set(socket, IPPROTO_IPV6, IPV6_TCLASS, kNetworkControl) &&
           set(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, index) && set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           set(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) && set(socket, IPPROTO_IPV6, IPV6_JOIN_GROUP, group);
}

// IPv4's raw sockets deliver the header. A packet that is none has no message.
VrrpPacket split_header(std::span<const uint8_t> packet) {
    VrrpPacket found;
    if (packet.size() < 20) return found;
    const size_t header = size_t{packet[0] & 0x0fU} * 4;
    found.hop_limit = packet[8];
    found.source = Ip::from(packet.subspan(12, 4));
    found.destination = Ip::from(packet.subspan(16, 4));
    if (header >= 20 && header <= packet.size()) found.message = packet.subspan(header);
    return found;
}

template <class T>
void put_ancillary(msghdr& head, int level, int type, const T& value) {
    head.msg_controllen = CMSG_SPACE(sizeof value);
    cmsghdr* item = CMSG_FIRSTHDR(&head);
    item->cmsg_level = level;
    item->cmsg_type = type;
    item->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(item), &value, sizeof value);
}

}  // namespace

Result<std::unique_ptr<VrrpPort>> VrrpPort::open(boost::asio::io_context& io, const Link& link, Family family,
                                                 Handler handler) {
    std::unique_ptr<VrrpPort> made(new VrrpPort(link.index, family, std::move(handler)));
    if (auto prepared = made->prepare(link); !prepared) return prepared.error();
    made->readable_ = std::make_unique<Readable>(io, made->socket_.get(), [raw = made.get()] { raw->on_readable(); });
    return made;
}

Result<void> VrrpPort::prepare(const Link& link) {
    const auto failed = [&](const char* what) {
        return Error{link.name, std::string("VRRP over ") + to_string(family_) + ": " + what + ": " +
                                    std::generic_category().message(errno)};
    };
    socket_.reset(
        ::socket(family_ == Family::ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, kProtocol));
    if (!socket_) return failed("cannot open a raw socket");
    const int fd = socket_.get();
    set_router_ids({});  // nothing from other interfaces before it is bound, and nothing before there is a router
    if (!set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, index_) &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link.name.data(), static_cast<socklen_t>(link.name.size())) != 0) {
        return failed("cannot bind to the interface");
    }
    static_cast<void>(set(fd, SOL_SOCKET, SO_PRIORITY, kPriority));
    const bool done = family_ == Family::ipv4 ? prepare_ipv4(fd, index_) : prepare_ipv6(fd, index_);
    if (!done) return failed("cannot join the group");
    return {};
}

void VrrpPort::set_router_ids(const std::set<uint8_t>& router_ids) {
    attach(socket_.get(), vrrp_filter(family_, router_ids));
}

int VrrpPort::send(const Ip& source, const Ip& destination, std::span<const uint8_t> message) const {
    sockaddr_storage to{};
    alignas(cmsghdr) std::array<char, 64> control{};
    iovec part{const_cast<uint8_t*>(message.data()), message.size()};  // sendmsg only reads it
    msghdr head{};
    head.msg_name = &to;
    head.msg_iov = &part;
    head.msg_iovlen = 1;
    head.msg_control = control.data();
    head.msg_controllen = control.size();
    if (family_ == Family::ipv4) {
        auto& address = reinterpret_cast<sockaddr_in&>(to);
        address.sin_family = AF_INET;
        std::memcpy(&address.sin_addr, destination.bytes.data(), 4);
        head.msg_namelen = sizeof address;
        in_pktinfo info{};
        info.ipi_ifindex = index_;
        std::memcpy(&info.ipi_spec_dst, source.bytes.data(), 4);
        put_ancillary(head, IPPROTO_IP, IP_PKTINFO, info);
    } else {
        auto& address = reinterpret_cast<sockaddr_in6&>(to);
        address.sin6_family = AF_INET6;
        std::memcpy(&address.sin6_addr, destination.bytes.data(), 16);
        address.sin6_scope_id = static_cast<uint32_t>(index_);
        head.msg_namelen = sizeof address;
        in6_pktinfo info{};
        info.ipi6_ifindex = static_cast<unsigned>(index_);
        std::memcpy(&info.ipi6_addr, source.bytes.data(), 16);
        put_ancillary(head, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    while (sendmsg(socket_.get(), &head, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
}

void VrrpPort::on_readable() {
    for (int turn = 0; turn < kPacketsATurn; ++turn) {
        std::array<uint8_t, kMaxPacket> buffer;
        const auto datagram = receive(socket_.get(), buffer);
        if (!datagram) return;
        if (family_ == Family::ipv4) {
            handler_(split_header(datagram->bytes));
            continue;
        }
        VrrpPacket received;
        received.source = datagram->source;
        received.destination = datagram->destination;
        received.hop_limit = datagram->hop_limit;
        received.message = datagram->bytes;
        handler_(received);
    }
}

}  // namespace steelyard::vip
