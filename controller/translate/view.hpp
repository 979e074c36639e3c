#pragma once
// The cluster state as one unit of translation sees it: what it asks for is noted, also when there is no such thing, so that the
// unit runs again when that changes. Notes are 64-bit hashes of keys: a collision costs a needless run, never a missed one.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "controller/store/cluster_state.hpp"
#include "controller/translate/announcements.hpp"

namespace steelyard::translate {

using ReadHash = uint64_t;

inline ReadHash read_hash(store::Kind kind, const kube::ObjectKey& key) {
    return static_cast<ReadHash>(store::KeyHash{}(kind, key));
}

class View {
public:
    View(const store::ClusterState& state, const Announcements& announcements)
        : state_(state), announcements_(announcements) {}

    const kube::Service* service(const kube::ObjectKey& key) {
        note(store::Kind::service, key);
        return state_.service(key);
    }
    const kube::EndpointSlice* slice(const kube::ObjectKey& key) {
        note(store::Kind::endpoint_slice, key);
        return state_.slice(key);
    }
    std::optional<std::string_view> pod_weight(const kube::ObjectKey& key) {
        note(store::Kind::pod, key);
        return state_.pod_weight(key);
    }
    std::optional<std::string_view> pod_priority(const kube::ObjectKey& key) {
        note(store::Kind::pod, key);
        return state_.pod_priority(key);
    }
    const kube::LoadBalancingPolicy* policy(const kube::ObjectKey& key) {
        note(store::Kind::policy, key);
        return state_.policy(key);
    }
    // Those that name the Service, by name.
    std::vector<const kube::LoadBalancingPolicy*> policies_of(const kube::ObjectKey& service) {
        note(store::Kind::policies_of, service);
        std::vector<const kube::LoadBalancingPolicy*> policies;
        for (const std::string& name : state_.policies_of(service))
            policies.push_back(state_.policy({service.ns, name}));
        return policies;
    }
    const Announcement& announcement_of(const ipam::Address& address) {
        note(store::kAllPools.kind, store::kAllPools.object);
        return announcements_.of(address);
    }
    // How many endpoints an upstream of the Service has room for, from this slice on.
    size_t room_for(const kube::ObjectKey& service, std::string_view slice) {
        note(store::Kind::crowd, service);
        const size_t before = state_.endpoints_before(service, slice);
        return state_.crowd_limit() - std::min(state_.crowd_limit(), before);
    }

    // Sorted, each once.
    std::vector<ReadHash> take_reads() {
        std::sort(reads_.begin(), reads_.end());
        reads_.erase(std::unique(reads_.begin(), reads_.end()), reads_.end());
        reads_.shrink_to_fit();
        return std::move(reads_);
    }

private:
    void note(store::Kind kind, const kube::ObjectKey& key) { reads_.push_back(read_hash(kind, key)); }

    const store::ClusterState& state_;
    const Announcements& announcements_;
    std::vector<ReadHash> reads_;
};

}  // namespace steelyard::translate
