#pragma once
// An IPv4 or IPv6 address as a value, and one with a prefix length. Ordered by family, then as the octets are: for two of one family
// that is the order RFC 9568 breaks ties by.
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace steelyard::vip {

enum class Family : uint8_t { ipv4, ipv6 };

const char* to_string(Family family);  // "ipv4", "ipv6"

struct Ip {
    Family family = Family::ipv4;
    std::array<uint8_t, 16> bytes{};  // network order; of IPv4 the first four, the rest is zero

    // A literal without brackets, prefix or zone. nullopt when it is none.
    static std::optional<Ip> parse(std::string_view text);
    // Of 4 or 16 octets.
    static Ip from(std::span<const uint8_t> octets);

    size_t size() const { return family == Family::ipv4 ? 4 : 16; }
    std::span<const uint8_t> octets() const { return {bytes.data(), size()}; }
    bool is_link_local() const;  // fe80::/10, 169.254.0.0/16
    std::string to_string() const;

    friend auto operator<=>(const Ip&, const Ip&) = default;
};

struct Prefix {
    Ip ip;
    uint8_t length = 32;

    // "192.0.2.7" (/32), "192.0.2.7/24", "2001:db8::7" (/128); host bits are kept.
    static std::optional<Prefix> parse(std::string_view text);
    bool contains(const Ip& other) const;
    std::string to_string() const;  // always with the length

    friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

}  // namespace steelyard::vip
