#include "controller/ipam/state.hpp"

#include <algorithm>

#include "controller/ipam/allocator.hpp"

namespace steelyard::ipam {
namespace {

// An accepted pool whose ranges are what they were goes on knowing what was given back lately.
FreeSpace space_for(const Pool& pool, std::vector<PoolState>& before) {
    for (PoolState& old : before) {
        if (pool.accepted && old.pool.accepted && old.pool.spec.name == pool.spec.name &&
            old.pool.ranges == pool.ranges)
            return std::move(old.free);
    }
    return {pool.ranges, kRemembered};
}

const char* policy_name(bool local) { return local ? "Local" : "Cluster"; }

}  // namespace

void State::set_pools(std::vector<PoolSpec> specs) {
    std::vector<PoolState> before = std::move(pools_);
    pools_.clear();
    accepted_.clear();
    has_selectors_ = false;
    for (Pool& pool : judge_pools(std::move(specs))) {
        has_selectors_ = has_selectors_ || pool.spec.service_selector.has_value();
        FamilyCounts families;
        for (const Range& range : pool.ranges) {
            families[range.first.family] = 1;
            if (pool.accepted) accepted_.emplace(range.first, std::pair(range.last, pools_.size()));
        }
        FreeSpace space = space_for(pool, before);
        pools_.push_back({std::move(pool), std::move(space), families});
    }
}

PoolState* State::accepted_pool_of(const Address& address) {
    auto after = accepted_.upper_bound(address);
    if (after == accepted_.begin()) return nullptr;
    --after;
    return after->second.first < address ? nullptr : &pools_[after->second.second];
}

const PoolState* State::pool_of(const Address& address) {
    if (const PoolState* pool = accepted_pool_of(address)) return pool;
    for (const PoolState& one : pools_) {
        if (!one.pool.accepted && one.pool.contains(address)) return &one;
    }
    return nullptr;
}

const PoolState* State::pool_named(const std::string& name) const {
    const auto found = std::ranges::find_if(pools_, [&](const PoolState& one) { return one.pool.spec.name == name; });
    return found == pools_.end() ? nullptr : &*found;
}

const AddressUse* State::use_of(const Address& address) const {
    const auto found = used_.find(address);
    return found == used_.end() ? nullptr : &found->second;
}

std::optional<Refusal> State::refusal(const Service& service, const Address& address, const AddressUse& use,
                                      const std::string& advertisement) const {
    const Service& other = **use.users.begin();
    const ServiceRequest& mine = service.request;
    const std::string taken = address.to_string() + " is taken by " + other.key;
    if (mine.sharing_key.empty()) return Refusal{Fault::taken, taken};
    const auto refuse = [&](const std::string& why) {
        return Refusal{Fault::not_shareable, taken + " and cannot be shared: " + why};
    };
    if (other.request.ns != mine.ns) return refuse("it is of another namespace");
    if (other.request.sharing_key != mine.sharing_key)
        return refuse("its steelyard.dev/allow-shared-ip is not the same");
    if (other.request.local != mine.local) {
        return refuse("externalTrafficPolicy is " + std::string(policy_name(mine.local)) + " here and " +
                      policy_name(other.request.local) + " there");
    }
    for (const PortUse& port : mine.ports) {
        if (const auto user = use.ports.find(port); user != use.ports.end())
            return Refusal{Fault::not_shareable, address.to_string() + " cannot be shared: its port " +
                                                     port.to_string() + " is taken by " + user->second->key};
    }
    if (use.advertisement != advertisement)
        return refuse("the first addresses of the two are announced by different VirtualIPAdvertisements");
    return std::nullopt;
}

const std::vector<Address>* State::shared_by(const std::string& ns, const std::string& key) const {
    const auto found = shared_.find({ns, key});
    return found == shared_.end() ? nullptr : &found->second;
}

size_t State::count_used(const Pool& pool) const {
    size_t count = 0;
    for (const Range& range : pool.ranges) {
        const auto end = used_.upper_bound(range.last);
        for (auto use = used_.lower_bound(range.first); use != end; ++use) ++count;
    }
    return count;
}

FamilyCounts State::unused_of(const std::vector<Address>& addresses) const {
    FamilyCounts counts;
    for (const Address& address : addresses) {
        if (!used_.contains(address)) ++counts[address.family];
    }
    return counts;
}

void State::place(Service& service, std::vector<Address> addresses, uint8_t router_id) {
    service.addresses = std::move(addresses);
    service.router_id = service.addresses.empty() ? uint8_t{0} : router_id;
    service.placed = true;
    if (service.addresses.empty()) return;
    RouterTable::Router& router = routers_.at(router_id);
    const PoolState* first = pool_of(service.addresses.front());
    router.advertisement = first->pool.spec.router_ids.name;
    router.users.insert(&service);
    router.locals += service.request.local ? 1 : 0;
    const std::string& sharing_key = service.request.sharing_key;
    for (const Address& address : service.addresses) {
        const auto [found, is_new] = used_.try_emplace(address);
        AddressUse& use = found->second;
        if (is_new) {
            use.router_id = router_id;
            use.advertisement = router.advertisement;
            ++router.addresses[address.family];
            if (PoolState* pool = accepted_pool_of(address)) pool->free.take(address);
        }
        use.users.insert(&service);
        if (sharing_key.empty()) continue;
        for (const PortUse& port : service.request.ports) use.ports.emplace(port, &service);
        std::vector<Address>& shared = shared_[{service.request.ns, sharing_key}];
        const auto place = std::lower_bound(shared.begin(), shared.end(), address);
        if (place == shared.end() || *place != address) shared.insert(place, address);
    }
}

void State::lift(Service& service) {
    if (!service.placed) return;
    service.placed = false;
    if (service.addresses.empty()) return;
    RouterTable::Router& router = routers_.at(service.router_id);
    router.users.erase(&service);
    router.locals -= service.request.local ? 1 : 0;
    const std::string& sharing_key = service.request.sharing_key;
    for (const Address& address : service.addresses) {
        AddressUse& use = used_.at(address);
        use.users.erase(&service);
        for (const PortUse& port : service.request.ports) {
            if (const auto user = use.ports.find(port); user != use.ports.end() && user->second == &service)
                use.ports.erase(user);
        }
        if (!use.users.empty()) continue;
        used_.erase(address);
        --router.addresses[address.family];
        const auto shared = shared_.find({service.request.ns, sharing_key});
        if (sharing_key.empty() || shared == shared_.end()) continue;
        const auto place = std::lower_bound(shared->second.begin(), shared->second.end(), address);
        if (place != shared->second.end() && *place == address) shared->second.erase(place);
        if (shared->second.empty()) shared_.erase(shared);
    }
}

void State::vacate(const Address& address) {
    PoolState* pool = accepted_pool_of(address);
    if (pool == nullptr || used_.contains(address) || pool->free.is_free(address)) return;
    pool->free.give_back(address);
}

}  // namespace steelyard::ipam
