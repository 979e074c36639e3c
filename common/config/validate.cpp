#include "common/config/validate.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "common/config/checks.hpp"

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

// 0.0.0.0 and :: would reach the proxy itself, a multicast group nobody: neither is where a backend lives.
bool is_host_address(std::string_view text) {
    char buffer[INET6_ADDRSTRLEN + 1] = {};
    std::memcpy(buffer, text.data(), text.size());  // is_ip() has bounded it
    in_addr v4{};
    if (inet_pton(AF_INET, buffer, &v4) == 1) {
        const uint32_t address = ntohl(v4.s_addr);
        return address != 0 && address < 0xe0000000;
    }
    in6_addr v6{};
    return inet_pton(AF_INET6, buffer, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_MULTICAST(&v6);
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

void validate(const Listener& listener, const Path& path, Problems& problems) {
    check_name(listener.name, path / "name", problems);
    if (!is_ip(listener.address)) {
        problems.add(path / "address", "'" + shown(listener.address) + "' is not an IP address");
    }
    check_name(listener.upstream, path / "upstream", problems);
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
    if (key.kind != "listener" && key.kind != "upstream" && key.kind != "endpoints") {
        problems.add(path / "kind", "'" + shown(key.kind) + "' is not a known kind (listener, upstream, endpoints)");
        return;
    }
    const bool endpoints = key.kind == "endpoints";
    check_name(key.name, path / (endpoints ? "upstream" : "name"), problems);
    if (endpoints) check_name(key.slice, path / "slice", problems);
}

}  // namespace steelyard::config
