#include "controller/ipam/planner.hpp"

#include <algorithm>
#include <utility>

namespace steelyard::ipam {
namespace {

constexpr size_t kSharedTriedFirst = 64;

using Refused = std::optional<Refusal>;

// The addresses that a plan has so far, and what follows from them.
class Draft {
public:
    Draft(State& state, const Service& service) : state_(state), service_(service) {}

    // Adds an address that is in a pool. A refusal leaves the draft as it was.
    Refused add(const Address& address) {
        const AddressUse* use = state_.use_of(address);
        const std::string& advertisement = advertisement_with(address);
        if (use != nullptr) {
            if (Refused refused = state_.refusal(service_, address, *use, advertisement)) return refused;
            if (shared_id_ != 0 && shared_id_ != use->router_id) {
                return Refusal{Fault::not_shareable, address.to_string() + " cannot be shared: it has router id " +
                                                         std::to_string(use->router_id) +
                                                         " and the other address of the Service, which is "
                                                         "shared as well, has router id " +
                                                         std::to_string(shared_id_)};
            }
        }
        addresses_.push_back(address);
        if (use != nullptr) shared_id_ = use->router_id;
        return std::nullopt;
    }
    // A router id for it all: that of who shares, the one that it claims, or another.
    std::optional<uint8_t> router_id(bool strict) const {
        const RouterIds& ids = first_pool()->pool.spec.router_ids;
        const bool local = service_.request.local;
        const FamilyCounts added = state_.unused_of(addresses_);
        const uint8_t claimed = service_.router_id;
        if (strict && shared_id_ != 0 && shared_id_ != claimed) return std::nullopt;
        if (shared_id_ != 0) {
            if (!state_.routers().admits(shared_id_, ids.name, local, true, added)) return std::nullopt;
            return shared_id_;
        }
        const bool in_range = claimed >= ids.first && claimed <= ids.last;
        if (in_range && state_.routers().admits(claimed, ids.name, local, false, added)) return claimed;
        return strict ? std::nullopt : state_.routers().choose(ids, local, added);
    }
    const std::vector<Address>& addresses() const { return addresses_; }
    bool empty() const { return addresses_.empty(); }
    Refusal no_router_id() const {
        const RouterIds& ids = first_pool()->pool.spec.router_ids;
        return {Fault::no_router_id,
                "no virtual router id of " + std::to_string(ids.first) + "-" + std::to_string(ids.last) +
                    (ids.name.empty() ? "" : " (VirtualIPAdvertisement " + ids.name + ")") + " is left" +
                    (service_.request.local ? ", and with externalTrafficPolicy Local the Service needs its own" : "")};
    }

private:
    const PoolState* first_pool() const { return state_.pool_of(addresses_.front()); }
    const std::string& advertisement_with(const Address& address) const {
        const PoolState* first = empty() ? state_.pool_of(address) : first_pool();
        return first->pool.spec.router_ids.name;
    }

    State& state_;
    const Service& service_;
    std::vector<Address> addresses_;
    uint8_t shared_id_ = 0;  // 0: nothing is shared
};

// Whether the Service may stay where it is, as far as the pools go.
bool is_admitted(State& state, const Service& service, const Address& address) {
    const PoolState* pool = state.pool_of(address);
    return pool != nullptr && (!pool->pool.accepted || pool->pool.admits(service.request.ns, service.request.labels));
}

bool in_asked_pool(State& state, const Service& service, const Address& address) {
    return service.request.pool.empty() || state.pool_of(address)->pool.spec.name == service.request.pool;
}

Refused refusal_of_request(State& state, const Service& service, const Address& address) {
    const std::string text = service.request.requested_by + ": " + address.to_string();
    const PoolState* pool = state.pool_of(address);
    if (pool == nullptr) return Refusal{Fault::outside_pools, text + " is in no AddressPool"};
    const std::string& name = pool->pool.spec.name;
    if (!pool->pool.accepted)
        return Refusal{Fault::pool_refused,
                       text + " is in AddressPool " + name + ", which is not accepted (" + pool->pool.reason + ")"};
    if (!in_asked_pool(state, service, address))
        return Refusal{Fault::outside_pools, text + " is in AddressPool " + name +
                                                 ", and steelyard.dev/address-pool asks for " + service.request.pool};
    if (!pool->pool.admits(service.request.ns, service.request.labels))
        return Refusal{Fault::not_admitted, text + " is in AddressPool " + name + ", which is not for this Service"};
    return std::nullopt;
}

// Finds addresses for one Service, family by family.
class Finder {
public:
    Finder(State& state, const Service& service) : state_(state), service_(service) {
        for (const bool restricted : {true, false}) {
            for (const PoolState& one : state.pools()) {
                if (one.pool.restricted() == restricted && is_open(one)) open_.push_back(&one);
            }
        }
    }

    Refused find(Family family, Draft& draft, bool& own) const {
        const ServiceRequest& request = service_.request;
        const std::vector<Address>* shared =
            request.sharing_key.empty() ? nullptr : state_.shared_by(request.ns, request.sharing_key);
        if (shared != nullptr && add_shared(*shared, 0, kSharedTriedFirst, family, draft)) return std::nullopt;
        bool no_router = false;
        for (const PoolState* pool : open_) {
            const std::optional<Address> address = pool->free.pick(family);
            if (!address) continue;
            Draft tried = draft;
            if (!tried.add(*address) && tried.router_id(false)) {
                draft.add(*address);
                return std::nullopt;
            }
            no_router = true;
            own = own || !draft.empty();
        }
        if (shared != nullptr && add_shared(*shared, kSharedTriedFirst, shared->size(), family, draft))
            return std::nullopt;
        return refusal(family, draft, no_router);
    }

private:
    bool is_open(const PoolState& one) const {
        const bool asked =
            service_.request.pool.empty() ? one.pool.spec.auto_assign : one.pool.spec.name == service_.request.pool;
        return asked && one.pool.accepted && one.pool.admits(service_.request.ns, service_.request.labels);
    }
    bool add_shared(const std::vector<Address>& shared, size_t from, size_t to, Family family, Draft& draft) const {
        for (size_t i = from; i < std::min(to, shared.size()); ++i) {
            if (shared[i].family != family) continue;
            const PoolState* pool = state_.accepted_pool_of(shared[i]);
            if (pool == nullptr || !is_open(*pool)) continue;
            Draft tried = draft;
            if (tried.add(shared[i]) || !tried.router_id(false)) continue;
            draft.add(shared[i]);
            return true;
        }
        return false;
    }
    Refusal refusal(Family family, const Draft& draft, bool no_router) const {
        const std::string& asked = service_.request.pool;
        const std::string addresses = std::string(to_string(family)) + " address";
        if (const PoolState* pool = asked.empty() ? nullptr : state_.pool_named(asked)) {
            const std::string name = "AddressPool " + asked;
            if (!pool->pool.accepted)
                return {Fault::pool_refused, name + " is not accepted (" + pool->pool.reason + ")"};
            if (open_.empty()) return {Fault::not_admitted, name + " is not for this Service"};
        } else if (!asked.empty()) {
            return {Fault::unknown_pool, "steelyard.dev/address-pool: there is no AddressPool " + asked.substr(0, 253)};
        }
        if (no_router) return draft.empty() ? no_router_of(family) : draft.no_router_id();
        std::string names;
        for (const PoolState* pool : open_) {
            if (pool->families[family] != 0) names += (names.empty() ? " " : ", ") + pool->pool.spec.name;
        }
        if (names.size() > 300) names = names.substr(0, 300) + "...";
        if (names.empty()) {
            return {Fault::no_family, asked.empty()
                                          ? "no AddressPool that gives addresses to this Service has an " + addresses
                                          : "AddressPool " + asked + " has no " + addresses};
        }
        return {Fault::exhausted, "AddressPool" + names + ": no " + addresses + " is free"};
    }
    Refusal no_router_of(Family family) const {
        for (const PoolState* pool : open_) {
            Draft draft(state_, service_);
            if (const std::optional<Address> address = pool->free.pick(family); address && !draft.add(*address))
                return draft.no_router_id();
        }
        return {Fault::no_router_id, "no virtual router id is left"};
    }

    State& state_;
    const Service& service_;
    std::vector<const PoolState*> open_;  // in the order in which they are tried
};

Plan failed(Refusal refusal, bool own) {
    Plan plan;
    plan.fault = refusal.fault;
    plan.problem = std::move(refusal.problem);
    plan.own = own;
    return plan;
}

// Addresses that are asked for, and those that the Service goes on with; the families left are to be found.
Refused add_fixed(State& state, const Service& service, Draft& draft, std::vector<Family>& open) {
    for (const Family family : service.wanted) {
        const std::optional<Address> held = service.has(family);
        const std::optional<Address>& asked = service.asks(family);
        if (asked && asked != held) {
            if (Refused refused = refusal_of_request(state, service, *asked)) return refused;
            if (Refused refused = draft.add(*asked)) {
                refused->problem = service.request.requested_by + ": " + refused->problem;
                return refused;
            }
        } else if (held && in_asked_pool(state, service, *held)) {
            if (Refused refused = draft.add(*held)) return refused;
        } else {
            open.push_back(family);
        }
    }
    return std::nullopt;
}

std::vector<Address> in_order(const Service& service, const std::vector<Address>& addresses) {
    std::vector<Address> ordered;
    for (const Family family : service.wanted) {
        for (const Address& address : addresses) {
            if (address.family == family) ordered.push_back(address);
        }
    }
    return ordered;
}

}  // namespace

std::optional<Plan> plan_to_keep(State& state, const Service& service, bool strict) {
    Plan plan;
    Draft draft(state, service);
    for (const Family family : service.wanted) {
        const std::optional<Address> address = service.has(family);
        if (!address || !is_admitted(state, service, *address)) continue;
        Draft more = draft;
        if (more.add(*address)) continue;
        if (more.router_id(strict)) {
            draft.add(*address);
        } else if (strict) {
            return std::nullopt;
        }
    }
    if (draft.empty()) return plan;
    const std::optional<uint8_t> id = draft.router_id(strict);
    plan.addresses = draft.addresses();
    plan.router_id = *id;  // asked for with each address
    return plan;
}

Plan plan_all(State& state, const Service& service) {
    Draft draft(state, service);
    std::vector<Family> open;
    if (Refused refused = add_fixed(state, service, draft, open)) return failed(std::move(*refused), true);
    Finder finder(state, service);
    Refused missing;
    bool own = false;
    for (const Family family : open) {
        Refused refused = finder.find(family, draft, own);
        if (refused && (service.all_required || service.has(family))) return failed(std::move(*refused), own);
        if (refused && !missing) missing = std::move(refused);
    }
    if (draft.empty()) return failed(missing ? std::move(*missing) : Refusal{Fault::no_family, "no family"}, own);
    // The first address decides on the advertisement: judged again in the Service's order.
    Draft ordered(state, service);
    for (const Address& address : in_order(service, draft.addresses())) {
        if (Refused refused = ordered.add(address)) return failed(std::move(*refused), true);
    }
    const std::optional<uint8_t> id = ordered.router_id(false);
    if (!id) return failed(ordered.no_router_id(), true);
    Plan plan;
    plan.addresses = ordered.addresses();
    plan.router_id = *id;
    plan.complete = !missing;
    plan.own = own;
    return plan;
}

bool is_satisfied(State& state, const Service& service) {
    if (!service.invalid.empty()) return false;
    return std::ranges::all_of(service.wanted, [&](Family family) {
        const std::optional<Address> held = service.has(family);
        if (!held) return false;
        const std::optional<Address>& asked = service.asks(family);
        return asked ? asked == held : in_asked_pool(state, service, *held);
    });
}

}  // namespace steelyard::ipam
