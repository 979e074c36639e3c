// What a configuration may say; the JSON of it is config_json.cpp.
#include "sidecar/vip/config/config.hpp"

#include <algorithm>

#include "common/files/text_file.hpp"

namespace steelyard::vip {
namespace {

constexpr size_t kMaxInterfaceName = 15;  // IFNAMSIZ without its zero

bool is_name_char(char c) { return c > 0x20 && c < 0x7f && c != '/' && c != ':'; }

bool is_mapped(const Ip& ip) {  // ::ffff:0:0/96
    return std::all_of(ip.bytes.begin(), ip.bytes.begin() + 10, [](uint8_t octet) { return octet == 0; }) &&
           ip.bytes[10] == 0xff && ip.bytes[11] == 0xff;
}

const char* kind_of_no_use(const Ip& ip) {
    const bool zeros = std::all_of(ip.bytes.begin(), ip.bytes.end() - 1, [](uint8_t octet) { return octet == 0; });
    if (ip.family == Family::ipv4) {
        if (ip.bytes[0] == 0) return "an unspecified address";
        if (ip.bytes[0] == 127) return "a loopback address";
        if (ip.bytes[0] >= 240) return "a reserved or broadcast address";
        return ip.bytes[0] >= 224 ? "a multicast address" : nullptr;
    }
    if (zeros && ip.bytes[15] == 0) return "an unspecified address";
    if (zeros && ip.bytes[15] == 1) return "a loopback address";
    if (is_mapped(ip)) return "an IPv4 address written as IPv6";
    return ip.bytes[0] == 0xff ? "a multicast address" : nullptr;
}

}  // namespace

std::optional<std::string> address_problem(const Ip& ip, Family family) {
    if (ip.family != family) return "is not of the router's family, " + std::string(to_string(family));
    if (const char* kind = kind_of_no_use(ip)) return "is " + std::string(kind);
    return std::nullopt;
}

std::optional<std::string> interface_problem(std::string_view text) {
    if (text.empty()) return "is empty";
    if (text.size() > kMaxInterfaceName) return "is longer than " + std::to_string(kMaxInterfaceName) + " bytes";
    if (!std::all_of(text.begin(), text.end(), is_name_char) || text == "." || text == "..") {
        return "is no name of an interface, nor a glob with '*'";
    }
    return std::nullopt;
}

bool matches_interface(std::string_view glob, std::string_view name) {
    // Goes back to the last '*' when what follows does not fit: linear in both for one '*', and both are short.
    size_t at = 0, back = std::string_view::npos, back_name = 0, i = 0;
    while (i < name.size()) {
        if (at < glob.size() && glob[at] == '*') {
            back = ++at;
            back_name = i;
        } else if (at < glob.size() && glob[at] == name[i]) {
            ++at;
            ++i;
        } else if (back != std::string_view::npos) {
            at = back;
            i = ++back_name;
        } else {
            return false;
        }
    }
    while (at < glob.size() && glob[at] == '*') ++at;
    return at == glob.size();
}

bool same_but_leases(const Router& one, const Router& other) {
    if (one.by_lease() != other.by_lease()) return false;
    Router same = one;
    same.lease_until_ms = other.lease_until_ms;
    return same == other;
}

bool same_but_leases(const Config& one, const Config& other) {
    return std::equal(one.routers.begin(), one.routers.end(), other.routers.begin(), other.routers.end(),
                      [](const Router& a, const Router& b) { return same_but_leases(a, b); });
}

Result<std::optional<Config>> load_config(const std::string& path) {
    const auto text = files::read_text_file(path, kMaxConfigBytes);
    if (!text) return text.error();
    if (!*text) return std::optional<Config>{};
    auto config = decode_config(**text, path);
    if (!config) return config.error();
    return std::optional<Config>{std::move(*config)};
}

}  // namespace steelyard::vip
