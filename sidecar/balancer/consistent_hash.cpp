#include "sidecar/balancer/consistent_hash.hpp"

#include <algorithm>
#include <cmath>

#include "sidecar/balancer/plan.hpp"

namespace steelyard::balancer {

namespace {

// How much a host would like the key: the lowest of all that are asked is the key's host by weighted rendezvous hashing
// (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005).
double distance(uint64_t id_hash, uint32_t weight, uint64_t key_hash) {
    const uint64_t both = mix(id_hash ^ mix(key_hash));
    const double even = (static_cast<double>(both >> 11) + 0.5) * 0x1p-53;  // in (0, 1)
    return -std::log(even) / weight;
}

}  // namespace

template <class Table>
ConsistentHash<Table>::ConsistentHash(std::shared_ptr<const Plan> plan, const Table& table)
    : plan_(std::move(plan)), table_(table) {
    if (plan_->load_factor_percent != 0) bounds_.emplace(*plan_);
}

template <class Table>
uint32_t ConsistentHash<Table>::pick(const PickContext& context, HostFilter usable) {
    const size_t most = std::min(table_.size(), kWalk);
    if (most == 0) return kNoHost;
    if (bounds_) bounds_->refresh(usable);
    uint32_t passed = kNoHost;  // the last host that was not taken
    uint32_t least_loaded = kNoHost;
    size_t entry = table_.find(context.hash);
    for (size_t walked = 0; walked < most; ++walked, entry = table_.next(entry)) {
        const uint32_t host = table_.host(entry);
        if (host == passed) continue;
        passed = host;
        const uint32_t index = plan_->hosts[host].index;
        if (!usable(index)) continue;
        if (!bounds_ || bounds_->has_room(host)) return index;
        if (least_loaded == kNoHost || bounds_->less_loaded(host, least_loaded)) least_loaded = host;
    }
    return least_loaded != kNoHost ? plan_->hosts[least_loaded].index : rendezvous(context.hash, usable);
}

template <class Table>
uint32_t ConsistentHash<Table>::rendezvous(uint64_t hash, HostFilter usable) const {
    uint32_t best = kNoHost;
    double least = 0;
    for (uint32_t i = 0; i < plan_->count(); ++i) {
        const PlanHost& host = plan_->hosts[i];
        if (!usable(host.index)) continue;
        const double its = distance(plan_->id_hashes[i], host.weight, hash);
        if (best == kNoHost || its < least) {
            best = host.index;
            least = its;
        }
    }
    return best;
}

template class ConsistentHash<Ring>;
template class ConsistentHash<MaglevTable>;

}  // namespace steelyard::balancer
