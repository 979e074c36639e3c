#pragma once
// How much may be in flight on each host: load_factor_percent of its share, by weight, of what is in flight on all usable hosts.
//
// The sum over hosts is kept up to date by looking at a few hosts a pick in turn, so that a pick is O(1) however many there are:
// exact up to kLooks hosts, beyond that the oldest count is hosts / kLooks picks old. One a worker: not thread-safe.
#include <cstdint>
#include <vector>

#include "sidecar/balancer/balancer.hpp"

namespace steelyard::balancer {

class LoadBounds {
public:
    static constexpr uint32_t kLooks = 8;

    // `plan` must outlive it, has a load factor and at least one host.
    explicit LoadBounds(const Plan& plan);

    // Once before each pick.
    void refresh(HostFilter usable);
    // May one more go to this host (an index into plan.hosts)?
    bool has_room(uint32_t host) const;
    // By what is in flight for each unit of weight.
    bool less_loaded(uint32_t host, uint32_t than) const;

private:
    struct Seen {
        uint32_t active = 0;
        bool counted = false;  // usable when it was looked at
    };
    void look(uint32_t host, HostFilter usable);

    const Plan& plan_;
    std::vector<Seen> seen_;  // parallel to plan.hosts
    uint32_t turn_ = 0;
    uint64_t active_ = 0;  // sums over the hosts that are counted
    uint64_t weight_ = 0;
};

}  // namespace steelyard::balancer
