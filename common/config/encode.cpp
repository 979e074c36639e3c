#include <array>
#include <charconv>

#include "common/config/codec.hpp"

namespace steelyard::config {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool is_plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

// The length of the well-formed UTF-8 sequence that `text` begins with (Unicode 15, table 3-7), 0 if it begins with
// none.
size_t utf8_length(std::string_view text) {
    const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto in = [](unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (in(first, 0xc2, 0xdf)) return in(byte(1), 0x80, 0xbf) ? 2 : 0;
    if (in(first, 0xe0, 0xef)) {
        const bool second = in(byte(1), first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
        return second && in(byte(2), 0x80, 0xbf) ? 3 : 0;
    }
    if (in(first, 0xf0, 0xf4)) {
        const bool second = in(byte(1), first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
        return second && in(byte(2), 0x80, 0xbf) && in(byte(3), 0x80, 0xbf) ? 4 : 0;
    }
    return 0;
}

void append_escaped(std::string& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    for (size_t i = 0; i < text.size();) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);
        if (is_plain(c)) {
            out += c;
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\u00";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        } else {
            const size_t length = utf8_length(text.substr(i));
            out += length == 0 ? kReplacement : text.substr(i, length);
            i += length == 0 ? 1 : length;
            continue;
        }
        ++i;
    }
}

void append_number(std::string& out, uint64_t value) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

// `,"key":` where key is one of our own, which needs no escaping. Every object here begins with "kind" or a required
// field.
void append_key(std::string& out, std::string_view key) {
    out += ",\"";
    out += key;
    out += "\":";
}

void field(std::string& out, std::string_view key, std::string_view text) {
    append_key(out, key);
    append_json_string(out, text);
}

void field(std::string& out, std::string_view key, uint64_t value) {
    append_key(out, key);
    append_number(out, value);
}

void append_texts(std::string& out, std::string_view key, const std::vector<std::string>& texts) {
    append_key(out, key);
    char before = '[';
    for (const auto& text : texts) {
        out += before;
        append_json_string(out, text);
        before = ',';
    }
    out += ']';
}

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

void append_policy(std::string& out, const Policy& policy) {
    out += "{\"algorithm\":";
    append_json_string(out, to_string(policy.algorithm));
    static const Policy defaults;
    if (policy.algorithm == Algorithm::ring_hash || policy.virtual_nodes != defaults.virtual_nodes) {
        field(out, "virtual_nodes", policy.virtual_nodes);
    }
    if (policy.table_size != defaults.table_size) field(out, "table_size", policy.table_size);
    if (policy.load_factor_percent != 0) field(out, "load_factor_percent", policy.load_factor_percent);
    if (is_hashing(policy.algorithm) || policy.hash.source != HashKey::Source::client_ip) {
        append_key(out, "hash");
        append_hash(out, policy.hash);
    }
    if (policy.health_check) {
        append_key(out, "health_check");
        append_health(out, *policy.health_check);
    }
    field(out, "drain_timeout_ms", policy.drain_timeout_ms);
    out += '}';
}

void append_endpoint(std::string& out, const Endpoint& endpoint) {
    out += "{\"address\":";
    append_json_string(out, endpoint.address);
    field(out, "port", endpoint.port);
    if (endpoint.weight != 1) field(out, "weight", endpoint.weight);
    if (!endpoint.zone.empty()) field(out, "zone", endpoint.zone);
    if (!endpoint.node.empty()) field(out, "node", endpoint.node);
    if (endpoint.state != EndpointState::ready) field(out, "state", to_string(endpoint.state));
    out += '}';
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out.append(text.data(), plain);
    if (plain < text.size()) append_escaped(out, text.substr(plain));
    out += '"';
}

void append_json(std::string& out, const Resource& resource) {
    std::visit([&](const auto& r) { append_json(out, r); }, resource);
}

void append_json(std::string& out, const Listener& listener) {
    out += "{\"kind\":\"listener\"";
    field(out, "name", listener.name);
    field(out, "address", listener.address);
    field(out, "port", listener.port);
    field(out, "protocol", to_string(listener.protocol));
    field(out, "upstream", listener.upstream);
    out += '}';
}

void append_json(std::string& out, const Upstream& upstream) {
    out += "{\"kind\":\"upstream\"";
    field(out, "name", upstream.name);
    field(out, "protocol", to_string(upstream.protocol));
    if (!upstream.aliases.empty()) append_texts(out, "aliases", upstream.aliases);
    if (!upstream.cluster_ips.empty()) append_texts(out, "addresses", upstream.cluster_ips);
    if (upstream.port != 0) field(out, "port", upstream.port);
    append_key(out, "policy");
    append_policy(out, upstream.policy);
    out += '}';
}

void append_json(std::string& out, const EndpointSlice& slice) {
    out += "{\"kind\":\"endpoints\"";
    field(out, "upstream", slice.upstream);
    field(out, "slice", slice.slice);
    append_key(out, "endpoints");
    out += '[';
    bool first = true;
    for (const auto& endpoint : slice.endpoints) {
        if (!first) out += ',';
        first = false;
        append_endpoint(out, endpoint);
    }
    out += "]}";
}

void append_json(std::string& out, const ResourceKey& key) {
    out += "{\"kind\":";
    append_json_string(out, key.kind);
    if (key.kind == "endpoints") {
        field(out, "upstream", key.name);
        field(out, "slice", key.slice);
    } else {
        field(out, "name", key.name);
    }
    out += '}';
}

size_t json_size_hint(const EndpointSlice& slice) {
    size_t bytes = 64 + slice.upstream.size() + slice.slice.size();
    for (const auto& e : slice.endpoints) {
        bytes += 28 + e.address.size() + 5 + (e.weight != 1 ? 15 : 0) + (e.zone.empty() ? 0 : 10 + e.zone.size()) +
                 (e.node.empty() ? 0 : 10 + e.node.size()) + (e.state != EndpointState::ready ? 19 : 0);
    }
    return bytes;
}

}  // namespace steelyard::config
