#pragma once
// What one version of an upstream's hosts looks like to a balancer. Immutable once built, shared by all workers; internal to
// this folder. Only the parts that the algorithm needs are filled.
#include <atomic>
#include <cstdint>
#include <vector>

#include "common/config/model.hpp"
#include "sidecar/balancer/alias_table.hpp"
#include "sidecar/balancer/bits.hpp"
#include "sidecar/balancer/maglev.hpp"
#include "sidecar/balancer/response_average.hpp"
#include "sidecar/balancer/ring.hpp"
#include "sidecar/balancer/weight_class.hpp"

namespace steelyard::balancer {

constexpr uint32_t kScanGladly = 64;  // hosts that cost no more to look at than to think about

struct PlanHost {
    const std::atomic<uint32_t>* active;  // may be null
    uint32_t index;                       // in the caller's hosts: what `usable` is asked and pick() answers
    uint32_t weight;                      // 1 .. config::kMaxWeight

    uint32_t in_flight() const { return active ? active->load(std::memory_order_relaxed) : 0; }
};

struct Plan {
    config::Algorithm algorithm = config::Algorithm::round_robin;
    std::vector<PlanHost> hosts;  // those with a weight, in the caller's order; the tables below index into it
    bool equal_weights = true;
    AliasTable by_weight;             // least-request, least-response-time and random, unless equal_weights
    WeightClasses classes;            // weighted-round-robin
    Ring ring;                        // ring-hash
    MaglevTable maglev;               // maglev
    std::vector<uint64_t> id_hashes;  // ring-hash and maglev: parallel to hosts
    uint32_t load_factor_percent = 0;
    // least-response-time: parallel to hosts, each may be null
    std::vector<const ResponseAverage*> averages;
    float mean_weight = 1;

    uint32_t count() const { return static_cast<uint32_t>(hosts.size()); }

    // An index into `hosts` by weight. For the algorithms that have by_weight; not without hosts.
    uint32_t draw(Random& random) const {
        return equal_weights ? static_cast<uint32_t>(random.below(hosts.size())) : by_weight.draw(random);
    }
};

}  // namespace steelyard::balancer
