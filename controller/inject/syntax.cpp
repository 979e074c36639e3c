#include "controller/inject/syntax.hpp"

#include <algorithm>
#include <charconv>

#include "common/config/problems.hpp"
#include "common/net/cidr.hpp"

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
    const auto network = net::parse_cidr(text);
    if (!network) return Error{"", quoted(text) + " " + network.error().problem};
    return net::to_string(*network);
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
