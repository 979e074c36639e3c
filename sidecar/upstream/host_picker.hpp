#pragma once
// A worker's choice among one version of an upstream's hosts: what the balancer says, within priority, locality and slow start.
//
// Priority: hosts of another number are asked only when all of lower numbers are down, draining or tried for this request.
// Locality: within a priority, hosts on the same node (zone) come first, by policy.locality; when too few of them are usable the
// missing share goes to those farther away, and a request whose near host is full goes to any.
// Slow start: a host that is warming up refuses a part of its picks, and the balancer is asked again, so that its share is in proportion
// whatever the algorithm. Not so for ring-hash and maglev: a key's host would change with every request.
//
// Allocates nothing after it was made. What a policy does not ask for costs a branch. One a worker: not thread-safe.
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/clock.hpp"
#include "sidecar/balancer/balancer.hpp"
#include "sidecar/balancer/bits.hpp"
#include "sidecar/upstream/near_share.hpp"
#include "sidecar/upstream/snapshot.hpp"
#include "sidecar/upstream/tried_hosts.hpp"

namespace steelyard {

class HostPicker {
public:
    // `snapshot` must outlive it. `seed`: another for each worker of each proxy.
    HostPicker(const UpstreamSnapshot& snapshot, uint64_t seed);

    // A ready host that is not down and not tried, as an index into the snapshot's hosts; else balancer::kNoHost. Those that are ejected
    // only when there is no other.
    uint32_t pick(const balancer::PickContext& context, const TriedHosts& tried, TimePoint now);

private:
    // Asks so often at most; then a host is taken however cold: all may be.
    static constexpr int kRedraws = 32;

    struct Circle {
        Distance reach;
        std::unique_ptr<balancer::Balancer> balancer;
        std::optional<NearShare> share;  // of all but the widest
    };
    struct Tier {
        std::vector<Circle> circles;
        double mean_weight;
    };
    class Warming;

    uint32_t pick_in_tiers(const balancer::PickContext& context, const TriedHosts& tried);
    bool any_ejected() const;
    uint32_t pick_in(Tier& tier, const balancer::PickContext& context, const TriedHosts& tried);
    uint32_t draw(balancer::Balancer& balancer, const balancer::PickContext& context, balancer::HostFilter usable);
    bool is_full(uint32_t host, const Tier& tier) const;

    const UpstreamSnapshot& snapshot_;
    std::vector<Tier> tiers_;
    balancer::Random random_;
    bool hashing_;
    int64_t now_ms_ = 0;      // of this pick
    bool desperate_ = false;  // takes those that are ejected, too
};

}  // namespace steelyard
