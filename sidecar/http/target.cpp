#include "sidecar/http/target.hpp"

#include <optional>

#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

struct Authority {
    std::string_view host;  // an IPv6 literal keeps its brackets
    uint32_t port = 0;      // 0: not given
};

std::optional<uint32_t> parse_port(std::string_view digits) {
    if (digits.empty()) return 0;  // "host:" is the default port, RFC 3986 section 3.2.3
    if (digits.size() > 5) return std::nullopt;
    uint32_t port = 0;
    for (const char c : digits) {
        if (!scan::is_digit(c)) return std::nullopt;
        port = port * 10 + static_cast<uint32_t>(c - '0');
    }
    if (port == 0 || port > 65535) return std::nullopt;
    return port;
}

// The end of the bracketed address that `text` begins with, or nullptr.
const char* skip_ip_literal(const char* p, const char* end) {
    const char* const first = ++p;
    while (p != end && (scan::is(*p, scan::kHex) || *p == ':' || *p == '.')) ++p;
    return p != end && *p == ']' && p - first >= 2 ? p + 1 : nullptr;
}

// uri-host [":" port], no user information, no percent-encoding.
std::optional<Authority> parse_authority(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* const p = *begin == '[' ? skip_ip_literal(begin, end) : scan::skip_by_table(begin, end, scan::kHost);
    if (p == nullptr || p == begin) return std::nullopt;
    Authority authority{{begin, static_cast<size_t>(p - begin)}};
    if (p == end) return authority;
    if (*p != ':') return std::nullopt;
    const auto port = parse_port({p + 1, static_cast<size_t>(end - p - 1)});
    if (!port) return std::nullopt;
    authority.port = *port;
    return authority;
}

bool is_https(std::string_view target) { return (target[4] | 0x20) == 's'; }

Fault split_absolute(RequestHead& head, size_t scheme_bytes) {
    const std::string_view rest = head.target.substr(scheme_bytes);
    const size_t slash = rest.find_first_of("/?");
    head.authority = rest.substr(0, slash);
    if (!parse_authority(head.authority)) return Fault::bad_target;
    if (slash == std::string_view::npos) {
        head.path = head.method == Method::options ? "*" : "/";  // RFC 9112 section 3.2.4
        return Fault::none;
    }
    // "http://host?query" would need a "/" that the view cannot hold; nobody sends it.
    if (rest[slash] == '?') return Fault::bad_target;
    head.path = rest.substr(slash);
    return Fault::none;
}

size_t scheme_size(std::string_view target) {
    for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
        if (scan::equals_ignoring_case(target.substr(0, scheme.size()), scheme)) return scheme.size();
    }
    return 0;
}

}  // namespace

Fault split_target(RequestHead& head) {
    head.authority = {};
    if (head.method == Method::connect) return Fault::bad_connect;
    if (head.target.front() == '/') {
        head.path = head.target;
        return Fault::none;
    }
    if (head.target == "*") {
        head.path = head.target;
        return head.method == Method::options ? Fault::none : Fault::bad_target;
    }
    const size_t scheme_bytes = scheme_size(head.target);
    return scheme_bytes == 0 ? Fault::bad_target : split_absolute(head, scheme_bytes);
}

Fault settle_authority(RequestHead& head, bool has_host, std::string_view host) {
    if (!has_host) return head.minor_version == 0 ? Fault::none : Fault::missing_host;
    const auto named = parse_authority(host);
    if (!named) return Fault::bad_host;
    if (head.authority.empty()) {
        head.authority = host;
        return Fault::none;
    }
    const auto targeted = parse_authority(head.authority);
    const uint32_t default_port = is_https(head.target) ? 443 : 80;
    const auto port_of = [default_port](const Authority& a) { return a.port == 0 ? default_port : a.port; };
    const bool same = scan::equals_ignoring_case(named->host, targeted->host) && port_of(*named) == port_of(*targeted);
    return same ? Fault::none : Fault::host_mismatch;
}

}  // namespace steelyard::http
