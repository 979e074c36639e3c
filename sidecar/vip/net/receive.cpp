#include "sidecar/vip/net/receive.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace steelyard::vip {
namespace {

void read_ancillary(msghdr& head, Datagram& datagram) {
    for (cmsghdr* item = CMSG_FIRSTHDR(&head); item != nullptr; item = CMSG_NXTHDR(&head, item)) {
        if (item->cmsg_level != IPPROTO_IPV6) continue;
        if (item->cmsg_type == IPV6_HOPLIMIT) {
            int hops = 0;
            std::memcpy(&hops, CMSG_DATA(item), sizeof hops);
            datagram.hop_limit = static_cast<uint8_t>(hops);
        } else if (item->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(item), sizeof info);
            datagram.destination = Ip::from(info.ipi6_addr.s6_addr);
        }
    }
}

}  // namespace

std::optional<Datagram> receive(int socket, std::span<uint8_t> buffer) {
    alignas(cmsghdr) std::array<char, 128> control;
    sockaddr_in6 from{};
    iovec part{buffer.data(), buffer.size()};
    msghdr head{};
    head.msg_name = &from;
    head.msg_namelen = sizeof from;
    head.msg_iov = &part;
    head.msg_iovlen = 1;
    head.msg_control = control.data();
    head.msg_controllen = control.size();
    ssize_t n = -1;
    do {
        n = recvmsg(socket, &head, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return std::nullopt;
    Datagram datagram;
    datagram.bytes = {buffer.data(), static_cast<size_t>(n)};
    if (head.msg_namelen == sizeof from && from.sin6_family == AF_INET6) {
        datagram.source = Ip::from(from.sin6_addr.s6_addr);
    }
    read_ancillary(head, datagram);
    return datagram;
}

}  // namespace steelyard::vip
