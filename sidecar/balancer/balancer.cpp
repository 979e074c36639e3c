#include "sidecar/balancer/balancer.hpp"

#include <algorithm>

#include "sidecar/balancer/consistent_hash.hpp"
#include "sidecar/balancer/least_request.hpp"
#include "sidecar/balancer/least_response_time.hpp"
#include "sidecar/balancer/plan.hpp"
#include "sidecar/balancer/round_robin.hpp"
#include "sidecar/balancer/smooth.hpp"
#include "sidecar/balancer/weighted_random.hpp"

namespace steelyard::balancer {

using config::Algorithm;

namespace {

std::vector<uint32_t> weights_of(const Plan& plan) {
    std::vector<uint32_t> weights;
    weights.reserve(plan.hosts.size());
    for (const PlanHost& host : plan.hosts) weights.push_back(host.weight);
    return weights;
}

std::vector<uint64_t> id_hashes_of(const Plan& plan, const std::vector<HostEntry>& entries) {
    std::vector<uint64_t> hashes;
    hashes.reserve(plan.hosts.size());
    for (const PlanHost& host : plan.hosts) hashes.push_back(hash_key(entries[host.index].id));
    return hashes;
}

void add_averages(Plan& plan, const std::vector<HostEntry>& entries) {
    uint64_t sum = 0;
    plan.averages.reserve(plan.hosts.size());
    for (const PlanHost& host : plan.hosts) {
        plan.averages.push_back(entries[host.index].average);
        sum += host.weight;
    }
    if (sum > 0) plan.mean_weight = static_cast<float>(sum) / static_cast<float>(plan.hosts.size());
}

Ring make_ring(const Plan& plan, uint32_t virtual_nodes) {
    std::vector<RingHost> hosts;
    hosts.reserve(plan.hosts.size());
    for (uint32_t i = 0; i < plan.hosts.size(); ++i) {
        hosts.push_back({.id_hash = plan.id_hashes[i], .weight = plan.hosts[i].weight});
    }
    return Ring(hosts, virtual_nodes);
}

}  // namespace

Balancer::~Balancer() = default;

std::shared_ptr<const Plan> make_plan(const config::Policy& policy, std::vector<HostEntry> hosts) {
    auto plan = std::make_shared<Plan>();
    plan->algorithm = policy.algorithm;
    plan->hosts.reserve(hosts.size());
    for (uint32_t i = 0; i < hosts.size(); ++i) {
        if (hosts[i].weight == 0) continue;
        const uint32_t weight = std::min(hosts[i].weight, config::kMaxWeight);
        plan->hosts.push_back({.active = hosts[i].active, .index = i, .weight = weight});
        plan->equal_weights = plan->equal_weights && weight == plan->hosts.front().weight;
    }
    if (config::is_hashing(policy.algorithm)) {
        plan->id_hashes = id_hashes_of(*plan, hosts);
        plan->load_factor_percent = policy.load_factor_percent;
    }
    switch (policy.algorithm) {
        case Algorithm::round_robin:
            break;
        case Algorithm::weighted_round_robin:
            plan->classes = make_weight_classes(weights_of(*plan), id_hashes_of(*plan, hosts));
            break;
        case Algorithm::least_response_time:
            add_averages(*plan, hosts);
            [[fallthrough]];
        case Algorithm::least_request:
        case Algorithm::least_connections:
        case Algorithm::random:
            if (!plan->equal_weights) plan->by_weight = AliasTable(weights_of(*plan));
            break;
        case Algorithm::ring_hash:
            plan->ring = make_ring(*plan, policy.virtual_nodes);
            break;
        case Algorithm::maglev:
            plan->maglev = MaglevTable(plan->id_hashes, make_weight_classes(weights_of(*plan), plan->id_hashes),
                                       policy.table_size);
            break;
    }
    return plan;
}

std::unique_ptr<Balancer> make_balancer(std::shared_ptr<const Plan> plan, uint64_t seed) {
    switch (plan->algorithm) {
        case Algorithm::weighted_round_robin:
            return std::make_unique<SmoothWeightedRoundRobin>(std::move(plan), seed);
        case Algorithm::least_response_time:
            return std::make_unique<LeastResponseTime>(std::move(plan), seed);
        case Algorithm::least_request:
        case Algorithm::least_connections:
            return std::make_unique<LeastRequest>(std::move(plan), seed);
        case Algorithm::ring_hash: {
            const Ring& ring = plan->ring;
            return std::make_unique<ConsistentHash<Ring>>(std::move(plan), ring);
        }
        case Algorithm::maglev: {
            const MaglevTable& table = plan->maglev;
            return std::make_unique<ConsistentHash<MaglevTable>>(std::move(plan), table);
        }
        case Algorithm::random:
            return std::make_unique<WeightedRandom>(std::move(plan), seed);
        case Algorithm::round_robin:
            break;
    }
    return std::make_unique<RoundRobin>(std::move(plan), seed);
}

}  // namespace steelyard::balancer
