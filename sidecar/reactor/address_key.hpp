#pragma once
// An address and port as a key of hash tables: sixteen bytes (IPv4 as an IPv4-mapped IPv6 address) and the port. Pure.
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

#include "sidecar/reactor/address.hpp"

namespace steelyard {

struct AddressKey {
    std::array<unsigned char, 16> ip{};
    uint16_t port = 0;

    friend bool operator==(const AddressKey&, const AddressKey&) = default;

    static AddressKey of(const SocketAddress& address) {
        AddressKey key;
        key.port = address.port();
        if (address.family() == AF_INET) {
            sockaddr_in v4{};
            std::memcpy(&v4, address.data(), sizeof(v4));
            key.ip[10] = key.ip[11] = 0xff;
            std::memcpy(&key.ip[12], &v4.sin_addr, 4);
        } else {
            sockaddr_in6 v6{};
            std::memcpy(&v6, address.data(), sizeof(v6));
            std::memcpy(key.ip.data(), &v6.sin6_addr, key.ip.size());
        }
        return key;
    }
};

struct AddressKeyHash {
    size_t operator()(const AddressKey& key) const {
        const std::string_view bytes(reinterpret_cast<const char*>(key.ip.data()), key.ip.size());
        return std::hash<std::string_view>{}(bytes)*0x9e3779b97f4a7c15U + key.port;
    }
};

}  // namespace steelyard
