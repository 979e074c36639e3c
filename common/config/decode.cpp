// One JSON element to one resource. The element's tree is small (a slice at most) and dropped by the caller right
// after.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/config/codec.hpp"
#include "common/config/fields.hpp"
#include "common/config/limits.hpp"
#include "common/config/validate.hpp"

namespace steelyard::config {
namespace {

using nlohmann::json;

constexpr const char* kProtocolNames = "tcp, http";

// "200-399" or "404"; nullopt for anything else. Whether the codes make sense is validate()'s.
std::optional<StatusRange> parse_status_range(std::string_view text) {
    const auto code = [](std::string_view digits) -> std::optional<uint16_t> {
        if (digits.size() != 3 ||
            !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            return std::nullopt;
        }
        return static_cast<uint16_t>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    };
    const size_t dash = text.find('-');
    const auto first = code(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : code(text.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    return StatusRange{*first, *last};
}

void decode_hash(const json& value, const Path& path, Problems& problems, HashKey& hash) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.choice(fields.require("source"), "source", parse_hash_source, "client-ip, header, cookie, query",
                  hash.source);
    if (hash.source == HashKey::Source::client_ip) return;
    // The name's member is called as the source is.
    fields.required_string(std::string(to_string(hash.source)).c_str(), hash.name);
    if (hash.source != HashKey::Source::header) return;
    std::transform(hash.name.begin(), hash.name.end(), hash.name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
}

void decode_health(const json& value, const Path& path, Problems& problems, HealthCheck& check) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.choice(fields.find("type"), "type", parse_health_check_type, "tcp, http", check.type);
    fields.number("interval_ms", kIntervalRange, check.interval_ms);
    fields.number("timeout_ms", kTimeoutRange, check.timeout_ms);
    fields.number("rise", kRiseRange, check.rise);
    fields.number("fall", kFallRange, check.fall);
    fields.number("jitter_percent", kJitterRange, check.jitter_percent);
    fields.string("path", check.path);
    fields.string("host", check.host);
    const json* expected = fields.find("expected");
    if (expected == nullptr) return;
    std::vector<StatusRange> ranges;
    fields.list(expected, "expected", 16, [&](const json& element, const Path& at) {
        const auto range =
            element.is_string() ? parse_status_range(element.get_ref<const std::string&>()) : std::nullopt;
        if (range) {
            ranges.push_back(*range);
        } else {
            problems.add(at, "'" + shown(element.is_string() ? element.get_ref<const std::string&>() : element.dump()) +
                                 "' is neither a status code (\"404\") nor a range of them (\"200-399\")");
        }
    });
    if (problems.empty()) check.expected = std::move(ranges);
}

void decode_policy(const json& value, const Path& path, Problems& problems, Policy& policy) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.choice(fields.find("algorithm"), "algorithm", parse_algorithm,
                  "round-robin, weighted-round-robin, least-request, ring-hash, random, maglev, least-response-time",
                  policy.algorithm);
    fields.number("virtual_nodes", kVirtualNodesRange, policy.virtual_nodes);
    fields.number("table_size", kTableSizeRange, policy.table_size);
    fields.number("load_factor_percent", kLoadFactorRange, policy.load_factor_percent);
    fields.number("drain_timeout_ms", kDrainRange, policy.drain_timeout_ms);
    if (const json* hash = fields.find("hash")) decode_hash(*hash, path / "hash", problems, policy.hash);
    const json* check = fields.find("health_check");
    if (check != nullptr && !check->is_null()) {
        decode_health(*check, path / "health_check", problems, policy.health_check.emplace());
    }
}

Listener decode_listener(const Fields& fields) {
    Listener listener;
    fields.required_string("name", listener.name);
    fields.string("address", listener.address);
    fields.required_number("port", kListenerPortRange, listener.port);
    fields.choice(fields.find("protocol"), "protocol", parse_protocol, kProtocolNames, listener.protocol);
    fields.required_string("upstream", listener.upstream);
    return listener;
}

void decode_texts(const Fields& fields, const char* key, size_t most, Problems& problems,
                  std::vector<std::string>& out) {
    fields.list(fields.find(key), key, most, [&](const json& element, const Path& at) {
        if (element.is_string()) {
            out.push_back(element.get<std::string>());
        } else {
            problems.add(at, "is " + type_of(element) + ", not a string");
        }
    });
}

Upstream decode_upstream(const Fields& fields, const Path& path, Problems& problems) {
    Upstream upstream;
    fields.required_string("name", upstream.name);
    fields.choice(fields.find("protocol"), "protocol", parse_protocol, kProtocolNames, upstream.protocol);
    if (const json* policy = fields.find("policy")) decode_policy(*policy, path / "policy", problems, upstream.policy);
    decode_texts(fields, "aliases", kMaxAliases, problems, upstream.aliases);
    decode_texts(fields, "addresses", kMaxClusterIps, problems, upstream.cluster_ips);
    fields.number("port", kPortRange, upstream.port);
    std::sort(upstream.aliases.begin(), upstream.aliases.end());
    return upstream;
}

Endpoint decode_endpoint(const json& element, const Path& path, Problems& problems) {
    Endpoint endpoint;
    const Fields fields{element, path, problems};
    if (!fields.is_object()) return endpoint;
    fields.required_string("address", endpoint.address);
    fields.required_number("port", kPortRange, endpoint.port);
    fields.number("weight", kWeightRange, endpoint.weight);
    fields.string("zone", endpoint.zone);
    fields.string("node", endpoint.node);
    fields.choice(fields.find("state"), "state", parse_endpoint_state, "ready, draining", endpoint.state);
    return endpoint;
}

EndpointSlice decode_slice(const Fields& fields, Problems& problems) {
    EndpointSlice slice;
    fields.required_string("upstream", slice.upstream);
    fields.required_string("slice", slice.slice);
    const json* endpoints = fields.require("endpoints");
    if (endpoints != nullptr && endpoints->is_array()) {
        slice.endpoints.reserve(std::min(endpoints->size(), kMaxEndpointsPerSlice));
    }
    fields.list(endpoints, "endpoints", kMaxEndpointsPerSlice, [&](const json& element, const Path& at) {
        slice.endpoints.push_back(decode_endpoint(element, at, problems));
    });
    return slice;
}

// The resource's kind, "" (and a problem) if there is none.
std::string kind_of(const Fields& fields) {
    std::string kind;
    if (fields.is_object()) fields.required_string("kind", kind);
    return kind;
}

void unknown_kind(const std::string& kind, const Path& path, Problems& problems) {
    problems.add(path / "kind", "'" + shown(kind) + "' is not a known kind (listener, upstream, endpoints)");
}

}  // namespace

std::optional<Resource> decode_resource(const json& element, const Path& path, Problems& problems) {
    const size_t before = problems.total();
    const Fields fields{element, path, problems};
    const std::string kind = kind_of(fields);
    if (problems.total() != before) return std::nullopt;
    std::optional<Resource> resource;
    if (kind == "listener") {
        resource = decode_listener(fields);
    } else if (kind == "upstream") {
        resource = decode_upstream(fields, path, problems);
    } else if (kind == "endpoints") {
        resource = decode_slice(fields, problems);
    } else {
        unknown_kind(kind, path, problems);
    }
    // What decoding found says it better ("is missing") than what its default would break ("is empty").
    if (problems.total() == before) validate(*resource, path, problems);
    if (problems.total() != before) return std::nullopt;
    return resource;
}

std::optional<ResourceKey> decode_key(const json& element, const Path& path, Problems& problems) {
    const size_t before = problems.total();
    const Fields fields{element, path, problems};
    ResourceKey key;
    key.kind = kind_of(fields);
    if (problems.total() != before) return std::nullopt;
    if (key.kind == "endpoints") {
        fields.required_string("upstream", key.name);
        fields.required_string("slice", key.slice);
    } else if (key.kind == "listener" || key.kind == "upstream") {
        fields.required_string("name", key.name);
    }
    if (problems.total() == before) validate(key, path, problems);
    if (problems.total() != before) return std::nullopt;
    return key;
}

}  // namespace steelyard::config
