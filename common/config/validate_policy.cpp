#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

#include "common/config/checks.hpp"
#include "common/config/prime.hpp"
#include "common/config/validate.hpp"

namespace steelyard::config {
namespace {

constexpr size_t kMaxPathBytes = 1024;
constexpr size_t kMaxRanges = 16;

void check_health(const HealthCheck& check, const Path& path, Problems& problems) {
    check_range(check.interval_ms, kIntervalRange, path / "interval_ms", problems);
    check_range(check.timeout_ms, kTimeoutRange, path / "timeout_ms", problems);
    check_range(check.rise, kRiseRange, path / "rise", problems);
    check_range(check.fall, kFallRange, path / "fall", problems);
    check_range(check.jitter_percent, kJitterRange, path / "jitter_percent", problems);
    if (check.path.empty() || check.path[0] != '/' || check.path.size() > kMaxPathBytes || !is_visible(check.path)) {
        problems.add(path / "path", "'" + shown(check.path) +
                                        "' is not a path (it begins with /, visible ASCII, at most " +
                                        std::to_string(kMaxPathBytes) + " bytes)");
    }
    if (!check.host.empty() && !is_name(check.host)) {
        problems.add(path / "host", "'" + shown(check.host) + "' is not a host (visible ASCII, at most 253 bytes)");
    }
    if (check.expected.empty() || check.expected.size() > kMaxRanges) {
        problems.add(path / "expected", std::to_string(check.expected.size()) + " ranges; 1-" +
                                            std::to_string(kMaxRanges) + " are allowed");
    }
    size_t i = 0;
    for (const auto& [first, last] : check.expected) {
        if (!kStatusRange.holds(first) || !kStatusRange.holds(last) || first > last) {
            problems.add((path / "expected")[i], "'" + std::to_string(first) + "-" + std::to_string(last) +
                                                     "' is not a range of status codes within 100-599");
        }
        if (++i > kMaxRanges) break;
    }
}

void check_timeouts(const UpstreamTimeouts& timeouts, const Path& path, Problems& problems) {
    const auto check = [&](uint32_t value, const char* name) {
        if (value != 0) check_range(value, kUpstreamTimeoutRange, path / name, problems);
    };
    check(timeouts.connect_ms, "connect_ms");
    check(timeouts.response_ms, "response_ms");
    check(timeouts.idle_ms, "idle_ms");
    check(timeouts.tunnel_idle_ms, "tunnel_idle_ms");
    check(timeouts.udp_idle_ms, "udp_idle_ms");
}

// RFC 9110 section 5.5, without what is obsolete.
bool is_field_value(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    if (!text.empty() && (blank(text.front()) || blank(text.back()))) return false;
    return text.size() <= kMaxHeaderValue &&
           std::all_of(text.begin(), text.end(), [&](char c) { return is_visible(c) || blank(c); });
}

std::string folded(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
        if (c == '_') c = '-';  // CGI-like gateways take one for the other
    }
    return lower;
}

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// They say where a message ends, hold for one hop, or tell who asked: the proxy's own to write.
bool is_own_field(std::string_view name, bool of_request) {
    const std::string lower = folded(name);
    if (lower.starts_with("proxy-")) return true;
    if (is_one_of(lower, {"connection", "content-length", "expect", "host", "keep-alive", "max-forwards", "te",
                          "trailer", "transfer-encoding", "upgrade"})) {
        return true;
    }
    return of_request && is_one_of(lower, {"forwarded", "traceparent", "tracestate", "x-forwarded-for",
                                           "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "x-request-id"});
}

// Edits are done at once: which of two came first must not matter.
bool is_named_again(const std::vector<HeaderEdit>& edits, size_t i) {
    const auto adds = [](const HeaderEdit& edit) { return edit.kind == HeaderEdit::Kind::add; };
    for (size_t j = 0; j < i; ++j) {
        if (!(adds(edits[i]) && adds(edits[j])) && folded(edits[j].name) == folded(edits[i].name)) return true;
    }
    return false;
}

void check_edits(const std::vector<HeaderEdit>& edits, bool of_request, const Path& path, Problems& problems) {
    if (edits.size() > kMaxHeaderEdits) {
        problems.add(path, std::to_string(edits.size()) + " changes; at most " + std::to_string(kMaxHeaderEdits) +
                               " are allowed");
        return;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < edits.size(); ++i) {
        const Path at = path[i];
        if (!is_token(edits[i].name) || edits[i].name.size() > kMaxNameBytes) {
            problems.add(at / "name", "'" + shown(edits[i].name) + "' is not the name of a header field");
        } else if (is_own_field(edits[i].name, of_request)) {
            problems.add(at / "name", "'" + edits[i].name + "' is the proxy's own to write");
        } else if (is_named_again(edits, i)) {
            problems.add(at / "name", "'" + edits[i].name + "' is named twice; only add may be");
        }
        if (!is_field_value(edits[i].value)) {
            problems.add(at / "value", "'" + shown(edits[i].value) +
                                           "' is not a header field's value (printable ASCII, at most " +
                                           std::to_string(kMaxHeaderValue) + " bytes, no blanks around it)");
        }
        if (edits[i].kind != HeaderEdit::Kind::remove) bytes += edits[i].name.size() + edits[i].value.size() + 4;
    }
    if (bytes > kMaxHeaderEditBytes) {
        problems.add(path, "makes a head longer by " + std::to_string(bytes) + " bytes; at most " +
                               std::to_string(kMaxHeaderEditBytes) + " are allowed");
    }
}

bool is_path(std::string_view text) {
    return text.starts_with('/') && text.size() <= kMaxPathBytes && is_visible(text) &&
           text.find_first_of("?#") == std::string_view::npos;
}

// A name, an IPv4 address, or an IPv6 address in brackets.
bool is_host(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) return is_ip(text.substr(1, text.size() - 2));
    return !text.empty() && text.size() <= kMaxNameBytes && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    });
}

// The same with ":port" behind it, or without.
bool is_authority(std::string_view text) {
    const size_t colon = text.ends_with(']') ? std::string_view::npos : text.rfind(':');
    if (colon == std::string_view::npos) return is_host(text);
    const std::string_view port = text.substr(colon + 1);
    return is_host(text.substr(0, colon)) && !port.empty() && port.size() <= 5 &&
           std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void check_redirect(const Redirect& redirect, const Path& path, Problems& problems) {
    constexpr std::array<uint16_t, 5> kStatuses{301, 302, 303, 307, 308};
    if (std::find(kStatuses.begin(), kStatuses.end(), redirect.status) == kStatuses.end()) {
        problems.add(path / "status",
                     std::to_string(redirect.status) + " is not a redirection (301, 302, 303, 307, 308)");
    }
    if (!redirect.scheme.empty() && redirect.scheme != "http" && redirect.scheme != "https") {
        problems.add(path / "scheme", "'" + shown(redirect.scheme) + "' is neither http nor https");
    }
    if (!redirect.host.empty() && !is_host(redirect.host)) {
        problems.add(path / "host", "'" + shown(redirect.host) + "' is not a host's name or address");
    }
    if (redirect.scheme.empty() && redirect.host.empty() && redirect.port == 0) {
        problems.add(path, "names no scheme, host or port: it would lead back to where it came from");
    }
}

bool is_media_type(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos || text.size() > kMaxNameBytes) return false;
    return is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1)) &&
           std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

void check_compression(const Compression& compression, const Path& path, Problems& problems) {
    auto codings = compression.codings;
    std::sort(codings.begin(), codings.end());
    if (codings.empty()) problems.add(path / "codings", "is empty");
    if (std::adjacent_find(codings.begin(), codings.end()) != codings.end()) {
        problems.add(path / "codings", "names a coding twice");
    }
    check_range(compression.min_bytes, kMinBytesRange, path / "min_bytes", problems);
    if (compression.types.size() > kMaxCompressedTypes) {
        problems.add(path / "types", std::to_string(compression.types.size()) + " types; at most " +
                                         std::to_string(kMaxCompressedTypes) + " are allowed");
        return;
    }
    const Path types = path / "types";
    for (size_t i = 0; i < compression.types.size(); ++i) {
        if (is_media_type(compression.types[i])) continue;
        problems.add(types[i], "'" + shown(compression.types[i]) + "' is not a media type in lower case");
    }
}

void check_http(const HttpPolicy& http, const Path& path, Problems& problems) {
    if (!http.host.empty() && !is_authority(http.host)) {
        problems.add(path / "host", "'" + shown(http.host) + "' is not a host with or without a port");
    }
    if (http.path) {
        const Path at = path / "path";
        const auto check = [&](const std::string& text, const char* name) {
            if (!is_path(text)) {
                problems.add(at / name,
                             "'" + shown(text) + "' is not a path (it begins with /, visible ASCII, no ? or #)");
            }
        };
        check(http.path->prefix, "prefix");
        check(http.path->replacement, "replacement");
    }
    if (http.redirect) check_redirect(*http.redirect, path / "redirect", problems);
    check_edits(http.request_headers, true, path / "request_headers", problems);
    check_edits(http.response_headers, false, path / "response_headers", problems);
    if (http.compression) check_compression(*http.compression, path / "compression", problems);
    if (http.cache) {
        const Path cache = path / "cache";
        check_range(http.cache->max_bytes, kCacheRange, cache / "max_bytes", problems);
        check_range(http.cache->max_object_bytes, kCacheObjectRange, cache / "max_object_bytes", problems);
        if (http.cache->max_object_bytes > http.cache->max_bytes) {
            problems.add(cache / "max_object_bytes", "is more than max_bytes");
        }
    }
}

}  // namespace

bool is_hash_name(HashKey::Source source, std::string_view name) {
    if (name.empty() || name.size() > kMaxNameBytes) return false;
    return std::all_of(name.begin(), name.end(), [source](char c) {
        if (source == HashKey::Source::query) return is_visible(c) && c != '&' && c != '=' && c != '#';
        return is_token_char(c) && !(source == HashKey::Source::header && c >= 'A' && c <= 'Z');
    });
}

void validate(const Policy& policy, const Path& path, Problems& problems) {
    check_range(policy.virtual_nodes, kVirtualNodesRange, path / "virtual_nodes", problems);
    check_range(policy.drain_timeout_ms, kDrainRange, path / "drain_timeout_ms", problems);
    check_range(policy.table_size, kTableSizeRange, path / "table_size", problems);
    if (kTableSizeRange.holds(policy.table_size) && !is_prime(policy.table_size)) {
        problems.add(path / "table_size", kTableSizeRange.complaint(std::to_string(policy.table_size)));
    }
    if (policy.load_factor_percent != 0) {
        check_range(policy.load_factor_percent, kLoadFactorRange, path / "load_factor_percent", problems);
    }
    if (policy.hash.source != HashKey::Source::client_ip && !is_hash_name(policy.hash.source, policy.hash.name)) {
        const std::string source(to_string(policy.hash.source));
        problems.add(path / "hash" / source, "'" + shown(policy.hash.name) + "' is not the name of a " + source +
                                                 (policy.hash.source == HashKey::Source::header  ? " in lower case"
                                                  : policy.hash.source == HashKey::Source::query ? " parameter"
                                                                                                 : ""));
    }
    if (policy.health_check) check_health(*policy.health_check, path / "health_check", problems);
    if (policy.slow_start) {
        check_range(policy.slow_start->window_ms, kSlowStartRange, path / "slow_start" / "window_ms", problems);
        check_range(policy.slow_start->min_percent, kPercentRange, path / "slow_start" / "min_percent", problems);
    }
    const Path locality = path / "locality";
    check_range(policy.locality.max_requests, kMaxRequestsRange, locality / "max_requests", problems);
    check_range(policy.locality.min_healthy_percent, kPercentRange, locality / "min_healthy_percent", problems);
    check_timeouts(policy.timeouts, path / "timeouts", problems);
    check_http(policy.http, path / "http", problems);
}

}  // namespace steelyard::config
