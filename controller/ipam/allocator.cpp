#include "controller/ipam/allocator.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "controller/ipam/planner.hpp"
#include "controller/ipam/waiting.hpp"

namespace steelyard::ipam {
namespace {

struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace

struct Allocator::Impl {
    State state;
    Waiting waiting;
    std::unordered_map<std::string, std::unique_ptr<Service>, TextHash, std::equal_to<>> services;
    std::vector<PoolSpec> specs;
    bool pools_changed = false;
    bool anything_changed = false;
    ServiceSet dirty;              // not placed; to be claimed for
    ServiceSet touched;            // may have to be told
    std::vector<Address> vacated;  // to be given back unless they are claimed again
    std::set<uint8_t> left;        // router ids that somebody moved away from

    void lift(Service& service);
    void forget(Service& service);
    void place(Service& service, Plan plan);
    void claim();
    void loosen(uint8_t router_id);
    void give_back();
    bool serve_waiting();
    Waiting::Outcome serve(Service& service, bool& news);
    std::vector<Allocation> tell();
};

// Takes a Service out to be placed anew. If Services of the Local policy are left on its router id, it may have been what
// connected them: they have to show again that they may share it.
void Allocator::Impl::lift(Service& service) {
    waiting.remove(service);
    dirty.insert(&service);
    touched.insert(&service);
    anything_changed = true;
    if (!service.placed) return;
    vacated.insert(vacated.end(), service.addresses.begin(), service.addresses.end());
    const bool had_address = !service.addresses.empty();
    state.lift(service);
    if (had_address) loosen(service.router_id);
}

void Allocator::Impl::loosen(uint8_t router_id) {
    const RouterTable::Router& router = state.routers().at(router_id);
    if (router.locals < 2) return;
    const ServiceSet users = router.users;
    for (Service* user : users) {
        state.lift(*user);
        waiting.remove(*user);
        vacated.insert(vacated.end(), user->addresses.begin(), user->addresses.end());
        dirty.insert(user);
        touched.insert(user);
    }
}

void Allocator::Impl::forget(Service& service) {
    lift(service);
    dirty.erase(&service);
    touched.erase(&service);
}

void Allocator::Impl::place(Service& service, Plan plan) {
    state.place(service, std::move(plan.addresses), plan.router_id);
}

// Those with a router id of theirs first: nobody gets by chance what another holds. Of these the Cluster policy first: who needs
// an id alone gives way to those that can share it.
void Allocator::Impl::claim() {
    for (const bool local : {false, true}) {
        for (Service* service : dirty) {
            if (service->request.local != local || service->router_id == 0) continue;
            if (std::optional<Plan> plan = plan_to_keep(state, *service, true)) place(*service, std::move(*plan));
        }
    }
    for (Service* service : dirty) {
        if (!service->placed) place(*service, *plan_to_keep(state, *service, false));
    }
    for (Service* service : dirty) {
        service->fault = service->invalid.empty() ? Fault::none : Fault::invalid_request;
        service->problem = service->invalid;
        if (service->invalid.empty() && !is_satisfied(state, *service)) waiting.add(*service, state.has_selectors());
    }
    dirty.clear();
}

void Allocator::Impl::give_back() {
    std::sort(vacated.begin(), vacated.end());
    for (const Address& address : std::exchange(vacated, {})) state.vacate(address);
}

// Whether there is something new for those that were asked before: somebody moved, or can be shared with now.
bool Allocator::Impl::serve_waiting() {
    bool news = false;
    waiting.try_all([&](Service& service) { return serve(service, news); },
                    [&](Service& service) { touched.insert(&service); });
    for (const uint8_t id : std::exchange(left, {})) loosen(id);
    return news || !dirty.empty();
}

Waiting::Outcome Allocator::Impl::serve(Service& service, bool& news) {
    const std::vector<Address> before = service.addresses;
    const uint8_t id_before = service.router_id;
    state.lift(service);
    Plan plan = plan_all(state, service);
    const bool same = plan.addresses == before && plan.router_id == id_before;
    const bool stays = plan.addresses.empty() || same;
    if (stays) {
        state.place(service, before, id_before);
    } else {
        place(service, plan);
        for (const Address& address : before) state.vacate(address);
        if (!before.empty()) left.insert(id_before);
        news = news || !before.empty() || !service.request.sharing_key.empty();
        touched.insert(&service);
    }
    if (service.fault != plan.fault || service.problem != plan.problem) touched.insert(&service);
    service.fault = plan.fault;
    service.problem = std::move(plan.problem);
    if (plan.complete) {
        waiting.remove(service);
        return Waiting::Outcome::served;
    }
    if (!stays) {
        waiting.add(service, state.has_selectors());
        return Waiting::Outcome::served;
    }
    return plan.own ? Waiting::Outcome::own : Waiting::Outcome::same_for_all;
}

std::vector<Allocation> Allocator::Impl::tell() {
    std::vector<Allocation> changed;
    for (Service* service : std::exchange(touched, {})) {
        Allocation now{service->key, service->addresses, service->router_id, service->fault, service->problem};
        if (now.fault != Fault::none) {
            std::string kept;
            for (const Address& address : now.addresses) kept += (kept.empty() ? "" : ", ") + address.to_string();
            now.problem +=
                kept.empty() ? "; the Service has no address until that changes" : "; the Service keeps " + kept;
        }
        if (service->is_told && now == service->told) continue;
        service->told = now;
        service->is_told = true;
        changed.push_back(std::move(now));
    }
    std::sort(changed.begin(), changed.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return changed;
}

Allocator::Allocator() : impl_(std::make_unique<Impl>()) {}
Allocator::~Allocator() = default;

void Allocator::set_pools(std::vector<PoolSpec> pools) {
    if (pools == impl_->specs) return;
    impl_->specs = std::move(pools);
    impl_->pools_changed = true;
}

void Allocator::upsert(ServiceRequest request) {
    const std::string key = request.key();
    auto found = impl_->services.find(key);
    if (found != impl_->services.end() && found->second->request.created != request.created) {  // another of that name
        remove(key);
        found = impl_->services.end();
    }
    if (found == impl_->services.end()) {
        found = impl_->services.emplace(key, std::make_unique<Service>(std::move(request))).first;
        impl_->lift(*found->second);
        return;
    }
    Service& service = *found->second;
    request.held = service.request.held;
    request.held_router_id = service.request.held_router_id;
    if (request == service.request) return;
    impl_->lift(service);
    service.read(std::move(request));
}

void Allocator::remove(std::string_view key) {
    const auto found = impl_->services.find(key);
    if (found == impl_->services.end()) return;
    impl_->forget(*found->second);
    impl_->services.erase(found);
}

std::vector<Allocation> Allocator::settle() {
    Impl& impl = *impl_;
    if (!impl.pools_changed && !impl.anything_changed) return {};
    if (std::exchange(impl.pools_changed, false)) {
        for (const auto& [key, service] : impl.services) impl.lift(*service);
        impl.state.set_pools(impl.specs);
    }
    impl.anything_changed = false;
    do {
        impl.claim();
        impl.give_back();
    } while (impl.serve_waiting());
    return impl.tell();
}

const Allocation* Allocator::find(std::string_view key) const {
    const auto found = impl_->services.find(key);
    return found == impl_->services.end() || !found->second->is_told ? nullptr : &found->second->told;
}

std::vector<PoolStatus> Allocator::pools() const {
    std::vector<PoolStatus> all;
    for (const PoolState& one : impl_->state.pools()) {
        Uint128 total = 0;
        for (const Range& range : one.pool.ranges) total += range.size();
        const Uint128 available = one.free.count(Family::ipv4) + one.free.count(Family::ipv6);
        PoolStatus status{one.pool.spec.name, one.pool.accepted, one.pool.reason, one.pool.message, saturated(total)};
        status.assigned = saturated(one.pool.accepted ? total - available : impl_->state.count_used(one.pool));
        status.available = one.pool.accepted ? saturated(available) : 0;
        all.push_back(std::move(status));
    }
    std::sort(all.begin(), all.end(), [](const PoolStatus& a, const PoolStatus& b) { return a.name < b.name; });
    return all;
}

const char* to_string(Fault fault) {
    switch (fault) {
        case Fault::none:
            return "none";
        case Fault::invalid_request:
            return "invalid_request";
        case Fault::unknown_pool:
            return "unknown_pool";
        case Fault::pool_refused:
            return "pool_refused";
        case Fault::outside_pools:
            return "outside_pools";
        case Fault::not_admitted:
            return "not_admitted";
        case Fault::taken:
            return "taken";
        case Fault::not_shareable:
            return "not_shareable";
        case Fault::no_family:
            return "no_family";
        case Fault::exhausted:
            return "exhausted";
        case Fault::no_router_id:
            return "no_router_id";
    }
    return "unknown";
}

}  // namespace steelyard::ipam
