#include "sidecar/reactor/transparent.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "sidecar/reactor/fd.hpp"

namespace steelyard {
namespace {

bool set_transparent(int socket, int family, int value) {
    const bool v4 = family == AF_INET;
    return setsockopt(socket, v4 ? static_cast<int>(IPPROTO_IP) : static_cast<int>(IPPROTO_IPV6),
                      v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &value, sizeof(value)) == 0;
}

}  // namespace

bool speak_as(int socket, int family, const SocketAddress& client) {
    if (client.family() != family) {
        errno = EAFNOSUPPORT;
        return false;
    }
    if (!set_transparent(socket, family, 1)) return false;
    // The port is chosen when the peer is known: one may then serve towards each peer.
    const int on = 1;
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    const SocketAddress any_port = client.with_port(0);
    if (bind(socket, any_port.data(), any_port.size()) == 0) return true;
    const int error = errno;
    set_transparent(socket, family, 0);
    errno = error;
    return false;
}

Result<void> check_transparency() {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket && set_transparent(socket.get(), AF_INET, 1)) return {};
    const int error = errno;
    return Error{"", std::generic_category().message(error) + (error == EPERM ? " (CAP_NET_RAW is needed)" : "")};
}

}  // namespace steelyard
