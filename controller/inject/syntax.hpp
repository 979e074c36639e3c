#pragma once
// The small texts that annotations and the configuration share: ports, ranges of ports, networks, names. Pure. Each returns the
// value or, as text for people, what is wrong with it; the caller adds where. Sources: RFC 4632 and RFC 4291 (networks), RFC 1123
// labels and IANA service names as Kubernetes checks them (k8s.io/apimachinery/pkg/util/validation).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace steelyard::inject {

struct PortRange {
    uint16_t first = 0;
    uint16_t last = 0;  // >= first

    bool holds(uint16_t port) const { return port >= first && port <= last; }
    std::string text() const;  // "3306" or "9000-9100"
    friend bool operator==(const PortRange&, const PortRange&) = default;
};

// 1-65535, digits alone.
std::optional<uint16_t> parse_port(std::string_view text);
// "3306" or "9000-9100". The errors' `where` is empty.
Result<PortRange> parse_port_range(std::string_view text);
// "10.96.0.0/16" or "fd00:10::/108", in canonical form; bits beyond the prefix are an error.
Result<std::string> parse_cidr(std::string_view text);

bool is_dns_label(std::string_view text);  // RFC 1123: 1-63 of a-z 0-9 -, no - at an end
// A Service's port by name: a DNS label, with at least one letter, as Kubernetes wants it.
bool is_port_name(std::string_view text);
// An image, an audience: 1-`most` visible ASCII characters.
bool is_word(std::string_view text, size_t most);

// Without spaces and tabs at its ends.
std::string_view trimmed(std::string_view text);
// The parts between the commas, trimmed, empty ones included; "" has one part.
std::vector<std::string_view> split_list(std::string_view text);

}  // namespace steelyard::inject
