#pragma once
// What the balancers' tests share: hosts with names and counters, and pickings counted.
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "sidecar/balancer/balancer.hpp"

namespace steelyard::balancer {

// Hosts "10.a.b.c:80" with the given weights, idle.
class Hosts {
public:
    explicit Hosts(const std::vector<uint32_t>& weights) : active(weights.size()) {
        for (size_t i = 0; i < weights.size(); ++i) {
            ids_.push_back("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
                           std::to_string(i & 255) + ":80");
            entries.push_back({.id = ids_.back(), .weight = weights[i], .active = &active[i]});
        }
    }

    std::unique_ptr<Balancer> balancer(config::Algorithm algorithm, uint64_t seed = 1) const {
        config::Policy policy;
        policy.algorithm = algorithm;
        return make_balancer(make_plan(policy, entries), seed);
    }

    std::vector<HostEntry> entries;
    std::deque<std::atomic<uint32_t>> active;

private:
    std::deque<std::string> ids_;
};

template <class F>
std::vector<uint32_t> picks(Balancer& balancer, size_t count, const F& usable) {
    std::vector<uint32_t> result;
    for (size_t i = 0; i < count; ++i) result.push_back(balancer.pick({.hash = i}, usable));
    return result;
}

inline std::vector<uint32_t> picks(Balancer& balancer, size_t count) {
    return picks(balancer, count, [](uint32_t) { return true; });
}

// How often each of `hosts` hosts was picked; kNoHost is not counted.
inline std::vector<uint32_t> counts(const std::vector<uint32_t>& picked, size_t hosts) {
    std::vector<uint32_t> result(hosts);
    for (const uint32_t host : picked) {
        if (host != kNoHost) ++result.at(host);
    }
    return result;
}

}  // namespace steelyard::balancer
