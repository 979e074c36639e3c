#include "controller/translate/announcements.hpp"

#include <algorithm>
#include <utility>

#include "controller/loadbalancer/advertisements.hpp"
#include "controller/loadbalancer/pools.hpp"

namespace steelyard::translate {

void Announcements::read(const store::ClusterState& state) {
    const auto advertisements = state.advertisements();
    const auto spec_for = [&](const std::string& pool) {
        const kube::VirtualIPAdvertisement* found = loadbalancer::in_force(advertisements, pool);
        return found == nullptr ? loadbalancer::AdvertisementSpec{} : found->spec;
    };
    std::vector<ipam::PoolSpec> specs;
    for (const kube::AddressPool* pool : state.pools())
        specs.push_back(loadbalancer::pool_spec_of(*pool, advertisements));
    rows_.clear();
    for (ipam::Pool& pool : ipam::judge_pools(std::move(specs))) {
        loadbalancer::AdvertisementSpec spec = spec_for(pool.spec.name);
        rows_.push_back({std::move(pool), std::move(spec)});
    }
    std::stable_partition(rows_.begin(), rows_.end(), [](const Row& row) { return row.pool.accepted; });
    elsewhere_ = spec_for("");
}

const loadbalancer::AdvertisementSpec& Announcements::of(const ipam::Address& address) const {
    const auto found =
        std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.pool.contains(address); });
    return found == rows_.end() ? elsewhere_ : found->spec;
}

}  // namespace steelyard::translate
