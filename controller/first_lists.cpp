#include "controller/first_lists.hpp"

#include <algorithm>
#include <string>

#include "controller/kube/kube_source.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard {
namespace {

constexpr size_t kPods = 2;  // in KubeSource::stats()
constexpr size_t kPolicies = 3;
constexpr size_t kPools = 4;
constexpr size_t kAdvertisements = 5;
constexpr size_t kNodes = 6;  // if they are watched
// How long Pods, policies and pools may take to be listed before Services are pushed without their weights and what they set; a refusal
// is not waited for, nor a cluster without the CustomResourceDefinition.
constexpr Milliseconds kPatience{5'000};
// And Nodes, if a VirtualIPAdvertisement selects some: without them nobody would hold its addresses. Only a lack of rights is not
// waited for.
constexpr Milliseconds kPatienceForNodes{30'000};

}  // namespace

bool FirstLists::enough(const store::ClusterState& state) const {
    if (!enough_nodes(state)) return false;
    if (state.synced()) return true;
    if (source_ == nullptr || !state.synced(store::Kind::service) || !state.synced(store::Kind::endpoint_slice))
        return false;
    if (waited(kPatience)) return true;
    const auto kinds = source_->stats();
    const auto settled = [&](store::Kind kind, size_t index) {
        return state.synced(kind) || !kinds[index].last_error.empty();
    };
    return settled(store::Kind::pod, kPods) && settled(store::Kind::policy, kPolicies) &&
           settled(store::Kind::address_pool, kPools) && settled(store::Kind::advertisement, kAdvertisements);
}

bool FirstLists::enough_nodes(const store::ClusterState& state) const {
    if (source_ == nullptr || state.synced(store::Kind::node)) return true;
    const auto kinds = source_->stats();
    if (kinds.size() <= kNodes) return true;
    const auto advertisements = state.advertisements();
    const bool selected = std::any_of(advertisements.begin(), advertisements.end(),
                                      [](const auto* one) { return !one->spec.node_selector.empty(); });
    const kube::KindStats& nodes = kinds[kNodes];
    if (!selected) return !nodes.last_error.empty() || waited(kPatience);
    return nodes.errors.contains(std::string(to_string(kube::ApiErrorKind::forbidden))) || waited(kPatienceForNodes);
}

}  // namespace steelyard
