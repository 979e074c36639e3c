#pragma once
// The Kubernetes objects the controller works from, reduced to what translation needs. Plain values, compact: 100,000
// endpoints take about 15 MB. Field values are as the API gives them (weights as text, ports as any integer): judging
// them is the translation's. A field of the wrong JSON type is left at its default and named in `problems`; the object
// is delivered all the same. Sources: Kubernetes API reference v1.35, core/v1 Service and Pod, discovery.k8s.io/v1
// EndpointSlice.
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/result.hpp"
#include "controller/kube/boxed.hpp"
#include "controller/kube/shared_string.hpp"
#include "controller/loadbalancer/spec.hpp"
#include "controller/policy/spec.hpp"

namespace steelyard::kube {

// Only annotations with this prefix are kept.
inline constexpr std::string_view kAnnotationPrefix = "steelyard.dev/";
inline constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";
inline constexpr std::string_view kWeightAnnotation = "steelyard.dev/weight";
inline constexpr std::string_view kPriorityAnnotation = "steelyard.dev/priority";
// Of Services of type LoadBalancer: what the one who writes their status writes besides.
inline constexpr std::string_view kVipFinalizer = "steelyard.dev/vip";
inline constexpr std::string_view kVipClass = "steelyard.dev/vip";  // spec.loadBalancerClass
inline constexpr std::string_view kRouterIdAnnotation = "steelyard.dev/virtual-router-id";

struct ObjectKey {
    std::string ns;
    std::string name;

    std::string to_string() const { return ns.empty() ? name : ns + "/" + name; }
    friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

struct ObjectMeta {
    std::string ns;
    std::string name;
    std::string resource_version;
    std::map<std::string, std::string, std::less<>> annotations;  // those with kAnnotationPrefix

    ObjectKey key() const { return {ns, name}; }
    friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

// Wrong types met while reading the object: `where` is the field's path ("spec.ports[2].port"). Bounded by
// kMaxProblems.
using Problems = std::vector<Error>;
inline constexpr size_t kMaxProblems = 16;

struct ServicePort {
    std::string name;  // empty: unnamed (a Service of one port)
    int64_t port = 0;
    std::variant<std::monostate, int64_t, std::string> target_port;  // absent, a number, or a container port's name
    std::string protocol = "TCP";
    std::string app_protocol;

    friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

// An entry of status.loadBalancer.ingress.
struct Ingress {
    std::string ip;
    std::string hostname;
    std::string ip_mode;  // "Proxy", "VIP" (what an absent one means)

    friend bool operator==(const Ingress&, const Ingress&) = default;
};

// What only a Service of type LoadBalancer has, and one that still carries kVipFinalizer: its addresses are to be given back.
struct LoadBalancer {
    std::string created;                                     // creationTimestamp (RFC 3339, UTC)
    bool deleted = false;                                    // deletionTimestamp is set: its finalizers are waited for
    std::vector<std::string> finalizers;                     // all of them
    std::map<std::string, std::string, std::less<>> labels;  // all of them
    std::string load_balancer_class;                         // empty: none
    std::string load_balancer_ip;
    std::vector<std::string> source_ranges;  // spec.loadBalancerSourceRanges
    std::string external_traffic_policy = "Cluster";
    std::vector<std::string> ip_families;          // "IPv4", "IPv6"
    std::string ip_family_policy = "SingleStack";  // SingleStack, PreferDualStack, RequireDualStack
    std::vector<Ingress> ingress;                  // of the status

    bool has_finalizer() const {
        return std::find(finalizers.begin(), finalizers.end(), kVipFinalizer) != finalizers.end();
    }
    friend bool operator==(const LoadBalancer&, const LoadBalancer&) = default;
};

struct Service {
    ObjectMeta meta;
    std::string uid;                       // which of those that had this name: Events need it
    std::string type = "ClusterIP";        // ClusterIP, NodePort, LoadBalancer, ExternalName
    std::string cluster_ip;                // "None": headless
    std::vector<std::string> cluster_ips;  // one a family; the first is cluster_ip. Empty in what people write by hand
    std::string external_name;
    std::vector<ServicePort> ports;
    std::string session_affinity = "None";                    // None, ClientIP
    std::optional<int64_t> session_affinity_timeout_seconds;  // sessionAffinityConfig.clientIP.timeoutSeconds
    std::string traffic_distribution;                         // PreferSameZone, PreferClose (the same), PreferSameNode
    Boxed<LoadBalancer> balancer;
    Problems problems;

    friend bool operator==(const Service&, const Service&) = default;
};

struct SlicePort {
    std::string name;
    std::optional<int64_t> port;  // absent: all ports, in a slice nobody can route to
    std::string protocol = "TCP";
    std::string app_protocol;

    friend bool operator==(const SlicePort&, const SlicePort&) = default;
};

// Conditions are as the API gives them. Its reading of absence: ready absent = true; serving absent = ready;
// terminating absent = false.
struct SliceEndpoint {
    std::string address;  // addresses[0]; the API defines no meaning for further ones. Empty: there was none.
    std::optional<bool> ready;
    std::optional<bool> serving;
    std::optional<bool> terminating;
    SharedString zone;
    SharedString node_name;
    SharedString pod_ns;   // of targetRef when its kind is Pod; a targetRef without a namespace has the slice's
    std::string pod_name;  // empty: not a Pod

    friend bool operator==(const SliceEndpoint&, const SliceEndpoint&) = default;
};

struct EndpointSlice {
    ObjectMeta meta;
    std::string service_name;  // the label kServiceNameLabel; empty: belongs to no Service
    std::string address_type;  // IPv4, IPv6, FQDN
    std::vector<SlicePort> ports;
    std::vector<SliceEndpoint> endpoints;
    Problems problems;

    friend bool operator==(const EndpointSlice&, const EndpointSlice&) = default;
};

// From PartialObjectMetadata: a Pod's spec and status are never fetched. A Pod without annotations of ours carries
// none.
struct Pod {
    ObjectMeta meta;
    Problems problems;

    friend bool operator==(const Pod&, const Pod&) = default;
};

// From PartialObjectMetadata, too; cluster-scoped: meta.ns is empty.
struct Node {
    ObjectMeta meta;
    std::map<std::string, std::string, std::less<>> labels;
    Problems problems;

    friend bool operator==(const Node&, const Node&) = default;
};

// meta/v1 Condition.
struct Condition {
    std::string type;
    bool status = false;
    std::string reason;
    std::string message;
    int64_t observed_generation = 0;
    std::string last_transition_time = {};  // RFC 3339

    friend bool operator==(const Condition&, const Condition&) = default;
};

// steelyard.dev/v1alpha1. The spec is judged when the object is read: with `problems` it is not to be used.
struct LoadBalancingPolicy {
    ObjectMeta meta;
    std::string uid;
    int64_t generation = 0;
    std::string
        created;  // creationTimestamp (RFC 3339, UTC: the order of the texts is that of the times); empty in files
    policy::Spec spec;
    std::vector<std::string> ignored;   // paths of fields that are not known here
    std::vector<Condition> conditions;  // the status as it was last seen
    Problems problems;

    friend bool operator==(const LoadBalancingPolicy&, const LoadBalancingPolicy&) = default;
};

// What meta/v1 has of an object that is cluster-scoped, and what was made of it. The spec is judged when the object is read: with
// `problems` it is not to be used.
struct Judged {
    std::string uid;
    int64_t generation = 0;
    std::string created;                // creationTimestamp; empty in files
    std::vector<std::string> ignored;   // paths of fields that are not known here
    std::vector<Condition> conditions;  // the status as it was last seen

    friend bool operator==(const Judged&, const Judged&) = default;
};

// How many addresses a pool has. No more than the largest int64_t.
struct PoolCounts {
    int64_t total = 0;
    int64_t assigned = 0;
    int64_t available = 0;

    friend bool operator==(const PoolCounts&, const PoolCounts&) = default;
};

// steelyard.dev/v1alpha1, cluster-scoped: meta.ns is empty.
struct AddressPool {
    ObjectMeta meta;
    Judged judged;
    loadbalancer::PoolSpec spec;
    std::optional<PoolCounts> counts;  // as the status has them
    Problems problems;

    friend bool operator==(const AddressPool&, const AddressPool&) = default;
};

// The same.
struct VirtualIPAdvertisement {
    ObjectMeta meta;
    Judged judged;
    loadbalancer::AdvertisementSpec spec;
    Problems problems;

    friend bool operator==(const VirtualIPAdvertisement&, const VirtualIPAdvertisement&) = default;
};

}  // namespace steelyard::kube
