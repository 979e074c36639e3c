#include "sidecar/balancer/round_robin.hpp"

#include "sidecar/balancer/plan.hpp"

namespace steelyard::balancer {

RoundRobin::RoundRobin(std::shared_ptr<const Plan> plan, uint64_t seed) : plan_(std::move(plan)) {
    if (plan_->count() > 0) next_ = static_cast<uint32_t>(Random(seed).below(plan_->count()));
}

uint32_t RoundRobin::pick(const PickContext&, HostFilter usable) {
    for (uint32_t tried = 0; tried < plan_->count(); ++tried) {
        const uint32_t index = plan_->hosts[next_].index;
        if (++next_ == plan_->count()) next_ = 0;
        if (usable(index)) return index;
    }
    return kNoHost;
}

}  // namespace steelyard::balancer
