#include "controller/push/subscription.hpp"

#include <algorithm>
#include <functional>

namespace steelyard::push {

Subscription Subscription::of(const Hello& hello) {
    Subscription subscription;
    subscription.role = hello.role;
    subscription.names = hello.wants;
    auto& names = subscription.names;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    subscription.everything = subscription.wants("*");
    if (subscription.everything) names.clear();
    uint64_t hash = (subscription.everything ? 2u : 0u) + (subscription.role == Role::edge ? 1u : 0u);
    for (const auto& name : names) hash = hash * 1099511628211u + std::hash<std::string>{}(name);
    subscription.hash = hash;
    return subscription;
}

bool Subscription::wants(std::string_view name) const {
    return everything || std::binary_search(names.begin(), names.end(), name);
}

}  // namespace steelyard::push
