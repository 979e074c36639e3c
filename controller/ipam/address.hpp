#pragma once
// IP addresses as numbers, and the ranges that people write of them. Pure values.
//
// A range is "FIRST-LAST" (blanks around the dash are taken) or a CIDR. Bits of a CIDR's address behind its prefix are dropped
// ("192.0.2.9/28" is 192.0.2.0-192.0.2.15), and all of a CIDR's addresses belong to it, the first and the last as well: both as
// MetalLB reads them. Who wants to leave some out writes a range.
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace steelyard::ipam {

__extension__ typedef unsigned __int128 Uint128;  // NOLINT(modernize-use-using): __extension__ needs it

enum class Family : uint8_t { ipv4, ipv6 };

const char* to_string(Family family);  // "IPv4"

struct Address {
    Family family = Family::ipv4;
    Uint128 value = 0;  // in host order; IPv4 in the low 32 bits

    std::string to_string() const;  // canonical (RFC 5952)
    friend bool operator==(const Address&, const Address&) = default;
    friend std::strong_ordering operator<=>(const Address& a, const Address& b) {
        if (a.family != b.family) return a.family <=> b.family;
        return a.value < b.value   ? std::strong_ordering::less
               : a.value > b.value ? std::strong_ordering::greater
                                   : std::strong_ordering::equal;
    }
};

// One that a Service may have: not unspecified, loopback, link-local, multicast, reserved, broadcast, or IPv4 written as IPv6. The error
// has no `where`.
Result<Address> parse_address(std::string_view text);

// first <= last, of one family.
struct Range {
    Address first;
    Address last;

    bool contains(const Address& address) const { return first <= address && address <= last; }
    bool overlaps(const Range& other) const { return first <= other.last && other.first <= last; }
    Uint128 size() const { return last.value - first.value + 1; }
    std::string to_string() const;  // "192.0.2.1-192.0.2.9", or the address alone
    friend bool operator==(const Range&, const Range&) = default;
};

// The error has no `where`. A range that holds an address that no Service may have is refused whole.
Result<Range> parse_range(std::string_view text);

// Sorted; those that overlap or touch have become one.
std::vector<Range> merged(std::vector<Range> ranges);

int64_t saturated(Uint128 count);  // at most INT64_MAX

}  // namespace steelyard::ipam
