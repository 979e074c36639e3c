#pragma once
// Pools and advertisements in the terms of the allocator, and what their status says. Pure.
#include <optional>
#include <string_view>
#include <vector>

#include "controller/ipam/pool.hpp"
#include "controller/ipam/request.hpp"
#include "controller/kube/objects.hpp"
#include "controller/loadbalancer/nodes.hpp"

namespace steelyard::loadbalancer {

// nullopt: it selects everything.
std::optional<ipam::Selector> selector_of(const LabelSelector& selector);

// With the router ids of the advertisement that is in force for it.
ipam::PoolSpec pool_spec_of(const kube::AddressPool& pool,
                            const std::vector<const kube::VirtualIPAdvertisement*>& advertisements);

std::vector<kube::Condition> conditions_of(const kube::AddressPool& pool, const ipam::PoolStatus& status);

// Accepted, unless it cannot be read (Invalid), older ones are in force for all the pools that it is for (Conflicted), or its nodes
// have a fault. What it is not in force for is said in the message.
std::vector<kube::Condition> conditions_of(const kube::VirtualIPAdvertisement& advertisement,
                                           const std::vector<const kube::AddressPool*>& pools,
                                           const std::vector<const kube::VirtualIPAdvertisement*>& advertisements,
                                           const NodeChoice& nodes);

}  // namespace steelyard::loadbalancer
