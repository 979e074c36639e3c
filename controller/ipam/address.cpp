#include "controller/ipam/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

namespace steelyard::ipam {
namespace {

constexpr size_t kMaxShown = 100;

// The text as it may be shown to people: cut, and nothing but printable ASCII.
std::string quoted(std::string_view text) {
    std::string shown = "'";
    for (const char c : text.substr(0, kMaxShown)) shown += c >= ' ' && c <= '~' ? c : '?';
    return shown + (text.size() > kMaxShown ? "...'" : "'");
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::optional<Address> parse_any(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (text.empty() || text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::memcpy(buffer.data(), text.data(), text.size());
    std::array<uint8_t, 16> bytes{};
    const bool is_v6 = text.find(':') != std::string_view::npos;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, buffer.data(), bytes.data()) != 1) return std::nullopt;
    Address address{is_v6 ? Family::ipv6 : Family::ipv4, 0};
    for (size_t i = 0; i < (is_v6 ? 16U : 4U); ++i) address.value = address.value << 8U | bytes[i];
    return address;
}

struct Forbidden {
    Range range;
    const char* name;
};

Range block(const char* base, unsigned free_bits) {
    const Address first = *parse_any(base);
    return {first, {first.family, first.value | ((Uint128{1} << free_bits) - 1)}};
}

// What is in here means something else on every host, or no host at all.
const std::vector<Forbidden>& forbidden() {
    static const std::vector<Forbidden> all = {
        {block("0.0.0.0", 24), "0.0.0.0/8 (unspecified)"},
        {block("127.0.0.0", 24), "127.0.0.0/8 (loopback)"},
        {block("169.254.0.0", 16), "169.254.0.0/16 (link-local)"},
        {block("224.0.0.0", 28), "224.0.0.0/4 (multicast)"},
        {block("255.255.255.255", 0), "255.255.255.255 (broadcast)"},
        {block("240.0.0.0", 28), "240.0.0.0/4 (reserved)"},
        {block("::", 0), ":: (unspecified)"},
        {block("::1", 0), "::1 (loopback)"},
        {block("::ffff:0:0", 32), "::ffff:0:0/96 (IPv4 addresses written as IPv6)"},
        {block("fe80::", 118), "fe80::/10 (link-local)"},
        {block("ff00::", 120), "ff00::/8 (multicast)"},
    };
    return all;
}

Result<Range> allowed(std::string_view text, const Range& range) {
    for (const Forbidden& one : forbidden()) {
        if (!one.range.overlaps(range)) continue;
        const char* verb = range.first == range.last ? " is in " : " reaches into ";
        return Error{"", quoted(text) + verb + one.name + ", which no Service can have"};
    }
    return range;
}

Result<Range> parse_cidr(std::string_view text, size_t slash) {
    const std::optional<Address> base = parse_any(trimmed(text.substr(0, slash)));
    if (!base) return Error{"", quoted(text) + " is not a CIDR: " + quoted(text.substr(0, slash)) + " is no address"};
    const std::string_view digits = trimmed(text.substr(slash + 1));
    const unsigned bits = base->family == Family::ipv4 ? 32 : 128;
    unsigned prefix = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (fault != std::errc{} || end != digits.data() + digits.size() || prefix > bits) {
        return Error{"", quoted(text) + " is not a CIDR: " + quoted(digits) + " is no prefix length (0-" +
                             std::to_string(bits) + ")"};
    }
    const unsigned free_bits = bits - prefix;
    const Uint128 host = free_bits == 128 ? ~Uint128{0} : (Uint128{1} << free_bits) - 1;
    return allowed(text, {{base->family, base->value & ~host}, {base->family, base->value | host}});
}

}  // namespace

const char* to_string(Family family) { return family == Family::ipv4 ? "IPv4" : "IPv6"; }

std::string Address::to_string() const {
    std::array<uint8_t, 16> bytes{};
    const size_t size = family == Family::ipv4 ? 4 : 16;
    for (size_t i = 0; i < size; ++i) bytes.at(size - 1 - i) = static_cast<uint8_t>(value >> (8 * i));
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    inet_ntop(family == Family::ipv4 ? AF_INET : AF_INET6, bytes.data(), buffer.data(), buffer.size());
    return buffer.data();
}

std::string Range::to_string() const {
    return first == last ? first.to_string() : first.to_string() + "-" + last.to_string();
}

Result<Address> parse_address(std::string_view text) {
    const std::optional<Address> address = parse_any(text);
    if (!address) return Error{"", quoted(text) + " is not an IP address"};
    const Result<Range> judged = allowed(text, {*address, *address});
    if (!judged) return judged.error();
    return *address;
}

Result<Range> parse_range(std::string_view whole) {
    const std::string_view text = trimmed(whole);
    const size_t slash = text.find('/');
    const size_t dash = text.find('-');
    if (slash != std::string_view::npos && dash != std::string_view::npos)
        return Error{"", quoted(text) + " is both a CIDR and a range; write one of them"};
    if (slash != std::string_view::npos) return parse_cidr(text, slash);
    if (dash == std::string_view::npos) {
        const std::optional<Address> alone = parse_any(text);
        if (!alone) return Error{"", quoted(text) + " is neither a CIDR (192.0.2.0/28) nor a range (FIRST-LAST)"};
        return Error{"", quoted(text) + " is a single address; write '" + alone->to_string() +
                             (alone->family == Family::ipv4 ? "/32'" : "/128'")};
    }
    const std::string_view first_text = trimmed(text.substr(0, dash));
    const std::string_view last_text = trimmed(text.substr(dash + 1));
    const std::optional<Address> first = parse_any(first_text);
    if (!first) return Error{"", quoted(text) + " is not a range: " + quoted(first_text) + " is no address"};
    const std::optional<Address> last = parse_any(last_text);
    if (!last) return Error{"", quoted(text) + " is not a range: " + quoted(last_text) + " is no address"};
    if (first->family != last->family)
        return Error{"", quoted(text) + " begins in one IP family and ends in the other"};
    if (*last < *first) return Error{"", quoted(text) + " is reversed: it ends before it begins"};
    return allowed(text, {*first, *last});
}

std::vector<Range> merged(std::vector<Range> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.first != b.first ? a.first < b.first : a.last < b.last; });
    std::vector<Range> result;
    for (const Range& range : ranges) {
        Range* before = result.empty() ? nullptr : &result.back();
        // No last address is the very last of its family: those are forbidden.
        const bool joins = before != nullptr && before->first.family == range.first.family &&
                           range.first.value <= before->last.value + 1;
        if (joins) {
            before->last = std::max(before->last, range.last);
        } else {
            result.push_back(range);
        }
    }
    return result;
}

int64_t saturated(Uint128 count) {
    constexpr auto kMax = static_cast<Uint128>(std::numeric_limits<int64_t>::max());
    return static_cast<int64_t>(std::min(count, kMax));
}

}  // namespace steelyard::ipam
