#include "controller/store/key.hpp"

namespace steelyard::store {

std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::service:
            return "Service";
        case Kind::endpoint_slice:
            return "EndpointSlice";
        case Kind::pod:
            return "Pod";
        case Kind::crowd:
            return "EndpointSlices of Service";
        case Kind::policy:
            return "LoadBalancingPolicy";
        case Kind::policies_of:
            return "LoadBalancingPolicies of Service";
        case Kind::address_pool:
            return "AddressPool";
        case Kind::advertisement:
            return "VirtualIPAdvertisement";
        case Kind::pools:
            return "AddressPools and VirtualIPAdvertisements";
        case Kind::node:
            return "Node";
    }
    return "?";
}

std::string Key::to_string() const { return std::string(store::to_string(kind)) + " " + object.to_string(); }

size_t hash_of(std::string_view ns, std::string_view name) noexcept {
    const size_t first = std::hash<std::string_view>{}(ns);
    const size_t second = std::hash<std::string_view>{}(name);
    return second ^ (first + 0x9e3779b97f4a7c15U + (second << 6) + (second >> 2));
}

}  // namespace steelyard::store
