#include "sidecar/balancer/weight_class.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace steelyard::balancer {

uint32_t common_divisor(std::span<const uint32_t> weights) {
    uint32_t divisor = 0;
    for (const uint32_t weight : weights) {
        divisor = std::gcd(divisor, weight);
        if (divisor == 1) break;
    }
    return divisor == 0 ? 1 : divisor;
}

WeightClasses make_weight_classes(std::span<const uint32_t> weights, std::span<const uint64_t> order) {
    WeightClasses result;
    result.members.resize(weights.size());
    std::iota(result.members.begin(), result.members.end(), 0U);
    std::sort(result.members.begin(), result.members.end(), [&](uint32_t a, uint32_t b) {
        return std::tuple(weights[b], order[a], a) < std::tuple(weights[a], order[b], b);
    });
    const uint32_t divisor = common_divisor(weights);
    for (uint32_t at = 0; at < result.members.size();) {
        const uint32_t weight = weights[result.members[at]];
        uint32_t end = at;
        while (end < result.members.size() && weights[result.members[end]] == weight) ++end;
        result.classes.push_back({.turns = uint64_t{end - at} * (weight / divisor), .first = at, .count = end - at});
        at = end;
    }
    return result;
}

}  // namespace steelyard::balancer
