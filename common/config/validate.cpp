#include "common/config/validate.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "common/config/checks.hpp"
#include "common/net/cidr.hpp"

namespace steelyard::config {
namespace {

void check_name(std::string_view name, const Path& path, Problems& problems) {
    if (name.empty()) {
        problems.add(path, "is empty");
    } else if (!is_name(name)) {
        problems.add(path, "'" + shown(name) + "' is not a name (1-" + std::to_string(kMaxNameBytes) +
                               " visible ASCII characters, no spaces)");
    }
}

void check_optional_name(std::string_view name, const Path& path, Problems& problems) {
    if (!name.empty()) check_name(name, path, problems);
}

void check_endpoint(const Endpoint& endpoint, const Path& path, Problems& problems) {
    if (!is_ip(endpoint.address)) {
        problems.add(path / "address", "'" + shown(endpoint.address) + "' is not an IP address");
    } else if (!is_host_address(endpoint.address)) {
        problems.add(path / "address", "'" + shown(endpoint.address) + "' is not the address of a host");
    }
    check_range(endpoint.port, kPortRange, path / "port", problems);
    check_range(endpoint.weight, kWeightRange, path / "weight", problems);
    check_range(endpoint.priority, kPriorityRange, path / "priority", problems);
    check_optional_name(endpoint.zone, path / "zone", problems);
    check_optional_name(endpoint.node, path / "node", problems);
}

bool bounded(const std::vector<std::string>& list, size_t most, const char* what, const Path& path,
             Problems& problems) {
    if (list.size() <= most) return true;
    problems.add(path, std::to_string(list.size()) + " " + what + "; at most " + std::to_string(most) + " are allowed");
    return false;
}

void check_names(const std::vector<std::string>& names, size_t most, const char* what, const Path& path,
                 Problems& problems) {
    if (!bounded(names, most, what, path, problems)) return;
    for (size_t i = 0; i < names.size() && !problems.full(); ++i) check_name(names[i], path[i], problems);
}

void check_host_addresses(const std::vector<std::string>& addresses, size_t most, const Path& path,
                          Problems& problems) {
    if (!bounded(addresses, most, "addresses", path, problems)) return;
    for (size_t i = 0; i < addresses.size(); ++i) {
        if (!is_ip(addresses[i])) {
            problems.add(path[i], "'" + shown(addresses[i]) + "' is not an IP address");
        } else if (!is_host_address(addresses[i])) {
            problems.add(path[i], "'" + shown(addresses[i]) + "' is not the address of a host");
        }
    }
}

void check_interfaces(const std::vector<std::string>& interfaces, const Path& path, Problems& problems) {
    if (!bounded(interfaces, kMaxVirtualIpInterfaces, "interfaces", path, problems)) return;
    for (size_t i = 0; i < interfaces.size(); ++i) {
        const std::string& name = interfaces[i];
        if (name.empty() || name.size() > kMaxInterfaceBytes || !is_visible(name) ||
            name.find('/') != std::string::npos) {
            problems.add(path[i], "'" + shown(name) + "' is not the name of an interface (1-" +
                                      std::to_string(kMaxInterfaceBytes) +
                                      " visible ASCII characters, no /; * is any)");
        }
    }
}

void check_cluster_ips(const Upstream& upstream, const Path& path, Problems& problems) {
    const Path addresses = path / "addresses";
    if (upstream.cluster_ips.size() > kMaxClusterIps) {
        problems.add(addresses, std::to_string(upstream.cluster_ips.size()) + " addresses; at most " +
                                    std::to_string(kMaxClusterIps) + " are allowed");
        return;
    }
    for (size_t i = 0; i < upstream.cluster_ips.size(); ++i) {
        if (!is_ip(upstream.cluster_ips[i])) {
            problems.add(addresses[i], "'" + shown(upstream.cluster_ips[i]) + "' is not an IP address");
        } else if (!is_host_address(upstream.cluster_ips[i])) {
            problems.add(addresses[i], "'" + shown(upstream.cluster_ips[i]) + "' is not the address of a Service");
        }
    }
    if (!upstream.cluster_ips.empty() && upstream.port == 0) problems.add(path / "port", "is missing beside addresses");
}

}  // namespace

bool is_name(std::string_view text) { return !text.empty() && text.size() <= kMaxNameBytes && is_visible(text); }

bool is_ip(std::string_view text) {
    if (text.empty() || text.size() > INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return false;
    char buffer[INET6_ADDRSTRLEN + 1] = {};
    std::memcpy(buffer, text.data(), text.size());
    unsigned char parsed[sizeof(in6_addr)];
    return inet_pton(AF_INET, buffer, parsed) == 1 || inet_pton(AF_INET6, buffer, parsed) == 1;
}

bool is_host_address(std::string_view text) {
    if (!is_ip(text)) return false;
    char buffer[INET6_ADDRSTRLEN + 1] = {};
    std::memcpy(buffer, text.data(), text.size());
    in_addr v4{};
    if (inet_pton(AF_INET, buffer, &v4) == 1) {
        const uint32_t address = ntohl(v4.s_addr);
        return address != 0 && address < 0xe0000000;
    }
    in6_addr v6{};
    return inet_pton(AF_INET6, buffer, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_MULTICAST(&v6);
}

void validate(const Listener& listener, const Path& path, Problems& problems) {
    check_name(listener.name, path / "name", problems);
    if (!is_ip(listener.address)) {
        problems.add(path / "address", "'" + shown(listener.address) + "' is not an IP address");
    }
    check_name(listener.upstream, path / "upstream", problems);
    const Path ranges = path / "source_ranges";
    if (!bounded(listener.source_ranges, kMaxSourceRanges, "ranges", ranges, problems)) return;
    for (size_t i = 0; i < listener.source_ranges.size(); ++i) {
        const std::string& text = listener.source_ranges[i];
        const auto network = net::parse_cidr(text);
        if (!network) problems.add(ranges[i], "'" + shown(text) + "' " + network.error().problem);
    }
}

void validate(const VirtualIp& ip, const Path& path, Problems& problems) {
    check_name(ip.name, path / "name", problems);
    check_range(ip.router_id, kRouterIdRange, path / "router_id", problems);
    check_range(ip.advertisement_interval_ms, kAdvertisementRange, path / "advertisement_interval_ms", problems);
    if (ip.advertisement_interval_ms % 10 != 0) {
        problems.add(path / "advertisement_interval_ms", std::to_string(ip.advertisement_interval_ms) +
                                                             " is not a multiple of 10 (VRRP counts in centiseconds)");
    }
    check_range(ip.preempt_delay_ms, kPreemptDelayRange, path / "preempt_delay_ms", problems);
    if (ip.lease_duration_ms != 0) check_range(ip.lease_duration_ms, kLeaseRange, path / "lease_duration_ms", problems);
    if (ip.addresses.empty()) problems.add(path / "addresses", "is empty");
    check_host_addresses(ip.addresses, kMaxVirtualIpAddresses, path / "addresses", problems);
    check_host_addresses(ip.peers, kMaxVirtualIpPeers, path / "peers", problems);
    check_names(ip.nodes, kMaxVirtualIpNodes, "nodes", path / "nodes", problems);
    check_names(ip.local_upstreams, kMaxVirtualIpUpstreams, "upstreams", path / "local_upstreams", problems);
    check_interfaces(ip.interfaces, path / "interfaces", problems);
}

void validate(const Upstream& upstream, const Path& path, Problems& problems) {
    check_name(upstream.name, path / "name", problems);
    validate(upstream.policy, path / "policy", problems);
    check_cluster_ips(upstream, path, problems);
    const Path aliases = path / "aliases";
    if (upstream.aliases.size() > kMaxAliases) {
        problems.add(aliases, std::to_string(upstream.aliases.size()) + " aliases; at most " +
                                  std::to_string(kMaxAliases) + " are allowed");
        return;
    }
    for (size_t i = 0; i < upstream.aliases.size(); ++i) check_name(upstream.aliases[i], aliases[i], problems);
}

void validate(const EndpointSlice& slice, const Path& path, Problems& problems) {
    check_name(slice.upstream, path / "upstream", problems);
    check_name(slice.slice, path / "slice", problems);
    const Path endpoints = path / "endpoints";
    if (slice.endpoints.size() > kMaxEndpointsPerSlice) {
        problems.add(endpoints, std::to_string(slice.endpoints.size()) + " endpoints; a slice has at most " +
                                    std::to_string(kMaxEndpointsPerSlice));
        return;
    }
    for (size_t i = 0; i < slice.endpoints.size() && !problems.full(); ++i) {
        check_endpoint(slice.endpoints[i], endpoints[i], problems);
    }
}

void validate(const Resource& resource, const Path& path, Problems& problems) {
    std::visit([&](const auto& r) { validate(r, path, problems); }, resource);
}

void validate(const ResourceKey& key, const Path& path, Problems& problems) {
    if (key.kind != "listener" && key.kind != "upstream" && key.kind != "endpoints" && key.kind != "virtual_ip") {
        problems.add(path / "kind",
                     "'" + shown(key.kind) + "' is not a known kind (listener, upstream, endpoints, virtual_ip)");
        return;
    }
    const bool endpoints = key.kind == "endpoints";
    check_name(key.name, path / (endpoints ? "upstream" : "name"), problems);
    if (endpoints) check_name(key.slice, path / "slice", problems);
}

}  // namespace steelyard::config
