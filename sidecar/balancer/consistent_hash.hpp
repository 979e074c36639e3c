#pragma once
// Ring hash and Maglev: equal keys go to equal hosts, in every proxy, while the hosts stay. When the key's host is not usable the
// key goes to the next usable one along the ring (the table), and comes back with it; all other keys stay. See ring.hpp and
// maglev.hpp for what moves when a host joins or leaves.
//
// With a load factor c (Mirrokni, Thorup, Zadimoghaddam, "Consistent hashing with bounded loads", 2018) no host gets more than
// ceil(c * its share by weight of what is in flight); a key whose host is at its bound goes on likewise, and back when there is
// room. All at their bound, which takes stale or other workers' counts: the least loaded of those that were met.
//
// O(1) while most are usable. When kWalk entries in a row have no usable host, the key's host is found among all usable ones by
// rendezvous hashing, O(hosts): as stable, and even when the ring is nearly deserted.
#include <memory>
#include <optional>

#include "sidecar/balancer/balancer.hpp"
#include "sidecar/balancer/load_bounds.hpp"

namespace steelyard::balancer {

// Table: Ring or MaglevTable, the one of the plan's that is filled.
template <class Table>
class ConsistentHash final : public Balancer {
public:
    static constexpr size_t kWalk = 256;

    ConsistentHash(std::shared_ptr<const Plan> plan, const Table& table);
    uint32_t pick(const PickContext& context, HostFilter usable) override;

private:
    uint32_t rendezvous(uint64_t hash, HostFilter usable) const;

    std::shared_ptr<const Plan> plan_;
    const Table& table_;  // in *plan_
    std::optional<LoadBounds> bounds_;
};

class Ring;
class MaglevTable;
extern template class ConsistentHash<Ring>;
extern template class ConsistentHash<MaglevTable>;

}  // namespace steelyard::balancer
