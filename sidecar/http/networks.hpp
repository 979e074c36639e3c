#pragma once
// What forwarding fields name senders by, and the networks whose word is taken: for the question whether a peer is trusted. Pure;
// reading an address allocates only for an error. Addresses and networks are common/net/cidr.hpp's.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/net/cidr.hpp"
#include "common/result.hpp"

namespace steelyard::http {

using net::IpBytes;
using net::parse_ip;

// What a forwarding field names a sender by: an address, "10.0.0.1:8080", "[fd00::1]" or "[fd00::1]:8080" (RFC 7239 section 6 has the
// brackets; X-Forwarded-For has both). nullopt for "unknown", for names, and for everything else.
std::optional<IpBytes> parse_node(std::string_view text);

// An address as text, held in place: "10.0.0.1", "fd00::1".
class IpText {
public:
    IpText() = default;
    explicit IpText(const IpBytes& ip);
    std::string_view view() const { return {text_.data(), size_}; }
    bool empty() const { return size_ == 0; }

private:
    std::array<char, 46> text_{};
    uint8_t size_ = 0;
};

class Networks {
public:
    static constexpr size_t kMost = 64;

    // Comma-separated "10.0.0.0/8", "fd00::/8", or single addresses; "" is none. Bits beyond a prefix are refused: they are a slip
    // of the pen. The error's place is `where`.
    static Result<Networks> parse(std::string_view list, std::string_view where);

    bool contains(const IpBytes& ip) const;
    bool empty() const { return networks_.empty(); }

private:
    std::vector<net::Cidr> networks_;
};

}  // namespace steelyard::http
