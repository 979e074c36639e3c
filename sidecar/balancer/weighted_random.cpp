#include "sidecar/balancer/weighted_random.hpp"

#include "sidecar/balancer/plan.hpp"

namespace steelyard::balancer {

WeightedRandom::WeightedRandom(std::shared_ptr<const Plan> plan, uint64_t seed)
    : plan_(std::move(plan)), random_(seed) {}

uint32_t WeightedRandom::pick(const PickContext&, HostFilter usable) {
    if (plan_->hosts.empty()) return kNoHost;
    for (int i = 0; i < kDraws; ++i) {
        const uint32_t index = plan_->hosts[plan_->draw(random_)].index;
        if (usable(index)) return index;
    }
    return scan(usable);
}

// One pass: the k-th usable host replaces the choice so far with probability weight / sum of weights so far.
uint32_t WeightedRandom::scan(HostFilter usable) {
    uint32_t chosen = kNoHost;
    uint64_t sum = 0;
    for (const PlanHost& host : plan_->hosts) {
        if (!usable(host.index)) continue;
        sum += host.weight;
        if (random_.below(sum) < host.weight) chosen = host.index;
    }
    return chosen;
}

}  // namespace steelyard::balancer
