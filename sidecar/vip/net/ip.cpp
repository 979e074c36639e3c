#include "sidecar/vip/net/ip.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace steelyard::vip {

const char* to_string(Family family) { return family == Family::ipv4 ? "ipv4" : "ipv6"; }

std::optional<Ip> Ip::parse(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> literal{};
    if (text.empty() || text.size() >= literal.size()) return std::nullopt;
    std::copy(text.begin(), text.end(), literal.begin());
    Ip ip;
    if (inet_pton(AF_INET, literal.data(), ip.bytes.data()) == 1) return ip;
    ip.family = Family::ipv6;
    if (inet_pton(AF_INET6, literal.data(), ip.bytes.data()) == 1) return ip;
    return std::nullopt;
}

Ip Ip::from(std::span<const uint8_t> octets) {
    Ip ip;
    ip.family = octets.size() == 4 ? Family::ipv4 : Family::ipv6;
    std::copy_n(octets.begin(), std::min(octets.size(), ip.bytes.size()), ip.bytes.begin());
    return ip;
}

bool Ip::is_link_local() const {
    if (family == Family::ipv4) return bytes[0] == 169 && bytes[1] == 254;
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

std::string Ip::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> literal{};
    inet_ntop(family == Family::ipv4 ? AF_INET : AF_INET6, bytes.data(), literal.data(), literal.size());
    return literal.data();
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const size_t slash = text.find('/');
    const auto ip = Ip::parse(text.substr(0, slash));
    if (!ip) return std::nullopt;
    Prefix prefix{*ip, static_cast<uint8_t>(ip->size() * 8)};
    if (slash == std::string_view::npos) return prefix;
    const std::string_view digits = text.substr(slash + 1);
    uint8_t length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size() || length > prefix.length) return std::nullopt;
    prefix.length = length;
    return prefix;
}

bool Prefix::contains(const Ip& other) const {
    if (other.family != ip.family) return false;
    const size_t whole = length / 8;
    if (!std::equal(ip.bytes.begin(), ip.bytes.begin() + static_cast<std::ptrdiff_t>(whole), other.bytes.begin())) {
        return false;
    }
    const unsigned rest = length % 8;
    if (rest == 0) return true;
    const unsigned mask = (0xffU << (8 - rest)) & 0xffU;
    return (ip.bytes[whole] & mask) == (other.bytes[whole] & mask);
}

std::string Prefix::to_string() const { return ip.to_string() + "/" + std::to_string(length); }

}  // namespace steelyard::vip
