#pragma once
// What a Service asks for, in the terms of the allocator. Pure.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ipam/request.hpp"
#include "controller/kube/objects.hpp"

namespace steelyard::loadbalancer {

inline constexpr std::string_view kRequestedAnnotation = "steelyard.dev/loadBalancerIPs";
inline constexpr std::string_view kPoolAnnotation = "steelyard.dev/address-pool";
inline constexpr std::string_view kSharingAnnotation = "steelyard.dev/allow-shared-ip";

// What the Service's status said when it was read for sure (Reconciler::lead).
struct Held {
    std::string uid;
    std::vector<std::string> addresses;
    uint8_t router_id = 0;
};

Held held_by(const kube::Service& service);

// The Service has a balancer.
ipam::ServiceRequest request_of(const kube::Service& service, const Held& held);

}  // namespace steelyard::loadbalancer
