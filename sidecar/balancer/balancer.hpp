#pragma once
// Picks a host for a request. What is the same for every worker (weights, alias table, ring) is built once into a Plan; each
// worker has its own Balancer over it, so that picking needs no lock and shares nothing but the hosts' `active` counters.
//
// Promises, of all algorithms: pick() allocates nothing, throws nothing, never returns a host of weight 0 or one that `usable`
// refuses, and returns kNoHost only when there is no other. What each algorithm promises beyond that stands in its header and
// in docs/adr/0004-balancers.md. No clock, no globals, no I/O.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace steelyard::config {
struct Policy;
}

namespace steelyard::balancer {

class ResponseAverage;

constexpr uint32_t kNoHost = UINT32_MAX;

// One host as make_plan takes it. `id` is its stable identity ("10.0.0.1:80"), the same in every proxy and every version: ring
// and table are made of it. Weights above config::kMaxWeight count as that. `active` is what it has to do for all workers: requests in
// flight, or for least-connections what is open; may be null (counts as idle).
struct HostEntry {
    std::string_view id;
    uint32_t weight = 1;
    const std::atomic<uint32_t>* active = nullptr;
    const ResponseAverage* average = nullptr;  // only least-response-time looks at it; may be null (not known)
};

// How much of their weight hosts have now, in percent from 1 to 100: by it least-request, least-connections and least-response-time
// compare what hosts have to do. How often a host is drawn is the caller's affair.
class Warmth {
public:
    virtual uint32_t percent(uint32_t host) const = 0;

protected:
    ~Warmth() = default;
};

struct PickContext {
    uint64_t hash = 0;    // hash_key() of what the policy's HashKey names; only ring-hash and maglev look at it
    uint32_t now_ms = 0;  // of the clock that averages are fed with; only least-response-time looks at it
    const Warmth* warmth = nullptr;  // null: all hosts have all their weight
};

// Non-owning predicate: may host i be picked now? Made from a lambda at the call, and must not outlive it:
//     balancer.pick(context, [&](uint32_t i) { return hosts[i].healthy(); })
// Asked any number of times a pick; should answer alike within one.
class HostFilter {
public:
    template <class F>
    HostFilter(const F& f)  // NOLINT: implicit by intent
        : object_(&f),
          call_([](const void* object, uint32_t i) -> bool { return (*static_cast<const F*>(object))(i); }) {}

    bool operator()(uint32_t i) const { return call_(object_, i); }

private:
    const void* object_;
    bool (*call_)(const void*, uint32_t);
};

// One a worker: not thread-safe.
class Balancer {
public:
    Balancer() = default;
    Balancer(const Balancer&) = delete;
    Balancer& operator=(const Balancer&) = delete;
    virtual ~Balancer();

    // Index into the plan's hosts, or kNoHost.
    virtual uint32_t pick(const PickContext& context, HostFilter usable) = 0;
};

// What all workers share of one version of an upstream's hosts. Immutable.
struct Plan;

// Looks only at the policy's algorithm, virtual_nodes, table_size and load_factor_percent. The atomics that `hosts` points to must outlive the plan; the ids
// only the call.
std::shared_ptr<const Plan> make_plan(const config::Policy& policy, std::vector<HostEntry> hosts);

// Cheap beside make_plan. `seed` decides where turns begin and what chance gives: another for each worker of each proxy, or
// they all begin with the same host. Ring and table do not depend on it.
std::unique_ptr<Balancer> make_balancer(std::shared_ptr<const Plan> plan, uint64_t seed);

// The hash of a request's key that PickContext carries. Equal on every machine and in every version, or the proxies' rings
// disagree. Good spread, fast (some 10 ns for a short key), not keyed: no defence for a hash table against chosen keys.
uint64_t hash_key(std::string_view key);

}  // namespace steelyard::balancer
