#include "controller/translate/announcements.hpp"

#include <algorithm>
#include <utility>

#include "controller/loadbalancer/advertisements.hpp"
#include "controller/loadbalancer/pools.hpp"

namespace steelyard::translate {

void Announcements::read(const store::ClusterState& state) {
    const auto advertisements = state.advertisements();
    all_.clear();
    all_.try_emplace("");
    const auto name_for = [&](const std::string& pool) {
        const kube::VirtualIPAdvertisement* found = loadbalancer::in_force(advertisements, pool);
        if (found == nullptr) return std::string();
        const std::string& name = found->meta.name;
        if (!all_.contains(name))
            all_.emplace(name, Announcement{found->spec, loadbalancer::choose_nodes(found->spec, state), name});
        return name;
    };
    std::vector<ipam::PoolSpec> specs;
    for (const kube::AddressPool* pool : state.pools())
        specs.push_back(loadbalancer::pool_spec_of(*pool, advertisements));
    rows_.clear();
    for (ipam::Pool& pool : ipam::judge_pools(std::move(specs))) {
        std::string advertisement = name_for(pool.spec.name);
        rows_.push_back({std::move(pool), std::move(advertisement)});
    }
    std::stable_partition(rows_.begin(), rows_.end(), [](const Row& row) { return row.pool.accepted; });
    elsewhere_ = name_for("");
}

bool Announcements::read_nodes(const store::ClusterState& state) {
    bool changed = false;
    for (auto& [name, one] : all_) {
        if (one.spec.node_selector.empty()) continue;
        loadbalancer::NodeChoice now = loadbalancer::choose_nodes(one.spec, state);
        changed = changed || now != one.nodes;
        one.nodes = std::move(now);
    }
    return changed;
}

const Announcement& Announcements::of(const ipam::Address& address) const {
    const auto found =
        std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.pool.contains(address); });
    return all_.at(found == rows_.end() ? elsewhere_ : found->advertisement);
}

}  // namespace steelyard::translate
