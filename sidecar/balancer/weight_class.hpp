#pragma once
// The hosts of a plan gathered by weight: m hosts of weight w are one class with m*w turns a round. What smooth weighted round
// robin orders is classes, of which there are few however many hosts there are.
#include <cstdint>
#include <span>
#include <vector>

namespace steelyard::balancer {

struct WeightClass {
    uint64_t turns;  // a round, with the greatest common divisor of all weights taken out: count * weight / divisor
    uint32_t first;  // its hosts are members[first, first + count)
    uint32_t count;
};

struct WeightClasses {
    std::vector<WeightClass> classes;  // heaviest first
    std::vector<uint32_t> members;     // indices into the weights that they were made from
};

// `order` gives each host's place within its class: hashes of the ids, so that hosts that fail together (a node's, a zone's) do
// not stand together. O(n log n).
WeightClasses make_weight_classes(std::span<const uint32_t> weights, std::span<const uint64_t> order);

// The greatest common divisor of all; 1 for none.
uint32_t common_divisor(std::span<const uint32_t> weights);

}  // namespace steelyard::balancer
