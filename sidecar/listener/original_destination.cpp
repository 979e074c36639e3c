#include "sidecar/listener/original_destination.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace steelyard {
namespace {

// SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST: their headers do not go together with libc's.
constexpr int kOriginalDestination = 80;

}  // namespace

std::optional<SocketAddress> original_destination(int socket) {
    const auto local = local_address(socket);
    if (!local) return std::nullopt;
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    const int level = local->family() == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    if (getsockopt(socket, level, kOriginalDestination, &storage, &size) != 0) return std::nullopt;
    if (storage.ss_family != local->family()) return std::nullopt;
    return SocketAddress::from(storage);
}

}  // namespace steelyard
