#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sidecar/proxy_protocol/header.hpp"
#include "sidecar/reactor/address_key.hpp"

namespace steelyard::proxy_protocol {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kLocal2("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);

bool is_v4(const AddressKey& key) {
    constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(kMapped.begin(), kMapped.end(), key.ip.begin());
}

char* put(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}
char* put_number(char* out, uint16_t value) { return std::to_chars(out, out + 5, value).ptr; }
char* put_word(char* out, uint16_t value) {
    *out++ = static_cast<char>(value >> 8);
    *out++ = static_cast<char>(value & 0xff);
    return out;
}
char* put_ip(char* out, const AddressKey& key, bool v4) {
    inet_ntop(v4 ? AF_INET : AF_INET6, &key.ip[v4 ? 12 : 0], out, INET6_ADDRSTRLEN);
    return out + std::strlen(out);
}
char* put_bytes(char* out, const AddressKey& key, bool v4) {
    const size_t from = v4 ? 12 : 0;
    std::memcpy(out, &key.ip[from], key.ip.size() - from);
    return out + key.ip.size() - from;
}

}  // namespace

size_t write(config::ProxyProtocol version, const SocketAddress& source, const SocketAddress& destination,
             std::span<char> out) {
    const AddressKey from = AddressKey::of(source);
    const AddressKey to = AddressKey::of(destination);
    const bool v4 = is_v4(from) && is_v4(to);
    char* at = out.data();
    if (version == config::ProxyProtocol::v1) {
        at = put(at, v4 ? "PROXY TCP4 " : "PROXY TCP6 ");
        at = put(put_ip(at, from, v4), " ");
        at = put(put_ip(at, to, v4), " ");
        at = put(put_number(at, from.port), " ");
        at = put(put_number(at, to.port), "\r\n");
    } else {
        at = put(at, kSignature);
        *at++ = 0x21;
        *at++ = v4 ? 0x11 : 0x21;
        at = put_word(at, v4 ? 12 : 36);
        at = put_bytes(put_bytes(at, from, v4), to, v4);
        at = put_word(put_word(at, from.port), to.port);
    }
    return static_cast<size_t>(at - out.data());
}

std::string_view local_header(config::ProxyProtocol version) {
    if (version == config::ProxyProtocol::none) return {};
    return version == config::ProxyProtocol::v1 ? "PROXY UNKNOWN\r\n" : kLocal2;
}

}  // namespace steelyard::proxy_protocol
