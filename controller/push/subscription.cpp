#include "controller/push/subscription.hpp"

#include <algorithm>
#include <functional>

namespace steelyard::push {

Subscription Subscription::of(const Hello& hello, std::string entitled_namespace) {
    Subscription subscription;
    subscription.role = hello.role;
    subscription.ns = std::move(entitled_namespace);
    subscription.names = hello.wants;
    auto& names = subscription.names;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    subscription.everything = subscription.wants("*");
    if (subscription.everything) names.clear();
    subscription.knows_virtual_ips = hello.has(kVirtualIpFeature);
    subscription.knows_leases = subscription.knows_virtual_ips && hello.has(kVirtualIpLeaseFeature);
    uint64_t hash = (subscription.knows_leases ? 8u : 0u) + (subscription.knows_virtual_ips ? 4u : 0u) +
                    (subscription.everything ? 2u : 0u) + (subscription.role == Role::edge ? 1u : 0u);
    if (!subscription.ns.empty()) hash = hash * 1099511628211u + std::hash<std::string>{}(subscription.ns);
    for (const auto& name : names) hash = hash * 1099511628211u + std::hash<std::string>{}(name);
    subscription.hash = hash;
    return subscription;
}

bool Subscription::owns(std::string_view upstream) const {
    return ns.empty() ||
           (upstream.size() > ns.size() && upstream[ns.size()] == '/' && upstream.compare(0, ns.size(), ns) == 0);
}

bool Subscription::wants(std::string_view name) const {
    return everything || std::binary_search(names.begin(), names.end(), name);
}

}  // namespace steelyard::push
