#pragma once
// Cluster state to resources, incrementally (docs/adr/0003-translation-by-recorded-reads.md). Pure: no I/O, no clock; the same
// state gives the same resources, whatever the order of the changes that led there. One thread.
//
// A unit of work is one Service (-> an upstream a port; its listeners and virtual IP, if it has one), one EndpointSlice (-> an
// endpoints resource for each port of its Service) or one LoadBalancingPolicy (-> its status). While a unit is computed, every key it looks at is noted; a changed key makes exactly the units run again that
// looked at it. Of the last output only names and hashes are kept: 100,000 endpoints in slices of 20 cost about 10 MB here.
//
// Slices are independent: an endpoint that two slices name is in both resources. Who uses them counts an (address, port) once,
// with ready before draining, then the first slice by name.
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "controller/kube/objects.hpp"
#include "controller/store/cluster_state.hpp"

namespace steelyard::translate {

struct Options {
    // Backends on loopback and link-local addresses: for --manifests, where processes of this machine are balanced. In a
    // cluster they would lead each proxy to itself or to its node.
    bool allow_loopback = false;
    // Endpoints of Services of externalTrafficPolicy Local see the client's address as that of the connection: the edges have to be
    // prepared for it (docs/ha.md).
    bool edge_transparent = false;
    bool leases = true;  // nodes may agree by Leases: there is an API server that keeps them
};

// What could not be translated as it stands, and what is in force instead. `reason` is fit for a Kubernetes condition.
struct Problem {
    std::string reason;   // CamelCase: "UnsupportedProtocol", "InvalidAnnotation"
    std::string message;  // "EndpointSlice shop/web-1: endpoints[3].addresses[0]: 'x' is not an IPv4 address; left out"

    friend auto operator<=>(const Problem&, const Problem&) = default;
};

struct ServiceProblems {
    kube::ObjectKey service;
    std::vector<Problem> problems;  // all that there are now, the Service's own first; empty: they are gone

    friend bool operator==(const ServiceProblems&, const ServiceProblems&) = default;
};

// Types of conditions of a policy, and reasons of kAccepted.
inline constexpr const char* kAccepted = "Accepted";
inline constexpr const char* kConflicted = "Conflicted";
inline constexpr const char* kTargetNotFound = "TargetNotFound";
inline constexpr const char* kInvalid = "Invalid";

struct PolicyStatus {
    kube::ObjectKey policy;
    std::vector<kube::Condition> conditions;  // kAccepted, kConflicted; without times. Empty: the policy is gone.

    const kube::Condition* accepted() const { return conditions.empty() ? nullptr : &conditions.front(); }
    friend bool operator==(const PolicyStatus&, const PolicyStatus&) = default;
};

struct Update {
    std::vector<config::Resource> upsert;     // new or different; upstreams before endpoints, by object
    std::vector<config::ResourceKey> remove;  // sorted; endpoints and listeners before the upstreams they belong to
    std::vector<ServiceProblems> services;    // Services whose problems are not what they were, sorted
    std::vector<PolicyStatus> policies;       // of those whose status is not what it was, sorted
    size_t computed = 0;                      // units that ran

    bool empty() const { return upsert.empty() && remove.empty() && services.empty() && policies.empty(); }
};

class Translator {
public:
    explicit Translator(Options options = {});
    ~Translator();
    Translator(const Translator&) = delete;
    Translator& operator=(const Translator&) = delete;

    // `changed` is what ClusterState::take_changes() gave; the first call must get all there is (it does, if nobody took
    // changes before). The update leads from the resources of the last call to those of `state`.
    Update update(const store::ClusterState& state, std::span<const store::Key> changed);

    // All problems that there are now, by Service. For the admin page.
    std::vector<ServiceProblems> problems() const;
    // Of all policies, sorted, as of the last update.
    std::vector<PolicyStatus> policies() const;
    const PolicyStatus* policy(const kube::ObjectKey& key) const;  // nullptr: there is none
    // Problems of Services, and policies that are not accepted.
    size_t problem_count() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::translate
