#include "sidecar/upstream/snapshot.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "sidecar/cache/store.hpp"
#include "sidecar/http/rules.hpp"
#include "sidecar/upstream/slow_start.hpp"

namespace steelyard {

const char* to_string(Failure failure) {
    switch (failure) {
        case Failure::no_host:
            return "no_host";
        case Failure::connect:
            return "connect";
        case Failure::upstream_reset:
            return "upstream_reset";
        case Failure::upstream_protocol:
            return "upstream_protocol";
        case Failure::upstream_cut:
            return "upstream_cut";
        case Failure::timeout:
            return "timeout";
        case Failure::client_gone:
            return "client_gone";
        case Failure::bad_request_body:
            return "bad_request_body";
        case Failure::kCount:
            break;
    }
    return "unknown";
}

const char* to_string(UdpDrop why) {
    switch (why) {
        case UdpDrop::no_host:
            return "no_host";
        case UdpDrop::wrong_protocol:
            return "wrong_protocol";
        case UdpDrop::draining:
            return "draining";
        case UdpDrop::unreachable:
            return "unreachable";
        case UdpDrop::too_big:
            return "too_big";
        case UdpDrop::truncated:
            return "truncated";
        case UdpDrop::buffer_full:
            return "buffer_full";
        case UdpDrop::source_range:
            return "source_range";
        case UdpDrop::queue_full:
            return "queue_full";
        case UdpDrop::kCount:
            break;
    }
    return "unknown";
}

namespace {

// "shop/web:http" -> "web.shop", the Service's name in the cluster's DNS.
std::string authority_of(const std::string& name) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos) return name.substr(0, name.find(':'));
    const size_t colon = name.find(':', slash);
    return name.substr(slash + 1, colon == std::string::npos ? colon : colon - slash - 1) + '.' + name.substr(0, slash);
}

Distance distance_to(const config::Endpoint& endpoint, const Place& place) {
    if (!place.node.empty() && endpoint.node == place.node) return Distance::same_node;
    return !place.zone.empty() && endpoint.zone == place.zone ? Distance::same_zone : Distance::elsewhere;
}

// Those within the circle keep their weight; the others have none, so that indices stay those of snapshot.hosts.
Circle make_circle(const UpstreamSnapshot& snapshot, uint8_t priority, Distance reach) {
    // All but exchanges of HTTP are a connection each.
    config::Policy policy = snapshot.policy;
    const bool by_connections =
        policy.algorithm == config::Algorithm::least_connections && snapshot.protocol == config::Protocol::http;
    if (policy.algorithm == config::Algorithm::least_connections && !by_connections)
        policy.algorithm = config::Algorithm::least_request;
    std::vector<balancer::HostEntry> entries;
    entries.reserve(snapshot.hosts.size());
    for (const SnapshotHost& host : snapshot.hosts) {
        const bool within = host.priority == priority && host.distance <= reach;
        entries.push_back({.id = host.host->id(),
                           .weight = within ? host.weight : 0,
                           .active = by_connections ? &host.host->connections : &host.host->active,
                           .average = &host.host->response});
    }
    return {reach, balancer::make_plan(policy, std::move(entries))};
}

// The hosts of one priority as far as locality goes: how many are within each distance, and their weights.
struct Census {
    std::array<size_t, 3> within{};  // by Distance: those that far and nearer
    double weight = 0;
};

void add_tier(UpstreamSnapshot& snapshot, uint8_t priority, Census census) {
    using Mode = config::Locality::Mode;
    census.within[1] += census.within[0];
    census.within[2] += census.within[1];
    const size_t all = census.within[2];
    Tier tier{.priority = priority, .circles = {}, .mean_weight = 1};
    if (all != 0) tier.mean_weight = census.weight / static_cast<double>(all);
    const Mode mode = snapshot.policy.locality.mode;
    // A circle is worth its while when it has somebody, and somebody is outside.
    const auto is_part = [all](size_t count) { return count != 0 && count != all; };
    if (mode == Mode::same_node && is_part(census.within[0]))
        tier.circles.push_back(make_circle(snapshot, priority, Distance::same_node));
    if (mode != Mode::none && is_part(census.within[1]))
        tier.circles.push_back(make_circle(snapshot, priority, Distance::same_zone));
    tier.circles.push_back(make_circle(snapshot, priority, Distance::elsewhere));
    snapshot.tiers.push_back(std::move(tier));
}

void make_tiers(UpstreamSnapshot& snapshot) {
    std::map<uint8_t, Census> tiers;
    for (const SnapshotHost& host : snapshot.hosts) {
        if (host.weight == 0) continue;
        Census& census = tiers[host.priority];
        ++census.within[static_cast<size_t>(host.distance)];
        census.weight += host.weight;
    }
    for (const auto& [priority, census] : tiers) add_tier(snapshot, priority, census);
}

}  // namespace

std::shared_ptr<Host> HostRegistry::get(const std::string& upstream, const config::Endpoint& endpoint) {
    const auto address = SocketAddress::parse(endpoint.address, endpoint.port);
    if (!address) return nullptr;
    std::string id = address->to_string();
    auto& known = hosts_[upstream + '|' + id];
    if (auto host = known.lock()) return host;
    auto host = std::make_shared<Host>(std::move(id), *address);
    known = host;
    return host;
}

std::shared_ptr<cache::Store> HostRegistry::cache(const std::string& upstream, const config::HttpPolicy& policy) {
    if (!policy.cache) return nullptr;
    auto& known = caches_[upstream];
    if (auto store = known.store.lock(); store && known.policy == policy) return store;
    auto store = std::make_shared<cache::Store>(*policy.cache);
    known = {policy, store};
    return store;
}

void HostRegistry::sweep() {
    std::erase_if(hosts_, [](const auto& entry) { return entry.second.expired(); });
    std::erase_if(caches_, [](const auto& entry) { return entry.second.store.expired(); });
}

std::shared_ptr<const UpstreamSnapshot> build_snapshot(const config::Upstream& upstream,
                                                       const std::vector<const config::EndpointSlice*>& slices,
                                                       HostRegistry& registry, std::shared_ptr<UpstreamStats> stats,
                                                       const Place& place, Distance reach) {
    auto snapshot = std::make_shared<UpstreamSnapshot>();
    snapshot->name = upstream.name;
    snapshot->authority = authority_of(upstream.name);
    snapshot->protocol = upstream.protocol;
    snapshot->policy = upstream.policy;
    snapshot->changes_content = upstream.policy.http.compression || upstream.policy.http.cache;
    snapshot->cache = registry.cache(upstream.name, upstream.policy.http);
    snapshot->rules = http::make_rules(upstream.policy.http);
    snapshot->stats = std::move(stats);
    for (const auto* slice : slices) {
        for (const auto& endpoint : slice->endpoints) {
            const Distance distance = distance_to(endpoint, place);
            if (distance > reach) continue;
            auto host = registry.get(upstream.name, endpoint);
            if (!host) continue;
            const bool draining = endpoint.state == config::EndpointState::draining;
            const auto [known, fresh] =
                snapshot->index.try_emplace(host.get(), static_cast<uint32_t>(snapshot->hosts.size()));
            if (fresh) {
                snapshot->hosts.push_back({std::move(host), endpoint.weight, draining, endpoint.zone, endpoint.node,
                                           endpoint.priority, distance});
            } else if (auto& first = snapshot->hosts[known->second]; first.draining && !draining) {
                first.weight = endpoint.weight;
                first.priority = endpoint.priority;
                first.draining = false;
            }
        }
    }
    make_tiers(*snapshot);
    snapshot->warming_until_ms = warming_until(*snapshot);
    return snapshot;
}

}  // namespace steelyard
