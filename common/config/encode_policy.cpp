#include "common/config/encode_policy.hpp"

#include "common/config/json_text.hpp"

namespace steelyard::config {
namespace {

void append_ranges(std::string& out, const std::vector<StatusRange>& ranges) {
    append_key(out, "expected");
    out += '[';
    for (size_t i = 0; i < ranges.size(); ++i) {
        out += i == 0 ? "\"" : ",\"";
        append_number(out, ranges[i].first);
        if (ranges[i].last != ranges[i].first) {
            out += '-';
            append_number(out, ranges[i].last);
        }
        out += '"';
    }
    out += ']';
}

void append_health(std::string& out, const HealthCheck& check) {
    out += "{\"type\":";
    append_json_string(out, to_string(check.type));
    field(out, "interval_ms", check.interval_ms);
    field(out, "timeout_ms", check.timeout_ms);
    field(out, "rise", check.rise);
    field(out, "fall", check.fall);
    field(out, "jitter_percent", check.jitter_percent);
    static const HealthCheck defaults;
    const bool http = check.type == HealthCheck::Type::http;
    if (http || check.path != defaults.path) field(out, "path", check.path);
    if (!check.host.empty()) field(out, "host", check.host);
    if (http || check.expected != defaults.expected) append_ranges(out, check.expected);
    out += '}';
}

void append_hash(std::string& out, const HashKey& hash) {
    const std::string_view source = to_string(hash.source);
    out += "{\"source\":";
    append_json_string(out, source);
    if (hash.source != HashKey::Source::client_ip) field(out, source, hash.name);
    out += '}';
}

void append_edits(std::string& out, const std::vector<HeaderEdit>& edits) {
    char before = '[';
    for (const auto& edit : edits) {
        out += before;
        before = ',';
        ObjectText object(out);
        object.field("kind", to_string(edit.kind));
        object.field("name", edit.name);
        if (edit.kind != HeaderEdit::Kind::remove) object.field("value", edit.value);
    }
    out += ']';
}

void append_redirect(std::string& out, const Redirect& redirect) {
    ObjectText object(out);
    object.field("status", redirect.status);
    if (!redirect.scheme.empty()) object.field("scheme", redirect.scheme);
    if (!redirect.host.empty()) object.field("host", redirect.host);
    if (redirect.port != 0) object.field("port", redirect.port);
}

void append_compression(std::string& out, const Compression& compression) {
    ObjectText object(out);
    object.key("codings");
    char before = '[';
    for (const Coding coding : compression.codings) {
        out += before;
        append_json_string(out, to_string(coding));
        before = ',';
    }
    out += ']';
    object.field("min_bytes", compression.min_bytes);
    if (compression.types.empty()) return;
    object.key("types");
    append_list(out, compression.types);
}

void append_http(std::string& out, const HttpPolicy& http) {
    ObjectText object(out);
    if (!http.host.empty()) object.field("host", http.host);
    if (http.path) {
        object.key("path");
        ObjectText path(out);
        path.field("prefix", http.path->prefix);
        path.field("replacement", http.path->replacement);
    }
    if (http.redirect) {
        object.key("redirect");
        append_redirect(out, *http.redirect);
    }
    if (!http.request_headers.empty()) {
        object.key("request_headers");
        append_edits(out, http.request_headers);
    }
    if (!http.response_headers.empty()) {
        object.key("response_headers");
        append_edits(out, http.response_headers);
    }
    if (http.compression) {
        object.key("compression");
        append_compression(out, *http.compression);
    }
    if (http.cache) {
        object.key("cache");
        ObjectText cache(out);
        cache.field("max_bytes", http.cache->max_bytes);
        cache.field("max_object_bytes", http.cache->max_object_bytes);
    }
}

void append_timeouts(std::string& out, const UpstreamTimeouts& timeouts) {
    ObjectText object(out);
    if (timeouts.connect_ms != 0) object.field("connect_ms", timeouts.connect_ms);
    if (timeouts.response_ms != 0) object.field("response_ms", timeouts.response_ms);
    if (timeouts.idle_ms != 0) object.field("idle_ms", timeouts.idle_ms);
    if (timeouts.tunnel_idle_ms != 0) object.field("tunnel_idle_ms", timeouts.tunnel_idle_ms);
    if (timeouts.udp_idle_ms != 0) object.field("udp_idle_ms", timeouts.udp_idle_ms);
}

void append_locality(std::string& out, const Locality& locality) {
    ObjectText object(out);
    object.field("mode", to_string(locality.mode));
    if (locality.max_requests != 0) object.field("max_requests", locality.max_requests);
    object.field("min_healthy_percent", locality.min_healthy_percent);
}

}  // namespace

void append_policy(std::string& out, const Policy& policy) {
    static const Policy defaults;
    ObjectText object(out);
    object.field("algorithm", to_string(policy.algorithm));
    if (policy.algorithm == Algorithm::ring_hash || policy.virtual_nodes != defaults.virtual_nodes) {
        object.field("virtual_nodes", policy.virtual_nodes);
    }
    if (policy.table_size != defaults.table_size) object.field("table_size", policy.table_size);
    if (policy.load_factor_percent != 0) object.field("load_factor_percent", policy.load_factor_percent);
    if (is_hashing(policy.algorithm) || policy.hash.source != HashKey::Source::client_ip) {
        object.key("hash");
        append_hash(out, policy.hash);
    }
    if (policy.health_check) {
        object.key("health_check");
        append_health(out, *policy.health_check);
    }
    object.field("drain_timeout_ms", policy.drain_timeout_ms);
    if (policy.slow_start) {
        object.key("slow_start");
        ObjectText slow(out);
        slow.field("window_ms", policy.slow_start->window_ms);
        slow.field("min_percent", policy.slow_start->min_percent);
    }
    if (policy.locality != defaults.locality) {
        object.key("locality");
        append_locality(out, policy.locality);
    }
    if (policy.proxy_protocol != ProxyProtocol::none) object.field("proxy_protocol", to_string(policy.proxy_protocol));
    if (policy.timeouts != defaults.timeouts) {
        object.key("timeouts");
        append_timeouts(out, policy.timeouts);
    }
    if (policy.http != defaults.http) {
        object.key("http");
        append_http(out, policy.http);
    }
}

}  // namespace steelyard::config
