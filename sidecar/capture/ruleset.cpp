#include "sidecar/capture/ruleset.hpp"

#include <charconv>
#include <optional>

#include "common/net/cidr.hpp"

namespace steelyard::capture {
namespace {

template <class N>
std::optional<N> parse_number(std::string_view text, N most) {
    N value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
    return value;
}

std::string quoted(std::string_view text) {
    std::string shown = "'";
    for (const char c : text.substr(0, 64)) shown += c >= 0x20 && c < 0x7f ? c : '?';
    return shown + "'";
}

std::string address_match(const Cidr& cidr) { return (cidr.ipv6 ? "ip6 daddr " : "ip daddr ") + cidr.text; }

}  // namespace

std::string PortRange::to_string() const {
    return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

Result<Cidr> parse_cidr(std::string_view text) {
    const auto address = net::parse_ip(text);
    const auto network = address ? Result<net::Cidr>(net::Cidr{*address, 128}) : net::parse_cidr(text);
    if (!network) {
        const bool bare = text.find('/') == std::string_view::npos;
        return Error{"", quoted(text) + " " +
                             (bare ? "is not a range of addresses such as 10.96.0.0/16 or fd00::/112"
                                   : network.error().problem)};
    }
    return Cidr{net::to_string(*network), !net::is_v4(network->base)};
}

Result<PortRange> parse_ports(std::string_view text) {
    const size_t dash = text.find('-');
    const auto first = parse_number<uint16_t>(text.substr(0, dash), 65535);
    const auto last = dash == std::string_view::npos ? first : parse_number<uint16_t>(text.substr(dash + 1), 65535);
    if (!first || !last || *first == 0 || *first > *last) {
        return Error{"", quoted(text) + " is neither a port (1-65535) nor a range of them such as 9000-9100"};
    }
    return PortRange{*first, *last};
}

std::string ruleset(const Rules& rules) {
    std::string out = "table inet steelyard\ndelete table inet steelyard\ntable inet steelyard {\n\tchain output {\n";
    const auto rule = [&](const std::string& text) { out += "\t\t" + text + "\n"; };
    rule("type nat hook output priority -100; policy accept;");
    rule("meta l4proto != tcp return");
    rule("meta skuid " + std::to_string(rules.proxy_uid) + " return comment \"the proxy\"");
    rule("ip daddr 127.0.0.0/8 return");
    rule("ip6 daddr ::1 return");
    rule("tcp dport 53 return comment \"DNS\"");
    for (const auto& ports : rules.excluded_ports) rule("tcp dport " + ports.to_string() + " return");
    for (const auto& cidr : rules.excluded) rule(address_match(cidr) + " return");
    for (const auto& cidr : rules.services) {
        rule("meta l4proto tcp " + address_match(cidr) + " counter redirect to :" + std::to_string(rules.port));
    }
    return out + "\t}\n}\n";
}

std::string summary(const Rules& rules) {
    std::string out = "TCP to";
    const char* separator = " ";
    for (const auto& cidr : rules.services) {
        out += separator + cidr.text;
        separator = ", ";
    }
    out += " is redirected to port " + std::to_string(rules.port) + "; not so from uid " +
           std::to_string(rules.proxy_uid) + ", to port 53";
    for (const auto& ports : rules.excluded_ports) out += ", to port " + ports.to_string();
    for (const auto& cidr : rules.excluded) out += ", to " + cidr.text;
    return out;
}

}  // namespace steelyard::capture
