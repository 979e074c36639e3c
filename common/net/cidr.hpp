#pragma once
// IP addresses as sixteen bytes (IPv4 as IPv4-mapped IPv6), networks ("10.0.0.0/8"), and sets of networks that answer in O(log n)
// without allocating. Pure. Sources: RFC 4632 and RFC 4291 section 2.2 (the text forms, as inet_pton takes them).
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace steelyard::net {

using IpBytes = std::array<unsigned char, 16>;
constexpr size_t kMappedBytes = 12;  // before an IPv4 address's own four

// "10.0.0.1" or "fd00::1": no brackets, no port, no zone.
std::optional<IpBytes> parse_ip(std::string_view text);
bool is_v4(const IpBytes& ip);
// Canonical: IPv4 with dots, IPv6 as RFC 5952 has it.
std::string to_string(const IpBytes& ip);

struct Cidr {
    IpBytes base{};
    uint8_t bits = 0;  // of the sixteen bytes: 96 more than is written for IPv4

    // A network written as IPv6 holds no IPv4 address, "::/0" neither.
    bool contains(const IpBytes& ip) const;
    friend bool operator==(const Cidr&, const Cidr&) = default;
};

// What becomes of address bits beyond the prefix ("10.0.0.1/8"): a slip of the pen, or cleared as Kubernetes' Services have them.
enum class BeyondPrefix : uint8_t { refused, cleared };

// "10.0.0.0/8" or "fd00::/8". The error has no `where` and does not repeat the text: "is not a network such as ...".
Result<Cidr> parse_cidr(std::string_view text, BeyondPrefix beyond = BeyondPrefix::refused);
std::string to_string(const Cidr& network);

// Networks as sorted ranges that do not overlap, by family.
class IpRanges {
public:
    IpRanges() = default;
    explicit IpRanges(const std::vector<Cidr>& networks);

    bool contains(const IpBytes& ip) const;
    bool empty() const { return v4_.empty() && v6_.empty(); }
    size_t size() const { return v4_.size() + v6_.size(); }

private:
    struct Range {
        IpBytes first, last;
    };
    static void merge(std::vector<Range>& ranges);

    std::vector<Range> v4_, v6_;
};

}  // namespace steelyard::net
