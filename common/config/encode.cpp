#include "common/config/codec.hpp"
#include "common/config/encode_policy.hpp"
#include "common/config/json_text.hpp"

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

void append_endpoint(std::string& out, const Endpoint& endpoint) {
    out += "{\"address\":";
    append_json_string(out, endpoint.address);
    field(out, "port", endpoint.port);
    if (endpoint.weight != 1) field(out, "weight", endpoint.weight);
    if (!endpoint.zone.empty()) field(out, "zone", endpoint.zone);
    if (!endpoint.node.empty()) field(out, "node", endpoint.node);
    if (endpoint.state != EndpointState::ready) field(out, "state", to_string(endpoint.state));
    if (endpoint.priority != 0) field(out, "priority", endpoint.priority);
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
    if (!listener.source_ranges.empty()) append_texts(out, "source_ranges", listener.source_ranges);
    if (listener.local_only) flag(out, "local_only", true);
    if (listener.transparent) flag(out, "transparent", true);
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

void append_json(std::string& out, const VirtualIp& virtual_ip) {
    const VirtualIp defaults;
    out += "{\"kind\":\"virtual_ip\"";
    field(out, "name", virtual_ip.name);
    append_texts(out, "addresses", virtual_ip.addresses);
    field(out, "router_id", virtual_ip.router_id);
    const auto texts = [&](std::string_view key, const std::vector<std::string>& list) {
        if (!list.empty()) append_texts(out, key, list);
    };
    texts("interfaces", virtual_ip.interfaces);
    texts("nodes", virtual_ip.nodes);
    texts("local_upstreams", virtual_ip.local_upstreams);
    field(out, "advertisement_interval_ms", virtual_ip.advertisement_interval_ms);
    if (virtual_ip.preempt_delay_ms != defaults.preempt_delay_ms) {
        field(out, "preempt_delay_ms", virtual_ip.preempt_delay_ms);
    }
    if (virtual_ip.preempt != defaults.preempt) flag(out, "preempt", virtual_ip.preempt);
    if (virtual_ip.accept != defaults.accept) flag(out, "accept", virtual_ip.accept);
    texts("peers", virtual_ip.peers);
    if (virtual_ip.lease_duration_ms != 0) field(out, "lease_duration_ms", virtual_ip.lease_duration_ms);
    out += '}';
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
                 (e.node.empty() ? 0 : 10 + e.node.size()) + (e.state != EndpointState::ready ? 19 : 0) +
                 (e.priority != 0 ? 14 : 0);
    }
    return bytes;
}

}  // namespace steelyard::config
