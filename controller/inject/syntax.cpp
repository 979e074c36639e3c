#include "controller/inject/syntax.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "common/config/problems.hpp"

namespace steelyard::inject {
namespace {

std::string quoted(std::string_view text) { return "'" + config::shown(text) + "'"; }

std::optional<unsigned> parse_digits(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;  // "010" may be read as octal elsewhere
    return value;
}

// Clears what lies beyond the prefix.
void mask(std::array<uint8_t, 16>& bytes, size_t size, unsigned prefix) {
    for (size_t i = 0; i < size; ++i) {
        const unsigned bits = prefix > i * 8 ? std::min(8U, prefix - static_cast<unsigned>(i) * 8) : 0;
        bytes[i] &= static_cast<uint8_t>(0xff00U >> bits);
    }
}

}  // namespace

std::string PortRange::text() const {
    return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

std::optional<uint16_t> parse_port(std::string_view text) {
    const auto value = parse_digits(text, 65535);
    if (!value || *value == 0) return std::nullopt;
    return static_cast<uint16_t>(*value);
}

Result<PortRange> parse_port_range(std::string_view text) {
    const size_t dash = text.find('-');
    const auto first = parse_port(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
    if (!first || !last) return Error{"", quoted(text) + " is neither a port (1-65535) nor a range such as 9000-9100"};
    if (*last < *first) return Error{"", quoted(text) + " is a range that ends before it begins"};
    return PortRange{*first, *last};
}

Result<std::string> parse_cidr(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return Error{"", quoted(text) + " lacks the length of its prefix, as in 10.0.0.0/8"};
    const std::string address(text.substr(0, slash));
    std::array<uint8_t, 16> bytes{};
    const bool v6 = address.find(':') != std::string::npos;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1 ||
        address.find('\0') != std::string::npos)
        return Error{"", quoted(text) + " is not a network such as 10.0.0.0/8 or fd00::/8"};
    const auto prefix = parse_digits(text.substr(slash + 1), v6 ? 128 : 32);
    if (!prefix)
        return Error{"", quoted(text) + " has no prefix length of 0-" + (v6 ? "128" : "32") + " after its slash"};
    auto network = bytes;
    mask(network, v6 ? 16 : 4, *prefix);
    char canonical[INET6_ADDRSTRLEN] = {};
    inet_ntop(v6 ? AF_INET6 : AF_INET, network.data(), canonical, sizeof canonical);
    const std::string result = std::string(canonical) + "/" + std::to_string(*prefix);
    if (network != bytes)
        return Error{"", quoted(text) + " has address bits beyond its prefix; the network would be " + result};
    return result;
}

bool is_dns_label(std::string_view text) {
    return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_port_name(std::string_view text) {
    return is_dns_label(text) && std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

bool is_word(std::string_view text, size_t most) {
    return !text.empty() && text.size() <= most &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<std::string_view> split_list(std::string_view text) {
    std::vector<std::string_view> parts;
    size_t begin = 0;
    for (;;) {
        const size_t comma = text.find(',', begin);
        parts.push_back(trimmed(text.substr(begin, comma - begin)));
        if (comma == std::string_view::npos) return parts;
        begin = comma + 1;
    }
}

}  // namespace steelyard::inject
