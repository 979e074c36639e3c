#include "sidecar/balancer/alias_table.hpp"

#include "sidecar/balancer/bits.hpp"

namespace steelyard::balancer {

AliasTable::AliasTable(std::span<const uint32_t> weights) {
    const uint64_t count = weights.size();
    for (const uint32_t weight : weights) total_ += weight;

    // Heights sum to count * total_, so they fill count columns of total_ exactly.
    columns_.reserve(count);
    if (count == 0) return;
    std::vector<uint32_t> low;
    std::vector<uint32_t> high;
    for (uint32_t i = 0; i < count; ++i) {
        columns_.push_back({.own = weights[i] * count, .other = i});
        (columns_[i].own < total_ ? low : high).push_back(i);
    }
    while (!low.empty() && !high.empty()) {
        const uint32_t taker = low.back();
        const uint32_t giver = high.back();
        low.pop_back();
        columns_[taker].other = giver;
        columns_[giver].own -= total_ - columns_[taker].own;
        if (columns_[giver].own < total_) {
            high.pop_back();
            low.push_back(giver);
        }
    }
}

uint32_t AliasTable::draw(Random& random) const {
    const auto column = static_cast<uint32_t>(random.below(columns_.size()));
    return random.below(total_) < columns_[column].own ? column : columns_[column].other;
}

}  // namespace steelyard::balancer
