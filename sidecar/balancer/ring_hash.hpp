#pragma once
// Ring hash: equal keys go to equal hosts, in every proxy, while the hosts stay. When the key's host is not usable the key goes
// to the next usable one along the ring, and comes back with it; all other keys stay. See ring.hpp for what moves when.
//
// O(1) while most are usable. When kWalk points in a row have no usable host, the key's host is found among all usable ones by
// rendezvous hashing, O(hosts): as stable, and even when the ring is nearly deserted.
#include <memory>

#include "sidecar/balancer/balancer.hpp"

namespace steelyard::balancer {

class RingHash final : public Balancer {
public:
    static constexpr size_t kWalk = 256;

    explicit RingHash(std::shared_ptr<const Plan> plan);
    uint32_t pick(const PickContext& context, HostFilter usable) override;

private:
    uint32_t rendezvous(uint64_t hash, HostFilter usable) const;

    std::shared_ptr<const Plan> plan_;
};

}  // namespace steelyard::balancer
