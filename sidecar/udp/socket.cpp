#include "sidecar/udp/socket.hpp"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "sidecar/reactor/bind.hpp"
#include "sidecar/reactor/transparent.hpp"

namespace steelyard {
namespace {

// What comes while a worker is busy with others waits here. The kernel grants net.core.rmem_max at most.
constexpr int kListenerBuffer = 4 * 1024 * 1024;

Error bind_error(const std::string& ip, uint16_t port, const char* what) {
    return {host_id(ip, port), std::string("cannot ") + what + " for UDP: " + bind_problem(errno, port)};
}

}  // namespace

bool is_unspecified(const SocketAddress& address) {
    if (address.family() == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address.data(), sizeof(v4));
        return v4.sin_addr.s_addr == INADDR_ANY;
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, address.data(), sizeof(v6));
    return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

Result<UniqueFd> open_udp_listener(const std::string& ip, uint16_t port, bool freebind) {
    const auto address = SocketAddress::parse(ip, port);
    if (!address) return Error{ip, "is not an IP address"};
    UniqueFd fd(::socket(address->family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!fd) return bind_error(ip, port, "make a socket");
    const int on = 1;
    if (setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
        return bind_error(ip, port, "share the port among workers");
    }
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kListenerBuffer, sizeof(kListenerBuffer));
    const bool v6 = address->family() == AF_INET6;
    if (v6) {
        const int off = 0;
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (is_unspecified(*address)) {
        const int level = v6 ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP);
        if (setsockopt(fd.get(), level, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on)) != 0) {
            return bind_error(ip, port, "learn datagrams' local addresses");
        }
    }
    if (freebind && !set_freebind(fd.get(), address->family()))
        return bind_error(ip, port, "bind ahead of the address");
    if (bind(fd.get(), address->data(), address->size()) != 0) return bind_error(ip, port, "bind");
    return fd;
}

UniqueFd connect_udp(const SocketAddress& host, const SocketAddress* client, bool* lost) {
    UniqueFd fd(::socket(host.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!fd) return fd;
    const int on = 1;
    const bool v6 = host.family() == AF_INET6;
    setsockopt(fd.get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on));
    if (client != nullptr) *lost = !speak_as(fd.get(), host.family(), *client);
    if (::connect(fd.get(), host.data(), host.size()) != 0) {
        const int error = errno;
        fd.reset();
        errno = error;
    }
    return fd;
}

void forget_errors(int fd) {
    char byte;
    iovec part{&byte, sizeof(byte)};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    while (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) message.msg_flags = 0;
}

uint32_t queue_drops(int fd) {
    std::array<uint32_t, SK_MEMINFO_VARS> info{};
    socklen_t size = sizeof(info);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) return 0;
    return info[SK_MEMINFO_DROPS];
}

}  // namespace steelyard
