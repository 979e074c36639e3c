#pragma once
// Random: every pick independent, each usable host with exactly its share of the usable hosts' weights. O(1) by drawing until
// one is usable; after kDraws a scan that draws among the usable ones alone.
#include <memory>

#include "sidecar/balancer/balancer.hpp"
#include "sidecar/balancer/bits.hpp"

namespace steelyard::balancer {

class WeightedRandom final : public Balancer {
public:
    static constexpr int kDraws = 8;

    WeightedRandom(std::shared_ptr<const Plan> plan, uint64_t seed);
    uint32_t pick(const PickContext& context, HostFilter usable) override;

private:
    uint32_t scan(HostFilter usable);

    std::shared_ptr<const Plan> plan_;
    Random random_;
};

}  // namespace steelyard::balancer
