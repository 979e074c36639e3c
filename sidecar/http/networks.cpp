#include "sidecar/http/networks.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

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

}  // namespace

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
    const bool v4 = net::is_v4(ip);
    const void* const bytes = v4 ? ip.data() + net::kMappedBytes : ip.data();
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
        const auto address = parse_ip(text);
        const auto network = address ? Result<net::Cidr>(net::Cidr{*address, 128}) : net::parse_cidr(text);
        if (!network) {
            const bool bare = text.find('/') == std::string_view::npos;
            return wrong(text,
                         bare ? "is not a network such as 10.0.0.0/8, fd00::/8 or 192.0.2.7" : network.error().problem);
        }
        if (networks.networks_.size() == kMost) return wrong(text, "is one network too many: 64 is the most");
        networks.networks_.push_back(*network);
    }
    return networks;
}

bool Networks::contains(const IpBytes& ip) const {
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const net::Cidr& network) { return network.contains(ip); });
}

}  // namespace steelyard::http
