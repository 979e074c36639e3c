#include "controller/loadbalancer/advertisements.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

namespace steelyard::loadbalancer {

bool is_ours(const kube::Service& service, bool default_class) {
    if (!service.balancer || service.type != "LoadBalancer" || service.balancer->deleted) return false;
    const std::string& given = service.balancer->load_balancer_class;
    return given == kube::kVipClass || (given.empty() && default_class);
}

std::vector<std::string> addresses_of(const kube::Service& service) {
    std::vector<std::string> addresses;
    if (!service.balancer) return addresses;
    for (const kube::Ingress& ingress : service.balancer->ingress) {
        if (ingress.ip_mode == "Proxy" && !ingress.ip.empty()) addresses.push_back(ingress.ip);
    }
    return addresses;
}

uint8_t router_id_of(const kube::Service& service) {
    const auto found = service.meta.annotations.find(kube::kRouterIdAnnotation);
    if (found == service.meta.annotations.end()) return 0;
    const std::string& text = found->second;
    uint8_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    return error == std::errc() && end == text.data() + text.size() ? id : uint8_t{0};
}

const kube::VirtualIPAdvertisement* in_force(const std::vector<const kube::VirtualIPAdvertisement*>& all,
                                             std::string_view pool) {
    const kube::VirtualIPAdvertisement* best = nullptr;
    for (const auto* one : all) {
        if (!one->problems.empty()) continue;
        const auto& pools = one->spec.pools;
        if (!pools.empty() && std::find(pools.begin(), pools.end(), pool) == pools.end()) continue;
        if (best == nullptr ||
            std::tie(one->judged.created, one->meta.name) < std::tie(best->judged.created, best->meta.name))
            best = one;
    }
    return best;
}

}  // namespace steelyard::loadbalancer
