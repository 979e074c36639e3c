#include "common/net/cidr.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace steelyard::net {
namespace {

constexpr IpBytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = kMappedBytes * 8;

// Digits alone, and no zero before others: "010" may be read as octal elsewhere.
std::optional<unsigned> parse_length(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    return value;
}

// The bits of byte `i` that a prefix covers.
unsigned char mask_of(unsigned bits, size_t i) {
    const unsigned before = static_cast<unsigned>(i) * 8;
    const unsigned covered = bits > before ? std::min(8U, bits - before) : 0;
    return static_cast<unsigned char>(0xff00U >> covered);
}

bool is_v4(const Cidr& network) { return network.bits >= kMappedBits && net::is_v4(network.base); }

IpBytes first_of(const Cidr& network) {
    IpBytes first = network.base;
    for (size_t i = 0; i < first.size(); ++i) first[i] &= mask_of(network.bits, i);
    return first;
}

IpBytes last_of(const Cidr& network) {
    IpBytes last = network.base;
    for (size_t i = 0; i < last.size(); ++i) last[i] |= static_cast<unsigned char>(~mask_of(network.bits, i));
    return last;
}

}  // namespace

std::optional<IpBytes> parse_ip(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.empty() || text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
    text.copy(copy.data(), text.size());
    IpBytes ip = kMapped;
    if (inet_pton(AF_INET, copy.data(), ip.data() + kMappedBytes) == 1) return ip;
    if (inet_pton(AF_INET6, copy.data(), ip.data()) == 1) return ip;
    return std::nullopt;
}

bool is_v4(const IpBytes& ip) { return std::equal(ip.begin(), ip.begin() + kMappedBytes, kMapped.begin()); }

std::string to_string(const IpBytes& ip) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool v4 = is_v4(ip);
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip.data() + kMappedBytes : ip.data(), text.data(), text.size());
    return text.data();
}

bool Cidr::contains(const IpBytes& ip) const {
    if (net::is_v4(ip) && bits < kMappedBits) return false;
    const unsigned whole = bits / 8;
    if (std::memcmp(base.data(), ip.data(), whole) != 0) return false;
    return bits % 8 == 0 || ((base[whole] ^ ip[whole]) & mask_of(bits, whole)) == 0;
}

Result<Cidr> parse_cidr(std::string_view text, BeyondPrefix beyond) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return Error{"", "lacks the length of its prefix, as in 10.0.0.0/8"};
    const std::string_view address = text.substr(0, slash);
    const bool v6 = address.find(':') != std::string_view::npos;
    const auto ip = parse_ip(address);
    // An IPv4 network in IPv6's clothes has two readings; nobody means it.
    if (!ip || is_v4(*ip) == v6) return Error{"", "is not a network such as 10.0.0.0/8 or fd00::/8"};
    const auto length = parse_length(text.substr(slash + 1), v6 ? 128 : 32);
    if (!length) {
        return Error{"", std::string("has no prefix length of 0-") + (v6 ? "128" : "32") + " after its slash"};
    }
    Cidr network{*ip, static_cast<uint8_t>(v6 ? *length : *length + kMappedBits)};
    network.base = first_of(network);
    if (beyond == BeyondPrefix::refused && network.base != *ip) {
        return Error{"", "has address bits beyond its prefix; the network would be " + to_string(network)};
    }
    return network;
}

std::string to_string(const Cidr& network) {
    const bool v4 = is_v4(network);
    return to_string(network.base) + "/" + std::to_string(v4 ? network.bits - kMappedBits : network.bits);
}

IpRanges::IpRanges(const std::vector<Cidr>& networks) {
    for (const Cidr& network : networks) {
        (is_v4(network) ? v4_ : v6_).push_back({first_of(network), last_of(network)});
    }
    merge(v4_);
    merge(v6_);
}

void IpRanges::merge(std::vector<Range>& ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    size_t kept = 0;
    for (const Range& range : ranges) {
        // Networks that overlap contain one another.
        if (kept != 0 && range.first <= ranges[kept - 1].last) {
            ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
        } else {
            ranges[kept++] = range;
        }
    }
    ranges.resize(kept);
    ranges.shrink_to_fit();
}

bool IpRanges::contains(const IpBytes& ip) const {
    const std::vector<Range>& ranges = net::is_v4(ip) ? v4_ : v6_;
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), ip,
                                        [](const IpBytes& value, const Range& range) { return value < range.first; });
    return after != ranges.begin() && ip <= std::prev(after)->last;
}

}  // namespace steelyard::net
