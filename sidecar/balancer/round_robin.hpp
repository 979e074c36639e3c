#pragma once
// Round robin: each usable host in turn, in the order of the hosts, weights ignored. Over any n picks with the same n usable
// hosts each is picked once. O(1), plus one for each unusable host that is passed over.
#include <memory>

#include "sidecar/balancer/balancer.hpp"

namespace steelyard::balancer {

class RoundRobin final : public Balancer {
public:
    RoundRobin(std::shared_ptr<const Plan> plan, uint64_t seed);
    uint32_t pick(const PickContext& context, HostFilter usable) override;

private:
    std::shared_ptr<const Plan> plan_;
    uint32_t next_ = 0;
};

}  // namespace steelyard::balancer
