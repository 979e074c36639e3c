#include "sidecar/balancer/load_bounds.hpp"

#include <algorithm>

#include "sidecar/balancer/plan.hpp"

namespace steelyard::balancer {

LoadBounds::LoadBounds(const Plan& plan) : plan_(plan), seen_(plan.hosts.size()) {
    // As if all were usable; the picks to come will tell.
    for (uint32_t host = 0; host < plan.count(); ++host) look(host, [](uint32_t) { return true; });
}

void LoadBounds::refresh(HostFilter usable) {
    const uint32_t looks = std::min(kLooks, plan_.count());
    for (uint32_t i = 0; i < looks; ++i) {
        look(turn_, usable);
        if (++turn_ == plan_.count()) turn_ = 0;
    }
}

void LoadBounds::look(uint32_t host, HostFilter usable) {
    const PlanHost& its = plan_.hosts[host];
    Seen& seen = seen_[host];
    if (seen.counted) {
        active_ -= seen.active;
        weight_ -= its.weight;
    }
    seen = {.active = its.in_flight(), .counted = usable(its.index)};
    if (seen.counted) {
        active_ += seen.active;
        weight_ += its.weight;
    }
}

// active + 1 <= ceil(factor * (total + 1) * weight / sum of weights), without dividing.
bool LoadBounds::has_room(uint32_t host) const {
    const PlanHost& its = plan_.hosts[host];
    const Uint128 share = Uint128{active_ + 1} * plan_.load_factor_percent * its.weight;
    return Uint128{its.in_flight()} * weight_ * 100 < share;
}

bool LoadBounds::less_loaded(uint32_t host, uint32_t than) const {
    const PlanHost& a = plan_.hosts[host];
    const PlanHost& b = plan_.hosts[than];
    return uint64_t{a.in_flight()} * b.weight < uint64_t{b.in_flight()} * a.weight;
}

}  // namespace steelyard::balancer
