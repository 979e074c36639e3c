#pragma once
// An IPv4 or IPv6 address with a port, as the kernel takes it.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steelyard {

class SocketAddress {
public:
    SocketAddress() = default;
    // ip: a literal without brackets. nullopt when it is none.
    static std::optional<SocketAddress> parse(std::string_view ip, uint16_t port);
    static SocketAddress from(const sockaddr_storage& storage);

    const sockaddr* data() const { return &address_.any; }
    socklen_t size() const { return family() == AF_INET ? sizeof(address_.v4) : sizeof(address_.v6); }
    int family() const { return address_.any.sa_family; }
    uint16_t port() const;
    SocketAddress with_port(uint16_t port) const;
    // "10.0.0.1" or "fd00::1"; an IPv4-mapped IPv6 address is shown as IPv4.
    std::string ip() const;
    // The same, into `out` (at least INET6_ADDRSTRLEN bytes); returns its length.
    size_t write_ip(char* out) const;
    // "10.0.0.1:80" or "[fd00::1]:80".
    std::string to_string() const;

private:
    union {
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
    } address_{};
};

// The address that a socket is bound to: of a connection, the one that its peer connected to. nullopt when the kernel has none.
std::optional<SocketAddress> local_address(int socket);

// "ip:port" with brackets where IPv6 needs them: the stable identity of a host in logs, metrics and rings.
std::string host_id(std::string_view ip, uint16_t port);

}  // namespace steelyard
