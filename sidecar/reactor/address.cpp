#include "sidecar/reactor/address.hpp"

#include <arpa/inet.h>

#include <cstring>

namespace steelyard {

std::optional<SocketAddress> SocketAddress::parse(std::string_view ip, uint16_t port) {
    char text[INET6_ADDRSTRLEN];
    if (ip.size() >= sizeof(text)) return std::nullopt;
    std::memcpy(text, ip.data(), ip.size());
    text[ip.size()] = '\0';
    SocketAddress result;
    if (inet_pton(AF_INET, text, &result.address_.v4.sin_addr) == 1) {
        result.address_.v4.sin_family = AF_INET;
        result.address_.v4.sin_port = htons(port);
        return result;
    }
    if (inet_pton(AF_INET6, text, &result.address_.v6.sin6_addr) == 1) {
        result.address_.v6.sin6_family = AF_INET6;
        result.address_.v6.sin6_port = htons(port);
        return result;
    }
    return std::nullopt;
}

SocketAddress SocketAddress::from(const sockaddr_storage& storage) {
    SocketAddress result;
    if (storage.ss_family == AF_INET) {
        std::memcpy(&result.address_.v4, &storage, sizeof(sockaddr_in));
    } else {
        std::memcpy(&result.address_.v6, &storage, sizeof(sockaddr_in6));
    }
    return result;
}

uint16_t SocketAddress::port() const {
    return ntohs(family() == AF_INET ? address_.v4.sin_port : address_.v6.sin6_port);
}

size_t SocketAddress::write_ip(char* out) const {
    if (family() == AF_INET) {
        inet_ntop(AF_INET, &address_.v4.sin_addr, out, INET6_ADDRSTRLEN);
    } else if (IN6_IS_ADDR_V4MAPPED(&address_.v6.sin6_addr)) {
        inet_ntop(AF_INET, &address_.v6.sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
    } else {
        inet_ntop(AF_INET6, &address_.v6.sin6_addr, out, INET6_ADDRSTRLEN);
    }
    return std::strlen(out);
}

SocketAddress SocketAddress::with_port(uint16_t port) const {
    SocketAddress other = *this;
    (family() == AF_INET ? other.address_.v4.sin_port : other.address_.v6.sin6_port) = htons(port);
    return other;
}

std::string SocketAddress::ip() const {
    char text[INET6_ADDRSTRLEN];
    return {text, write_ip(text)};
}

std::string SocketAddress::to_string() const { return host_id(ip(), port()); }

std::optional<SocketAddress> local_address(int socket) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    if (getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
    if (storage.ss_family != AF_INET && storage.ss_family != AF_INET6) return std::nullopt;
    return SocketAddress::from(storage);
}

std::string host_id(std::string_view ip, uint16_t port) {
    const bool v6 = ip.find(':') != std::string_view::npos;
    std::string out;
    out.reserve(ip.size() + 8);
    if (v6) out += '[';
    out += ip;
    if (v6) out += ']';
    out += ':';
    out += std::to_string(port);
    return out;
}

}  // namespace steelyard
