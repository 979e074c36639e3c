#include "controller/loadbalancer/reconciler.hpp"

#include <algorithm>

#include "controller/loadbalancer/advertisements.hpp"
#include "controller/loadbalancer/pools.hpp"

namespace steelyard::loadbalancer {
namespace {

using events::EventSpec;
using events::Severity;

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
    return all;
}

EventSpec event_of(const kube::ObjectKey& key, const std::string& uid, Severity type, std::string reason,
                   std::string note) {
    EventSpec event;
    event.regarding = {"v1", "Service", key.ns, key.name, uid};
    event.type = type;
    event.reason = std::move(reason);
    event.note = std::move(note);
    event.action = "Allocate";
    return event;
}

kube::ObjectKey key_of(std::string_view text) {
    const size_t slash = text.find('/');
    return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

// What is in the one and not in the other.
std::vector<std::string> missing(const std::vector<std::string>& from, const std::vector<std::string>& in) {
    std::vector<std::string> out;
    for (const std::string& text : from) {
        if (std::find(in.begin(), in.end(), text) == in.end()) out.push_back(text);
    }
    return out;
}

bool any_selects(const store::ClusterState& state) {
    const auto all = state.advertisements();
    return std::any_of(all.begin(), all.end(), [](const auto* one) { return !one->spec.node_selector.empty(); });
}

}  // namespace

void Reconciler::lead(std::vector<kube::Service> services) {
    follow();
    allocator_ = std::make_unique<ipam::Allocator>();
    for (kube::Service& service : services) {
        const kube::ObjectKey key = service.meta.key();
        held_.emplace(key, held_by(service));
        surveyed_.insert_or_assign(key, std::move(service));
    }
}

void Reconciler::follow() {
    allocator_.reset();
    begun_ = false;
    surveyed_.clear();
    unseen_.clear();
    forgot_ = false;
    held_.clear();
    known_.clear();
}

void Reconciler::surveyed_again(const std::vector<kube::Service>& services) {
    std::erase_if(unseen_, [&](const kube::ObjectKey& key) {
        const auto known = known_.find(key);
        if (known == known_.end()) return true;
        const bool there = std::any_of(services.begin(), services.end(), [&](const kube::Service& one) {
            return one.meta.key() == key && one.uid == known->second.uid;
        });
        if (there) return false;
        drop(key);
        forgot_ = true;
        return true;
    });
}

void Reconciler::set_pools(const store::ClusterState& state) {
    const auto advertisements = state.advertisements();
    std::vector<ipam::PoolSpec> specs;
    for (const auto* pool : state.pools()) specs.push_back(pool_spec_of(*pool, advertisements));
    allocator_->set_pools(std::move(specs));
}

void Reconciler::drop(const kube::ObjectKey& key) {
    allocator_->remove(key.to_string());
    known_.erase(key);
}

// What is to be known of the Service from now on. One that is not ours any more keeps its addresses from others for as long as it has
// our finalizer.
void Reconciler::take(const kube::ObjectKey& key, const kube::Service* service) {
    if (service == nullptr || !service->balancer) return drop(key);
    const bool ours = is_ours(*service, default_class_);
    if (!ours && !service->balancer->has_finalizer()) return drop(key);
    auto found = known_.find(key);
    if (found != known_.end() && found->second.uid != service->uid) {
        drop(key);
        found = known_.end();
    }
    const bool is_new = found == known_.end();
    if (is_new) found = known_.emplace(key, Known{}).first;
    Known& known = found->second;
    Held held;
    if (is_new) {
        const auto surveyed = held_.find(key);
        const bool newer = surveyed != held_.end() && surveyed->second.uid == service->uid;
        held = newer ? surveyed->second : held_by(*service);
        known.uid = service->uid;
        known.addresses = held.addresses;
        known.ours = true;
    }
    if (ours || is_new) allocator_->upsert(request_of(*service, held));
    if (!ours && known.ours && !known.addresses.empty()) {
        events_.push_back(event_of(
            key, known.uid, Severity::normal, "IPReleased",
            joined(known.addresses) + ": given back, since the Service is " +
                (service->balancer->deleted ? "being deleted" : "no longer of type LoadBalancer and our class")));
    }
    known.ours = ours;
}

void Reconciler::begin(const store::ClusterState& state, std::set<kube::ObjectKey>& touched) {
    set_pools(state);
    for (const kube::ObjectKey& key : state.balanced()) {
        take(key, state.service(key));
        touched.insert(key);
    }
    // The watch has not brought them yet.
    for (const auto& [key, service] : surveyed_) {
        if (state.service(key) != nullptr) continue;
        take(key, &service);
        if (known_.contains(key)) unseen_.insert(key);
    }
    surveyed_.clear();
    held_.clear();
    begun_ = true;
}

void Reconciler::settle(std::set<kube::ObjectKey>& touched) {
    for (const ipam::Allocation& allocation : allocator_->settle()) {
        const kube::ObjectKey key = key_of(allocation.key);
        const auto found = known_.find(key);
        if (found == known_.end()) continue;
        Known& known = found->second;
        touched.insert(key);
        std::vector<std::string> addresses;
        for (const ipam::Address& address : allocation.addresses) addresses.push_back(address.to_string());
        if (known.ours) {
            if (const auto lost = missing(known.addresses, addresses); !lost.empty()) {
                events_.push_back(event_of(key, known.uid, Severity::normal, "IPReleased",
                                           joined(lost) + ": the Service has it no longer" +
                                               (allocation.problem.empty() ? "" : ": " + allocation.problem)));
            }
            if (const auto gained = missing(addresses, known.addresses); !gained.empty()) {
                events_.push_back(
                    event_of(key, known.uid, Severity::normal, "IPAllocated",
                             joined(gained) + ", with the virtual router ID " + std::to_string(allocation.router_id)));
            }
            if (!allocation.problem.empty() && allocation.problem != known.problem) {
                ++failures_[ipam::to_string(allocation.fault)];
                auto event = event_of(key, known.uid, Severity::warning, "AllocationFailed", allocation.problem);
                event.once = true;
                events_.push_back(std::move(event));
            }
        }
        known.addresses = std::move(addresses);
        known.router_id = allocation.router_id;
        known.fault = allocation.fault;
        known.problem = allocation.problem;
    }
}

void Reconciler::compare(const store::ClusterState& state, const kube::ObjectKey& key, Decisions& out) const {
    const kube::Service* service = state.service(key);
    const auto found = known_.find(key);
    if (service == nullptr || found == known_.end() || found->second.uid != service->uid)
        return out.settled.push_back(key);
    const Known& known = found->second;
    Wanted wanted;
    wanted.uid = known.uid;
    if (known.ours) {
        wanted.addresses = known.addresses;
        wanted.router_id = known.router_id;
    }
    if (differs(*service, wanted)) {
        out.write.emplace_back(key, std::move(wanted));
    } else {
        out.settled.push_back(key);
    }
}

void Reconciler::judge(const store::ClusterState& state, Decisions& out) const {
    for (const ipam::PoolStatus& status : allocator_->pools()) {
        const kube::AddressPool* pool = state.pool(status.name);
        if (pool == nullptr) continue;
        out.pools.push_back({pool, conditions_of(*pool, status), {status.total, status.assigned, status.available}});
    }
    const auto pools = state.pools();
    const auto advertisements = state.advertisements();
    for (const auto* one : advertisements)
        out.advertisements.push_back({one, conditions_of(*one, pools, advertisements, choose_nodes(one->spec, state))});
}

Decisions Reconciler::update(const store::ClusterState& state, const std::vector<store::Key>& changes) {
    Decisions out;
    if (!allocator_ || !state.synced(store::Kind::service) || !state.synced(store::Kind::address_pool)) return out;
    std::set<kube::ObjectKey> touched;
    bool pools_changed = false;
    if (!begun_) {
        begin(state, touched);
        pools_changed = true;
    } else {
        for (const store::Key& key : changes) {
            using store::Kind;
            if (key.kind == Kind::pools) set_pools(state);
            pools_changed = pools_changed || key.kind == Kind::pools || key.kind == Kind::address_pool ||
                            key.kind == Kind::advertisement;
            pools_changed = pools_changed || (key.kind == Kind::node && any_selects(state));
            if (key.kind != Kind::service) continue;
            const kube::Service* service = state.service(key.object);
            unseen_.erase(key.object);
            if (!known_.contains(key.object) && (service == nullptr || !service->balancer)) continue;
            take(key.object, service);
            touched.insert(key.object);
        }
    }
    if (const bool forgot = std::exchange(forgot_, false); touched.empty() && !pools_changed && !forgot) return out;
    settle(touched);
    for (const kube::ObjectKey& key : touched) compare(state, key, out);
    judge(state, out);
    out.events = std::exchange(events_, {});
    return out;
}

ReconcilerStats Reconciler::stats() const {
    ReconcilerStats stats;
    for (const auto& [key, known] : known_) {
        if (!known.ours) continue;
        if (!known.addresses.empty()) ++stats.assigned;
        if (known.fault != ipam::Fault::none) ++stats.failed;
    }
    stats.failures = failures_;
    if (allocator_) stats.pools = allocator_->pools();
    return stats;
}

}  // namespace steelyard::loadbalancer
