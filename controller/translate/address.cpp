#include "controller/translate/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstring>

#include "common/config/problems.hpp"

namespace steelyard::translate {
namespace {

enum class Use { anywhere, loopback, link_local, multicast, unspecified };

Use use_of(uint32_t v4) {
    if (v4 >> 24 == 0) return Use::unspecified;  // "this network", RFC 1122
    if (v4 >> 24 == 127) return Use::loopback;
    if (v4 >> 16 == 0xa9fe) return Use::link_local;
    return v4 >= 0xe0000000 ? Use::multicast : Use::anywhere;  // with the reserved block and broadcast above it
}

Use use_of(const in6_addr& v6) {
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        uint32_t v4 = 0;
        std::memcpy(&v4, &v6.s6_addr[12], sizeof v4);
        return use_of(ntohl(v4));
    }
    if (IN6_IS_ADDR_UNSPECIFIED(&v6)) return Use::unspecified;
    if (IN6_IS_ADDR_LOOPBACK(&v6)) return Use::loopback;
    if (IN6_IS_ADDR_LINKLOCAL(&v6)) return Use::link_local;
    return IN6_IS_ADDR_MULTICAST(&v6) ? Use::multicast : Use::anywhere;
}

const char* name_of(Use use) {
    switch (use) {
        case Use::loopback:
            return "a loopback address, which every node has for itself";
        case Use::link_local:
            return "a link-local address, which means something else on every link";
        case Use::multicast:
            return "a multicast or reserved address, not that of a host";
        case Use::unspecified:
            return "an unspecified address, not that of a host";
        case Use::anywhere:
            break;
    }
    return "an address";
}

}  // namespace

Result<std::string> backend_address(std::string_view text, Family family, bool allow_loopback) {
    char buffer[INET6_ADDRSTRLEN + 1] = {};
    in_addr v4{};
    in6_addr v6{};
    const bool is_v4 = family == Family::ipv4;
    bool valid = !text.empty() && text.size() < sizeof buffer && text.find('\0') == std::string_view::npos;
    if (valid) {
        std::memcpy(buffer, text.data(), text.size());
        valid = is_v4 ? inet_pton(AF_INET, buffer, &v4) == 1 : inet_pton(AF_INET6, buffer, &v6) == 1;
    }
    if (!valid) {
        return Error{"InvalidAddress",
                     "'" + config::shown(text) + "' is not an " + (is_v4 ? "IPv4" : "IPv6") + " address"};
    }
    const Use use = is_v4 ? use_of(ntohl(v4.s_addr)) : use_of(v6);
    const bool forgiven = use == Use::anywhere || (allow_loopback && (use == Use::loopback || use == Use::link_local));
    if (!forgiven) return Error{"ForbiddenAddress", "'" + std::string(text) + "' is " + name_of(use)};
    if (is_v4) return std::string(text);  // inet_pton takes one spelling only
    return std::string(inet_ntop(AF_INET6, &v6, buffer, sizeof buffer));
}

}  // namespace steelyard::translate
