#pragma once
// Decides, while we lead, what each Service of type LoadBalancer is to have and what the status of pools says: feeds the allocator
// (controller/ipam) with what changed, and compares what it says with what is there. Pure: no I/O. One thread.
//
// An address is given to somebody else only once nothing of ours is left on the Service that had it, as the cluster state shows it.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/events/event.hpp"
#include "controller/ipam/allocator.hpp"
#include "controller/loadbalancer/plan.hpp"
#include "controller/loadbalancer/request.hpp"
#include "controller/store/cluster_state.hpp"

namespace steelyard::loadbalancer {

struct PoolVerdict {
    const kube::AddressPool* pool = nullptr;  // of the cluster state
    std::vector<kube::Condition> conditions;
    kube::PoolCounts counts;
};
struct AdvertisementVerdict {
    const kube::VirtualIPAdvertisement* advertisement = nullptr;  // of the cluster state
    std::vector<kube::Condition> conditions;
};

struct Decisions {
    std::vector<std::pair<kube::ObjectKey, Wanted>> write;
    std::vector<kube::ObjectKey> settled;  // nothing is to be written of them (any more)
    std::vector<PoolVerdict> pools;        // all of them, if any may have changed
    std::vector<AdvertisementVerdict> advertisements;
    std::vector<events::EventSpec> events;
};

struct ReconcilerStats {
    size_t assigned = 0;                       // Services of ours that have addresses
    size_t failed = 0;                         // that have not what they ask for
    std::map<std::string, uint64_t> failures;  // times that was decided, by reason
    std::vector<ipam::PoolStatus> pools;
};

class Reconciler {
public:
    explicit Reconciler(bool default_class) : default_class_(default_class) {}

    // Begins: with all Services as the API server had them after we began to lead, which the cluster state may be behind of.
    void lead(std::vector<kube::Service> services);
    void follow();  // we lead no longer: forgets everything
    bool leads() const { return allocator_ != nullptr; }
    // There are Services that lead() was told of and the cluster state has never shown: deleted meanwhile, or still to come. They keep
    // their addresses from others until that is known.
    bool unsure() const { return !unseen_.empty(); }
    // All Services as the API server had them later: what of these is not among them is gone. Takes effect with the next update().
    void surveyed_again(const std::vector<kube::Service>& services);

    // The first after lead() looks at everything, the others at `changes`. Nothing while we do not lead.
    Decisions update(const store::ClusterState& state, const std::vector<store::Key>& changes);

    ReconcilerStats stats() const;

private:
    struct Known {
        std::string uid;
        bool ours = false;                   // as it was last seen
        std::vector<std::string> addresses;  // given, whether written yet or not
        uint8_t router_id = 0;
        ipam::Fault fault = ipam::Fault::none;
        std::string problem;
    };

    void set_pools(const store::ClusterState& state);
    void take(const kube::ObjectKey& key, const kube::Service* service);
    void drop(const kube::ObjectKey& key);
    void begin(const store::ClusterState& state, std::set<kube::ObjectKey>& touched);
    void settle(std::set<kube::ObjectKey>& touched);
    void compare(const store::ClusterState& state, const kube::ObjectKey& key, Decisions& out) const;
    void judge(const store::ClusterState& state, Decisions& out) const;

    const bool default_class_;
    std::unique_ptr<ipam::Allocator> allocator_;
    bool begun_ = false;
    std::map<kube::ObjectKey, kube::Service> surveyed_;  // until they are taken into account
    std::set<kube::ObjectKey> unseen_;
    bool forgot_ = false;  // some of them, since the last update
    std::map<kube::ObjectKey, Held> held_;
    std::map<kube::ObjectKey, Known> known_;
    std::map<std::string, uint64_t> failures_;
    std::vector<events::EventSpec> events_;  // of the update under way
};

}  // namespace steelyard::loadbalancer
