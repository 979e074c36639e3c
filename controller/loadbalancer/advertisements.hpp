#pragma once
// Whose addresses are whose, and how they are announced: what the one who writes and those who translate have to agree on. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/objects.hpp"

namespace steelyard::loadbalancer {

// Is to get addresses from us, or has them: of type LoadBalancer, of our class (or of none, if that is ours), not being deleted.
bool is_ours(const kube::Service& service, bool default_class);

// The addresses in the Service's status that are ours: those with ipMode Proxy. As they are written, in order.
std::vector<std::string> addresses_of(const kube::Service& service);

// The annotation, if it is a VRRP router id; else 0.
uint8_t router_id_of(const kube::Service& service);

// The advertisement that is for the pool: of those that are in order and name it (or none), the oldest, then the first by name.
// nullptr: none, the defaults.
const kube::VirtualIPAdvertisement* in_force(const std::vector<const kube::VirtualIPAdvertisement*>& all,
                                             std::string_view pool);

}  // namespace steelyard::loadbalancer
