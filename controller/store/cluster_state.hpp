#pragma once
// The cluster as the controller knows it: Services, EndpointSlices by Service, the weights of annotated Pods, policies by the Services
// that they name; and what changed since somebody last asked. Pure: no I/O, no clock. Not thread-safe: one thread owns it (see Inbox for the way in).
//
// A write that leaves an object as it was (another resourceVersion, a label nobody reads) changes nothing and is not reported.
// Several changes of one object before take_changes() are reported once. Costs: a write is O(1) and, for a slice, O(log slices
// of its Service); 100,000 endpoints in slices of 20 take about 15 MB.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/config/model.hpp"
#include "controller/kube/objects.hpp"
#include "controller/store/key.hpp"

namespace steelyard::store {

// The Pod has an annotation that says something of its endpoints.
bool is_marked(const kube::Pod& pod);

class ClusterState {
public:
    struct Counts {
        size_t services = 0, slices = 0, endpoints = 0, weighted_pods = 0, policies = 0, pools = 0, advertisements = 0,
               nodes = 0;
    };

    // `crowd_limit`: from how many endpoints of one Service on Kind::crowd is reported (see endpoints_before).
    explicit ClusterState(size_t crowd_limit = config::kMaxEndpointsPerUpstream);

    // An object without a name is ignored: there is nothing to know it by.
    void upsert(kube::Service&& service);
    void upsert(kube::EndpointSlice&& slice);
    void upsert(kube::Pod&& pod);  // one that is not is_marked() is as good as removed
    // Key{Kind::policies_of, service} is among the changes for each Service that it names or named, unless only its status or
    // generation is another.
    void upsert(kube::LoadBalancingPolicy&& policy);
    // kAllPools is among the changes unless only the status or generation is another.
    void upsert(kube::AddressPool&& pool);
    void upsert(kube::VirtualIPAdvertisement&& advertisement);
    void upsert(kube::Node&& node);  // what is not its labels makes no change
    void remove(Kind kind, const kube::ObjectKey& key);

    // Between the two everything that exists is upserted; end_list() removes what was not. Removals may be told in between as
    // well. A begin without an end before it starts over.
    void begin_list(Kind kind);
    void end_list(Kind kind);
    // Every kind (service, endpoint_slice, pod, policy, address_pool, advertisement; not node, which not everybody asks for) has been
    // listed once: translating earlier would publish half a cluster.
    bool synced() const;
    bool synced(Kind kind) const;  // this one; crowd, policies_of, pools: never

    bool has_changes() const { return !changes_.empty(); }
    std::vector<Key> take_changes();  // each once, sorted

    // nullptr: there is none. Valid until the next write.
    const kube::Service* service(const kube::ObjectKey& key) const;
    const kube::EndpointSlice* slice(const kube::ObjectKey& key) const;
    const kube::LoadBalancingPolicy* policy(const kube::ObjectKey& key) const;
    const kube::AddressPool* pool(const std::string& name) const;
    const kube::VirtualIPAdvertisement* advertisement(const std::string& name) const;
    // All of them, by name.
    std::vector<const kube::AddressPool*> pools() const;
    std::vector<const kube::VirtualIPAdvertisement*> advertisements() const;
    // By name. Of use once synced(Kind::node).
    std::vector<const kube::Node*> nodes() const;
    // The Services that have a balancer (kube::LoadBalancer), by name.
    const std::set<kube::ObjectKey>& balanced() const { return balanced_; }
    // The texts of the Pod's annotations; nullopt: no such Pod or no annotation.
    std::optional<std::string_view> pod_weight(const kube::ObjectKey& key) const;
    std::optional<std::string_view> pod_priority(const kube::ObjectKey& key) const;

    // Names of the policies (of its own namespace) that name the Service, sorted, whether there is such a Service or not.
    const std::set<std::string>& policies_of(const kube::ObjectKey& service) const;
    // Names of the slices that carry the Service's label, sorted; empty for one without (or unknown).
    const std::set<std::string>& slices_of(const kube::ObjectKey& service) const;
    // How many endpoints the Service's slices that sort before `slice` hold, each counted to at most kMaxEndpointsPerSlice.
    // 0, without looking, while the Service has no more than the crowd limit in all. Whenever that might change, and at every
    // change of a slice above the limit, Key{Kind::crowd, service} is among the changes.
    size_t endpoints_before(const kube::ObjectKey& service, std::string_view slice) const;

    size_t crowd_limit() const { return crowd_limit_; }
    Counts counts() const;

private:
    template <class T>
    struct Row {
        T value;
        uint32_t seen = 0;  // the list (by number) that last contained it
    };
    template <class T>
    struct Table {
        std::unordered_map<kube::ObjectKey, Row<T>, ObjectKeyHash> rows;
        uint32_t list = 0;     // number of the current list
        bool listing = false;  // between begin_list and end_list
        bool synced = false;
    };
    struct Marks {  // the annotations of one Pod, as they are written
        std::optional<kube::SharedString> weight;
        std::optional<kube::SharedString> priority;

        friend bool operator==(const Marks&, const Marks&) = default;
    };
    struct Group {  // the slices of one Service
        std::set<std::string> slices;
        size_t endpoints = 0;
    };

    template <class F>
    void with_table(Kind kind, F&& use);
    template <class T>
    void upsert_pool(Kind kind, Table<T>& table, T&& object);
    template <class T>
    void sweep(Kind kind, Table<T>& table);
    void regroup(const kube::EndpointSlice& slice, bool add);
    void retarget(const kube::LoadBalancingPolicy& policy, bool add);
    template <class T>
    void forget(T& value);
    void note(Kind kind, const kube::ObjectKey& key) { changes_.insert(Key{kind, key}); }

    const size_t crowd_limit_;
    Table<kube::Service> services_;
    Table<kube::EndpointSlice> slices_;
    Table<Marks> marks_;
    Table<kube::LoadBalancingPolicy> policies_;
    Table<kube::AddressPool> pools_;
    Table<kube::VirtualIPAdvertisement> advertisements_;
    Table<kube::Node> nodes_;
    std::set<kube::ObjectKey> balanced_;
    std::unordered_map<kube::ObjectKey, std::set<std::string>, ObjectKeyHash> targets_;  // Service -> policies
    std::unordered_map<kube::ObjectKey, Group, ObjectKeyHash> groups_;
    size_t endpoints_ = 0;
    std::unordered_set<Key, KeyHash> changes_;
};

}  // namespace steelyard::store
