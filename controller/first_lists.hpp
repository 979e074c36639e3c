#pragma once
// Is enough of the cluster known to push? Proxies would drop what the other half of a cluster still has. What is merely nice to have is
// waited for a while, as long as it may come. One thread.
#include "common/clock.hpp"
#include "controller/store/cluster_state.hpp"

namespace steelyard::kube {
class KubeSource;
}

namespace steelyard {

class FirstLists {
public:
    // Without: all kinds are listed, and at once. `source` outlives this.
    void follow(const kube::KubeSource& source) { source_ = &source; }

    bool enough(const store::ClusterState& state) const;

private:
    bool enough_nodes(const store::ClusterState& state) const;
    bool waited(Milliseconds time) const { return Clock::now() - begun_ > time; }

    const kube::KubeSource* source_ = nullptr;
    const TimePoint begun_ = Clock::now();
};

}  // namespace steelyard
