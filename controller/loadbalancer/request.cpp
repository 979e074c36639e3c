#include "controller/loadbalancer/request.hpp"

#include "controller/loadbalancer/advertisements.hpp"

namespace steelyard::loadbalancer {
namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::string_view annotation(const kube::Service& service, std::string_view name) {
    const auto found = service.meta.annotations.find(name);
    return found == service.meta.annotations.end() ? std::string_view() : trimmed(found->second);
}

// "192.0.2.7, 2001:db8::7"; an empty part is a mistake that the allocator names.
std::vector<std::string> requested(const kube::Service& service) {
    std::vector<std::string> out;
    std::string_view rest = annotation(service, kRequestedAnnotation);
    if (rest.empty()) rest = trimmed(service.balancer->load_balancer_ip);
    while (!rest.empty()) {
        const size_t comma = rest.find(',');
        out.emplace_back(trimmed(rest.substr(0, comma)));
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
        if (rest.empty()) out.emplace_back();
    }
    return out;
}

ipam::FamilyPolicy policy_of(std::string_view text) {
    if (text == "RequireDualStack") return ipam::FamilyPolicy::require_dual_stack;
    if (text == "PreferDualStack") return ipam::FamilyPolicy::prefer_dual_stack;
    return ipam::FamilyPolicy::single_stack;
}

}  // namespace

Held held_by(const kube::Service& service) { return {service.uid, addresses_of(service), router_id_of(service)}; }

ipam::ServiceRequest request_of(const kube::Service& service, const Held& held) {
    const kube::LoadBalancer& balancer = *service.balancer;
    ipam::ServiceRequest request;
    request.ns = service.meta.ns;
    request.name = service.meta.name;
    request.created = balancer.created;
    request.labels = balancer.labels;
    for (const std::string& family : balancer.ip_families) {
        if (family == "IPv4") request.families.push_back(ipam::Family::ipv4);
        if (family == "IPv6") request.families.push_back(ipam::Family::ipv6);
    }
    request.policy = policy_of(balancer.ip_family_policy);
    request.requested = requested(service);
    if (annotation(service, kRequestedAnnotation).empty()) request.requested_by = "spec.loadBalancerIP";
    request.pool = annotation(service, kPoolAnnotation);
    request.sharing_key = annotation(service, kSharingAnnotation);
    for (const kube::ServicePort& port : service.ports) request.ports.push_back({port.protocol, port.port});
    request.local = balancer.external_traffic_policy == "Local";
    request.held = held.addresses;
    request.held_router_id = held.router_id;
    return request;
}

}  // namespace steelyard::loadbalancer
