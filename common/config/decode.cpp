// One JSON element to one resource. The element's tree is small (a slice at most) and dropped by the caller right
// after.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/config/codec.hpp"
#include "common/config/decode_policy.hpp"
#include "common/config/fields.hpp"
#include "common/config/limits.hpp"
#include "common/config/validate.hpp"

namespace steelyard::config {
namespace {

using nlohmann::json;

constexpr const char* kProtocolNames = "tcp, http, udp";

Listener decode_listener(const Fields& fields) {
    Listener listener;
    fields.required_string("name", listener.name);
    fields.string("address", listener.address);
    fields.required_number("port", kListenerPortRange, listener.port);
    fields.choice(fields.find("protocol"), "protocol", parse_protocol, kProtocolNames, listener.protocol);
    fields.required_string("upstream", listener.upstream);
    fields.texts("source_ranges", kMaxSourceRanges, listener.source_ranges);
    fields.boolean("local_only", listener.local_only);
    fields.boolean("transparent", listener.transparent);
    return listener;
}

VirtualIp decode_virtual_ip(const Fields& fields) {
    VirtualIp ip;
    fields.required_string("name", ip.name);
    fields.require("addresses");
    fields.texts("addresses", kMaxVirtualIpAddresses, ip.addresses);
    fields.required_number("router_id", kRouterIdRange, ip.router_id);
    fields.texts("interfaces", kMaxVirtualIpInterfaces, ip.interfaces);
    fields.texts("nodes", kMaxVirtualIpNodes, ip.nodes);
    fields.texts("local_upstreams", kMaxVirtualIpUpstreams, ip.local_upstreams);
    fields.number("advertisement_interval_ms", kAdvertisementRange, ip.advertisement_interval_ms);
    fields.number("preempt_delay_ms", kPreemptDelayRange, ip.preempt_delay_ms);
    fields.boolean("preempt", ip.preempt);
    fields.boolean("accept", ip.accept);
    fields.texts("peers", kMaxVirtualIpPeers, ip.peers);
    fields.number("lease_duration_ms", kLeaseRange, ip.lease_duration_ms);
    return ip;
}

Upstream decode_upstream(const Fields& fields, const Path& path, Problems& problems) {
    Upstream upstream;
    fields.required_string("name", upstream.name);
    fields.choice(fields.find("protocol"), "protocol", parse_protocol, kProtocolNames, upstream.protocol);
    if (const json* policy = fields.find("policy")) decode_policy(*policy, path / "policy", problems, upstream.policy);
    fields.texts("aliases", kMaxAliases, upstream.aliases);
    fields.texts("addresses", kMaxClusterIps, upstream.cluster_ips);
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
    fields.number("priority", kPriorityRange, endpoint.priority);
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
    problems.add(path / "kind",
                 "'" + shown(kind) + "' is not a known kind (listener, upstream, endpoints, virtual_ip)");
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
    } else if (kind == "virtual_ip") {
        resource = decode_virtual_ip(fields);
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
    } else if (key.kind == "listener" || key.kind == "upstream" || key.kind == "virtual_ip") {
        fields.required_string("name", key.name);
    }
    if (problems.total() == before) validate(key, path, problems);
    if (problems.total() != before) return std::nullopt;
    return key;
}

}  // namespace steelyard::config
