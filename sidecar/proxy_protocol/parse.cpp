#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "sidecar/proxy_protocol/header.hpp"

namespace steelyard::proxy_protocol {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kWord = "PROXY ";
constexpr size_t kMaxLine = 107;  // with its CRLF
constexpr size_t kFixed = 16;     // of version 2: signature, command, family, length

Parsed refused(Fault fault) { return {Parsed::State::refused, fault}; }

uint8_t byte(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }
uint16_t word(std::string_view bytes, size_t at) {
    return static_cast<uint16_t>(byte(bytes, at) << 8 | byte(bytes, at + 1));
}

// A decimal number without leading zeros.
std::optional<uint16_t> port_of(std::string_view text) {
    uint16_t value = 0;
    if (text.empty() || (text[0] == '0' && text.size() != 1)) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<SocketAddress> address_of(std::string_view ip, std::string_view port, int family) {
    const auto number = port_of(port);
    if (!number || ip.find('\0') != std::string_view::npos) return std::nullopt;
    auto address = SocketAddress::parse(ip, *number);
    return address && address->family() == family ? address : std::nullopt;
}

// The four fields after "PROXY TCP4 ", separated by single spaces.
Parsed parse_addresses(std::string_view fields, int family, size_t bytes) {
    std::array<std::string_view, 4> parts;
    for (size_t i = 0; i < parts.size(); ++i) {
        const size_t space = fields.find(' ');
        if ((space == std::string_view::npos) != (i == 3)) return refused(Fault::bad_v1);
        parts[i] = fields.substr(0, space);
        fields.remove_prefix(std::min(fields.size(), parts[i].size() + 1));
    }
    const auto source = address_of(parts[0], parts[2], family);
    const auto destination = address_of(parts[1], parts[3], family);
    if (!source || !destination) return refused(Fault::bad_v1);
    return {Parsed::State::done, Fault::none, bytes, source, destination};
}

Parsed parse_v1(std::string_view bytes) {
    const size_t end = bytes.substr(0, kMaxLine).find("\r\n");
    if (end == std::string_view::npos) return bytes.size() >= kMaxLine ? refused(Fault::bad_v1) : Parsed{};
    const std::string_view line = bytes.substr(kWord.size(), end - kWord.size());
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return {Parsed::State::done, Fault::none, end + 2};
    if (line.starts_with("TCP4 ")) return parse_addresses(line.substr(5), AF_INET, end + 2);
    if (line.starts_with("TCP6 ")) return parse_addresses(line.substr(5), AF_INET6, end + 2);
    return refused(Fault::bad_v1);
}

// Type, length and value, one after the other, up to the end. Only the checksum is looked at.
Fault check_additions(std::string_view header, size_t at) {
    constexpr uint8_t kChecksum = 0x03;
    while (at != header.size()) {
        if (header.size() - at < 3) return Fault::bad_v2;
        const size_t length = word(header, at + 1);
        const size_t value = at + 3;
        if (header.size() - value < length) return Fault::bad_v2;
        if (byte(header, at) == kChecksum) {
            if (length != 4) return Fault::bad_v2;
            const uint32_t said = static_cast<uint32_t>(word(header, value)) << 16 | word(header, value + 2);
            // It is that of the header with zeros in its own place.
            const uint32_t before = crc32c(header.substr(0, value));
            const uint32_t with_zeros = crc32c(std::string_view("\0\0\0\0", 4), before);
            if (crc32c(header.substr(value + 4), with_zeros) != said) return Fault::checksum;
        }
        at = value + length;
    }
    return Fault::none;
}

SocketAddress read_address(std::string_view header, int family, size_t ip, size_t port) {
    sockaddr_storage storage{};
    storage.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
        std::memcpy(&v4.sin_addr, header.data() + ip, sizeof(v4.sin_addr));
        std::memcpy(&v4.sin_port, header.data() + port, sizeof(v4.sin_port));
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
        std::memcpy(&v6.sin6_addr, header.data() + ip, sizeof(v6.sin6_addr));
        std::memcpy(&v6.sin6_port, header.data() + port, sizeof(v6.sin6_port));
    }
    return SocketAddress::from(storage);
}

Parsed parse_v2(std::string_view bytes) {
    if (bytes.size() < kFixed) return {};
    const uint8_t command = byte(bytes, 12);
    const uint8_t family = byte(bytes, 13);
    const size_t size = kFixed + word(bytes, 14);
    if ((command & 0xf0) != 0x20 || (command & 0x0f) > 1 || size > kMaxBytes) return refused(Fault::bad_v2);
    const bool local = (command & 0x0f) == 0;
    size_t addresses = 0;
    switch (family) {
        case 0x00:  // unspecified
            break;
        case 0x11:  // TCP over IPv4
            addresses = 12;
            break;
        case 0x21:  // TCP over IPv6
            addresses = 36;
            break;
        case 0x31:  // a stream over a UNIX socket
            addresses = 216;
            break;
        default:
            // A LOCAL header's family is to be passed over; others speak of what this connection is not.
            if (!local) return refused(Fault::bad_v2);
    }
    if (!local && size < kFixed + addresses) return refused(Fault::bad_v2);
    if (bytes.size() < size) return {};
    Parsed parsed{Parsed::State::done, Fault::none, size};
    if (local) return parsed;
    const std::string_view header = bytes.substr(0, size);
    // What follows addresses of no family is nobody's, as the protocol has it.
    if (family != 0x00) {
        if (const Fault fault = check_additions(header, kFixed + addresses); fault != Fault::none)
            return refused(fault);
    }
    if (family == 0x11) {
        parsed.source = read_address(header, AF_INET, 16, 24);
        parsed.destination = read_address(header, AF_INET, 20, 26);
    } else if (family == 0x21) {
        parsed.source = read_address(header, AF_INET6, 16, 48);
        parsed.destination = read_address(header, AF_INET6, 32, 50);
    }
    return parsed;
}

// Whether all of the two that can be compared is equal.
bool begins(std::string_view bytes, std::string_view with) {
    const size_t size = std::min(bytes.size(), with.size());
    return bytes.substr(0, size) == with.substr(0, size);
}

}  // namespace

const char* to_string(Fault fault) {
    switch (fault) {
        case Fault::no_header:
            return "no_header";
        case Fault::bad_v1:
            return "bad_v1";
        case Fault::bad_v2:
            return "bad_v2";
        case Fault::checksum:
            return "checksum";
        case Fault::timeout:
            return "timeout";
        case Fault::closed:
            return "closed";
        case Fault::none:
        case Fault::kCount:
            break;
    }
    return "none";
}

uint32_t crc32c(std::string_view bytes, uint32_t so_far) {
    uint32_t crc = ~so_far;
    for (const char c : bytes) {
        crc ^= static_cast<uint8_t>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78U & (0U - (crc & 1U)));
    }
    return ~crc;
}

Parsed parse(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (begins(bytes, kSignature)) return bytes.size() < kSignature.size() ? Parsed{} : parse_v2(bytes);
    if (begins(bytes, kWord)) return bytes.size() < kWord.size() ? Parsed{} : parse_v1(bytes);
    return refused(Fault::no_header);
}

}  // namespace steelyard::proxy_protocol
