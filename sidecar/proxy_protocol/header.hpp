#pragma once
// The PROXY protocol's header, by which a proxy tells whom it speaks to who the client is: versions 1 (a line of text) and 2
// (binary). Pure. Source: haproxy.org/download/2.6/doc/proxy-protocol.txt.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/config/policy.hpp"
#include "sidecar/reactor/address.hpp"

namespace steelyard::proxy_protocol {

enum class Fault : uint8_t {
    none,
    no_header,  // what came begins like neither version
    bad_v1,     // not the line that it has to be, or longer than 107 bytes
    bad_v2,     // unknown version, command or family, or lengths that do not fit
    checksum,   // version 2 with a CRC-32C that is another
    timeout,    // of who has to send one: it did not come in time
    closed,     // the connection ended before it was there
    kCount,
};
const char* to_string(Fault fault);

// The longest header that is taken: addresses and some hundred bytes of additions (TLVs) are usual.
constexpr size_t kMaxBytes = 4096;

struct Parsed {
    enum class State : uint8_t { incomplete, done, refused } state = State::incomplete;
    Fault fault = Fault::none;
    size_t bytes = 0;  // of the header, when done
    // Who the client is; nullopt: whoever has connected (a LOCAL command, UNKNOWN, or a family that is not IP).
    std::optional<SocketAddress> source = {};
    std::optional<SocketAddress> destination = {};
};

// `bytes`: all that has come so far. Refuses as soon as it is clear that no header will come of it.
Parsed parse(std::string_view bytes);

constexpr size_t kMaxWritten = 107;
// The header for a client at `source` that has connected to `destination`; `version` is v1 or v2. Where one address is of IPv4
// and the other of IPv6, both are written as IPv6. `out` has kMaxWritten bytes. Returns its length.
size_t write(config::ProxyProtocol version, const SocketAddress& source, const SocketAddress& destination,
             std::span<char> out);
// The header of a connection that the proxy makes for itself, such as a health check.
std::string_view local_header(config::ProxyProtocol version);

// CRC-32C (Castagnoli) of some bytes, which may be given in parts: `so_far` is the checksum of those before.
uint32_t crc32c(std::string_view bytes, uint32_t so_far = 0);

}  // namespace steelyard::proxy_protocol
