#include "sidecar/reactor/bind.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace steelyard {

bool set_freebind(int socket, int family) {
    const int on = 1;
    const bool v4 = family == AF_INET;
    return setsockopt(socket, v4 ? static_cast<int>(IPPROTO_IP) : static_cast<int>(IPPROTO_IPV6),
                      v4 ? IP_FREEBIND : IPV6_FREEBIND, &on, sizeof(on)) == 0;
}

std::string bind_problem(int error, uint16_t port) {
    std::string problem = std::generic_category().message(error);
    if (error == EACCES && port != 0 && port < 1024) {
        problem += " (a port below 1024 needs CAP_NET_BIND_SERVICE)";
    }
    return problem;
}

}  // namespace steelyard
