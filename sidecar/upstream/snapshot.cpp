#include "sidecar/upstream/snapshot.hpp"

#include <algorithm>
#include <utility>

#include "sidecar/http/rules.hpp"

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

namespace {

// "shop/web:http" -> "web.shop", the Service's name in the cluster's DNS.
std::string authority_of(const std::string& name) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos) return name.substr(0, name.find(':'));
    const size_t colon = name.find(':', slash);
    return name.substr(slash + 1, colon == std::string::npos ? colon : colon - slash - 1) + '.' + name.substr(0, slash);
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

void HostRegistry::sweep() {
    std::erase_if(hosts_, [](const auto& entry) { return entry.second.expired(); });
}

std::shared_ptr<const UpstreamSnapshot> build_snapshot(const config::Upstream& upstream,
                                                       const std::vector<const config::EndpointSlice*>& slices,
                                                       HostRegistry& registry, std::shared_ptr<UpstreamStats> stats) {
    auto snapshot = std::make_shared<UpstreamSnapshot>();
    snapshot->name = upstream.name;
    snapshot->authority = authority_of(upstream.name);
    snapshot->protocol = upstream.protocol;
    snapshot->policy = upstream.policy;
    snapshot->changes_content = upstream.policy.http.compression.has_value();
    snapshot->rules = http::make_rules(upstream.policy.http);
    snapshot->stats = std::move(stats);
    for (const auto* slice : slices) {
        for (const auto& endpoint : slice->endpoints) {
            auto host = registry.get(upstream.name, endpoint);
            if (!host) continue;
            const bool draining = endpoint.state == config::EndpointState::draining;
            const auto [known, fresh] =
                snapshot->index.try_emplace(host.get(), static_cast<uint32_t>(snapshot->hosts.size()));
            if (fresh) {
                snapshot->hosts.push_back({std::move(host), endpoint.weight, draining, endpoint.zone, endpoint.node});
            } else if (auto& first = snapshot->hosts[known->second]; first.draining && !draining) {
                first.weight = endpoint.weight;
                first.draining = false;
            }
        }
    }
    std::vector<balancer::HostEntry> entries;
    entries.reserve(snapshot->hosts.size());
    for (const auto& host : snapshot->hosts) {
        entries.push_back({host.host->id(), host.weight, &host.host->active, &host.host->response});
    }
    snapshot->plan = balancer::make_plan(snapshot->policy, std::move(entries));
    return snapshot;
}

}  // namespace steelyard
