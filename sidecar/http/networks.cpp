#include "sidecar/http/networks.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

constexpr IpBytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr size_t kMappedBytes = 12;

bool is_v4(const IpBytes& ip) { return std::equal(ip.begin(), ip.begin() + kMappedBytes, kMapped.begin()); }

// A number of at most `most`, digits alone and no zero before others.
std::optional<unsigned> parse_number(std::string_view digits, unsigned most) {
    if (digits.empty() || digits.size() > 5 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
    unsigned number = 0;
    for (const char c : digits) {
        if (!scan::is_digit(c)) return std::nullopt;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (number > most) return std::nullopt;
    return number;
}

// Whether the first `bits` of both are the same.
bool same_prefix(const IpBytes& a, const IpBytes& b, unsigned bits) {
    const unsigned whole = bits / 8;
    if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((a[whole] ^ b[whole]) & (0xff00U >> rest) & 0xffU) == 0;
}

bool has_bits_beyond(const IpBytes& ip, unsigned bits) {
    IpBytes cleared{};
    const unsigned whole = bits / 8;
    std::copy_n(ip.begin(), whole, cleared.begin());
    if (bits % 8 != 0) cleared[whole] = static_cast<unsigned char>(ip[whole] & (0xff00U >> (bits % 8)));
    return cleared != ip;
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

std::optional<IpBytes> parse_node(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::string_view port;
    if (text.front() == '[') {
        const size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        port = text.substr(end + 1);
        text = text.substr(1, end - 1);
        if (text.find(':') == std::string_view::npos) return std::nullopt;  // brackets are for IPv6
    } else if (const size_t colon = text.find(':');
               colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
        port = text.substr(colon);
        text = text.substr(0, colon);
    }
    if (!port.empty() && (port.front() != ':' || !parse_number(port.substr(1), 65535))) return std::nullopt;
    return parse_ip(text);
}

IpText::IpText(const IpBytes& ip) {
    const bool v4 = is_v4(ip);
    const void* const bytes = v4 ? ip.data() + kMappedBytes : ip.data();
    if (inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text_.data(), INET6_ADDRSTRLEN) != nullptr) {
        size_ = static_cast<uint8_t>(std::strlen(text_.data()));
    }
}

Result<Networks> Networks::parse(std::string_view list, std::string_view where) {
    Networks networks;
    const auto wrong = [&](std::string_view text, const std::string& why) {
        return Error{std::string(where), "'" + std::string(text) + "' " + why};
    };
    while (!list.empty()) {
        const std::string_view text = scan::next_element(list);
        const size_t slash = text.find('/');
        const auto base = parse_ip(text.substr(0, slash));
        const unsigned most = base && is_v4(*base) ? 32 : 128;
        const auto prefix = slash == std::string_view::npos ? most : parse_number(text.substr(slash + 1), most);
        if (!base || !prefix) return wrong(text, "is not a network such as 10.0.0.0/8, fd00::/8 or 192.0.2.7");
        const unsigned bits = 128 - most + *prefix;
        if (has_bits_beyond(*base, bits)) return wrong(text, "has bits beyond its prefix");
        if (networks.networks_.size() == kMost) return wrong(text, "is one network too many: 64 is the most");
        networks.networks_.push_back({*base, static_cast<uint8_t>(bits)});
    }
    return networks;
}

bool Networks::contains(const IpBytes& ip) const {
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const Network& network) { return same_prefix(ip, network.base, network.bits); });
}

}  // namespace steelyard::http
