#include "controller/store/cluster_state.hpp"

#include <algorithm>
#include <utility>

namespace steelyard::store {
namespace {

size_t counted(const kube::EndpointSlice& slice) {
    return std::min(slice.endpoints.size(), config::kMaxEndpointsPerSlice);
}

// What nobody reads must not make a change, and growth reserves of vectors add up over 100,000 endpoints.
void tidy(kube::Service& service) { service.meta.resource_version = {}; }
void tidy(kube::EndpointSlice& slice) {
    slice.meta.resource_version = {};
    slice.meta.annotations.clear();
    slice.endpoints.shrink_to_fit();
    slice.ports.shrink_to_fit();
}

void tidy(kube::LoadBalancingPolicy& policy) {
    policy.meta.resource_version = {};
    policy.meta.annotations.clear();
}

template <class T>
void tidy_cluster_scoped(T& object) {
    object.meta.resource_version = {};
    object.meta.annotations.clear();
}

// Whether both mean the same to Services, whatever their status.
template <class T>
bool same_pool(const T& a, const T& b) {
    return a.spec == b.spec && a.judged.created == b.judged.created && a.problems.empty() == b.problems.empty();
}

template <class T, class Table>
std::vector<const T*> sorted(const Table& table) {
    std::vector<const T*> all;
    all.reserve(table.rows.size());
    for (const auto& [key, row] : table.rows) all.push_back(&row.value);
    std::sort(all.begin(), all.end(), [](const T* a, const T* b) { return a->meta.name < b->meta.name; });
    return all;
}

// Whether both mean the same to the Services that they name.
bool same_effect(const kube::LoadBalancingPolicy& a, const kube::LoadBalancingPolicy& b) {
    return a.spec == b.spec && a.created == b.created && a.problems.empty() == b.problems.empty();
}

}  // namespace

bool is_marked(const kube::Pod& pod) {
    return pod.meta.annotations.contains(kube::kWeightAnnotation) ||
           pod.meta.annotations.contains(kube::kPriorityAnnotation);
}

ClusterState::ClusterState(size_t crowd_limit) : crowd_limit_(crowd_limit) {}

template <class F>
void ClusterState::with_table(Kind kind, F&& use) {
    switch (kind) {
        case Kind::service:
            return use(services_);
        case Kind::endpoint_slice:
            return use(slices_);
        case Kind::pod:
            return use(marks_);
        case Kind::policy:
            return use(policies_);
        case Kind::address_pool:
            return use(pools_);
        case Kind::advertisement:
            return use(advertisements_);
        case Kind::node:
            return use(nodes_);
        case Kind::crowd:
        case Kind::policies_of:
        case Kind::pools:
            return;
    }
}

// Takes the object out of what is indexed by others' names.
template <class T>
void ClusterState::forget(T& value) {
    if constexpr (std::is_same_v<T, kube::EndpointSlice>) regroup(value, false);
    if constexpr (std::is_same_v<T, kube::LoadBalancingPolicy>) retarget(value, false);
    if constexpr (std::is_same_v<T, kube::Service>) balanced_.erase(value.meta.key());
    if constexpr (std::is_same_v<T, kube::AddressPool> || std::is_same_v<T, kube::VirtualIPAdvertisement>)
        changes_.insert(kAllPools);
}

void ClusterState::upsert(kube::Service&& service) {
    if (service.meta.name.empty()) return;
    tidy(service);
    const kube::ObjectKey key = service.meta.key();
    auto [row, is_new] = services_.rows.try_emplace(key);
    row->second.seen = services_.list;
    if (!is_new && row->second.value == service) return;
    if (service.balancer) {
        balanced_.insert(key);
    } else {
        balanced_.erase(key);
    }
    row->second.value = std::move(service);
    note(Kind::service, key);
}

void ClusterState::upsert(kube::EndpointSlice&& slice) {
    if (slice.meta.name.empty()) return;
    tidy(slice);
    const kube::ObjectKey key = slice.meta.key();
    auto [row, is_new] = slices_.rows.try_emplace(key);
    row->second.seen = slices_.list;
    kube::EndpointSlice& mine = row->second.value;
    if (!is_new && mine == slice) return;
    if (!is_new) regroup(mine, false);
    mine = std::move(slice);
    regroup(mine, true);
    note(Kind::endpoint_slice, key);
}

void ClusterState::upsert(kube::Pod&& pod) {
    const kube::ObjectKey key = pod.meta.key();
    if (!is_marked(pod)) return remove(Kind::pod, key);
    const auto text = [&](std::string_view name) -> std::optional<kube::SharedString> {
        const auto annotation = pod.meta.annotations.find(name);
        if (annotation == pod.meta.annotations.end()) return std::nullopt;
        return annotation->second;
    };
    Marks marks{text(kube::kWeightAnnotation), text(kube::kPriorityAnnotation)};
    auto [row, is_new] = marks_.rows.try_emplace(key);
    row->second.seen = marks_.list;
    if (!is_new && row->second.value == marks) return;
    row->second.value = std::move(marks);
    note(Kind::pod, key);
}

void ClusterState::upsert(kube::LoadBalancingPolicy&& policy) {
    if (policy.meta.name.empty()) return;
    tidy(policy);
    const kube::ObjectKey key = policy.meta.key();
    auto [row, is_new] = policies_.rows.try_emplace(key);
    row->second.seen = policies_.list;
    kube::LoadBalancingPolicy& mine = row->second.value;
    if (!is_new && mine == policy) return;
    const bool retargeted = is_new || !same_effect(mine, policy);
    if (!is_new && retargeted) retarget(mine, false);
    mine = std::move(policy);
    if (retargeted) retarget(mine, true);
    note(Kind::policy, key);
}

template <class T>
void ClusterState::upsert_pool(Kind kind, Table<T>& table, T&& object) {
    if (object.meta.name.empty()) return;
    tidy_cluster_scoped(object);
    const kube::ObjectKey key = object.meta.key();
    auto [row, is_new] = table.rows.try_emplace(key);
    row->second.seen = table.list;
    T& mine = row->second.value;
    if (!is_new && mine == object) return;
    if (is_new || !same_pool(mine, object)) changes_.insert(kAllPools);
    mine = std::move(object);
    note(kind, key);
}

void ClusterState::upsert(kube::AddressPool&& pool) { upsert_pool(Kind::address_pool, pools_, std::move(pool)); }
void ClusterState::upsert(kube::VirtualIPAdvertisement&& advertisement) {
    upsert_pool(Kind::advertisement, advertisements_, std::move(advertisement));
}

void ClusterState::upsert(kube::Node&& node) {
    if (node.meta.name.empty()) return;
    tidy_cluster_scoped(node);
    node.problems = {};
    const kube::ObjectKey key = node.meta.key();
    auto [row, is_new] = nodes_.rows.try_emplace(key);
    row->second.seen = nodes_.list;
    if (!is_new && row->second.value == node) return;
    row->second.value = std::move(node);
    note(Kind::node, key);
}

void ClusterState::remove(Kind kind, const kube::ObjectKey& key) {
    with_table(kind, [&](auto& table) {
        const auto row = table.rows.find(key);
        if (row == table.rows.end()) return;
        forget(row->second.value);
        note(kind, key);
        table.rows.erase(row);
    });
}

void ClusterState::begin_list(Kind kind) {
    with_table(kind, [](auto& table) {
        ++table.list;
        table.listing = true;
    });
}

template <class T>
void ClusterState::sweep(Kind kind, Table<T>& table) {
    for (auto row = table.rows.begin(); row != table.rows.end();) {
        if (row->second.seen == table.list) {
            ++row;
            continue;
        }
        forget(row->second.value);
        note(kind, row->first);
        row = table.rows.erase(row);
    }
}

void ClusterState::end_list(Kind kind) {
    with_table(kind, [&](auto& table) {
        if (!std::exchange(table.listing, false)) return;
        sweep(kind, table);
        // Without a single one there is no other sign of it.
        if (kind == Kind::node && !table.synced) changes_.insert(kAllPools);
        table.synced = true;
    });
}

bool ClusterState::synced(Kind kind) const {
    switch (kind) {
        case Kind::service:
            return services_.synced;
        case Kind::endpoint_slice:
            return slices_.synced;
        case Kind::pod:
            return marks_.synced;
        case Kind::policy:
            return policies_.synced;
        case Kind::address_pool:
            return pools_.synced;
        case Kind::advertisement:
            return advertisements_.synced;
        case Kind::node:
            return nodes_.synced;
        case Kind::crowd:
        case Kind::policies_of:
        case Kind::pools:
            break;
    }
    return false;
}

bool ClusterState::synced() const {
    return services_.synced && slices_.synced && marks_.synced && policies_.synced && pools_.synced &&
           advertisements_.synced;
}

std::vector<Key> ClusterState::take_changes() {
    std::vector<Key> keys;
    keys.reserve(changes_.size());
    while (!changes_.empty()) keys.push_back(std::move(changes_.extract(changes_.begin()).value()));
    changes_ = {};  // gives the buckets of a first list back
    std::sort(keys.begin(), keys.end());
    return keys;
}

// Keeps the index of slices by Service, and tells when it is above the crowd limit or was until now.
void ClusterState::regroup(const kube::EndpointSlice& slice, bool add) {
    const size_t size = counted(slice);
    endpoints_ += add ? slice.endpoints.size() : 0 - slice.endpoints.size();
    if (slice.service_name.empty()) return;
    const kube::ObjectKey service{slice.meta.ns, slice.service_name};
    Group& group = groups_[service];
    const size_t before = group.endpoints;
    if (add) {
        group.slices.insert(slice.meta.name);
        group.endpoints += size;
    } else {
        group.slices.erase(slice.meta.name);
        group.endpoints -= size;
    }
    if (std::max(before, group.endpoints) > crowd_limit_) note(Kind::crowd, service);
    if (group.slices.empty()) groups_.erase(service);
}

void ClusterState::retarget(const kube::LoadBalancingPolicy& policy, bool add) {
    for (const policy::Target& target : policy.spec.targets) {
        const kube::ObjectKey service{policy.meta.ns, target.service};
        if (add) {
            targets_[service].insert(policy.meta.name);
        } else if (const auto found = targets_.find(service); found != targets_.end()) {
            found->second.erase(policy.meta.name);
            if (found->second.empty()) targets_.erase(found);
        }
        note(Kind::policies_of, service);
    }
}

const kube::Service* ClusterState::service(const kube::ObjectKey& key) const {
    const auto row = services_.rows.find(key);
    return row == services_.rows.end() ? nullptr : &row->second.value;
}

const kube::EndpointSlice* ClusterState::slice(const kube::ObjectKey& key) const {
    const auto row = slices_.rows.find(key);
    return row == slices_.rows.end() ? nullptr : &row->second.value;
}

const kube::LoadBalancingPolicy* ClusterState::policy(const kube::ObjectKey& key) const {
    const auto row = policies_.rows.find(key);
    return row == policies_.rows.end() ? nullptr : &row->second.value;
}

const kube::AddressPool* ClusterState::pool(const std::string& name) const {
    const auto row = pools_.rows.find({{}, name});
    return row == pools_.rows.end() ? nullptr : &row->second.value;
}

const kube::VirtualIPAdvertisement* ClusterState::advertisement(const std::string& name) const {
    const auto row = advertisements_.rows.find({{}, name});
    return row == advertisements_.rows.end() ? nullptr : &row->second.value;
}

std::vector<const kube::AddressPool*> ClusterState::pools() const { return sorted<kube::AddressPool>(pools_); }
std::vector<const kube::VirtualIPAdvertisement*> ClusterState::advertisements() const {
    return sorted<kube::VirtualIPAdvertisement>(advertisements_);
}
std::vector<const kube::Node*> ClusterState::nodes() const { return sorted<kube::Node>(nodes_); }

const std::set<std::string>& ClusterState::policies_of(const kube::ObjectKey& service) const {
    static const std::set<std::string> kNone;
    const auto found = targets_.find(service);
    return found == targets_.end() ? kNone : found->second;
}

std::optional<std::string_view> ClusterState::pod_weight(const kube::ObjectKey& key) const {
    const auto row = marks_.rows.find(key);
    if (row == marks_.rows.end() || !row->second.value.weight) return std::nullopt;
    return row->second.value.weight->view();
}

std::optional<std::string_view> ClusterState::pod_priority(const kube::ObjectKey& key) const {
    const auto row = marks_.rows.find(key);
    if (row == marks_.rows.end() || !row->second.value.priority) return std::nullopt;
    return row->second.value.priority->view();
}

const std::set<std::string>& ClusterState::slices_of(const kube::ObjectKey& service) const {
    static const std::set<std::string> kNone;
    const auto group = groups_.find(service);
    return group == groups_.end() ? kNone : group->second.slices;
}

size_t ClusterState::endpoints_before(const kube::ObjectKey& service, std::string_view slice) const {
    const auto group = groups_.find(service);
    if (group == groups_.end() || group->second.endpoints <= crowd_limit_) return 0;
    size_t count = 0;
    for (const std::string& name : group->second.slices) {
        if (name >= slice) break;
        count += counted(slices_.rows.at({service.ns, name}).value);
    }
    return count;
}

ClusterState::Counts ClusterState::counts() const {
    return {services_.rows.size(),       slices_.rows.size(),   endpoints_,
            marks_.rows.size(),          policies_.rows.size(), pools_.rows.size(),
            advertisements_.rows.size(), nodes_.rows.size()};
}

}  // namespace steelyard::store
