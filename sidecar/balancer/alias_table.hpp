#pragma once
// Draws an index in proportion to its weight in constant time (Walker's alias method as Vose builds it, "A linear algorithm for
// generating random numbers with a given distribution", 1991), in whole numbers: the shares are exact, no rounding.
#include <cstdint>
#include <span>
#include <vector>

namespace steelyard::balancer {

class Random;

class AliasTable {
public:
    AliasTable() = default;
    // O(n). Weights of 1 and more; count times their sum below 2^64.
    explicit AliasTable(std::span<const uint32_t> weights);

    // Not on an empty table.
    uint32_t draw(Random& random) const;

private:
    // A column is total_ high: its own index fills it up to `own`, `other` the rest.
    struct Column {
        uint64_t own;
        uint32_t other;
    };
    std::vector<Column> columns_;
    uint64_t total_ = 0;
};

}  // namespace steelyard::balancer
