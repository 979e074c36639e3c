#include "sidecar/balancer/ring_hash.hpp"

#include <algorithm>

#include "sidecar/balancer/plan.hpp"

namespace steelyard::balancer {

RingHash::RingHash(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}

uint32_t RingHash::pick(const PickContext& context, HostFilter usable) {
    const Ring& ring = plan_->ring;
    const size_t most = std::min(ring.size(), kWalk);
    if (most == 0) return kNoHost;
    uint32_t refused = kNoHost;
    size_t point = ring.find(context.hash);
    for (size_t walked = 0; walked < most; ++walked, point = ring.next(point)) {
        const uint32_t host = ring.host(point);
        if (host == refused) continue;
        const uint32_t index = plan_->hosts[host].index;
        if (usable(index)) return index;
        refused = host;
    }
    return rendezvous(context.hash, usable);
}

uint32_t RingHash::rendezvous(uint64_t hash, HostFilter usable) const {
    uint32_t best = kNoHost;
    double least = 0;
    for (uint32_t i = 0; i < plan_->count(); ++i) {
        const uint32_t index = plan_->hosts[i].index;
        if (!usable(index)) continue;
        const double distance = plan_->ring.distance(i, hash);
        if (best == kNoHost || distance < least) {
            best = index;
            least = distance;
        }
    }
    return best;
}

}  // namespace steelyard::balancer
