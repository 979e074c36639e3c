#include "sidecar/balancer/weighted_random.hpp"

#include <gtest/gtest.h>

#include "sidecar/balancer/alias_table.hpp"
#include "support.hpp"

namespace steelyard::balancer {
namespace {

using Weights = std::vector<uint32_t>;

// Chi-squared against the weights stays below twice its degrees of freedom and 20 (p < 1e-4 for a handful of hosts).
void expect_shares(const Weights& seen, const Weights& weights) {
    double sum = 0;
    double all = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
        sum += weights[i];
        all += seen[i];
    }
    double chi = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] == 0) {
            EXPECT_EQ(seen[i], 0U);
            continue;
        }
        const double expected = all * weights[i] / sum;
        chi += (seen[i] - expected) * (seen[i] - expected) / expected;
    }
    EXPECT_LT(chi, 20 + 2.0 * static_cast<double>(weights.size())) << testing::PrintToString(weights);
}

TEST(AliasTable, DrawsByWeight) {
    for (const Weights& weights :
         {Weights{1}, Weights{1, 2, 5}, Weights{1000, 1, 1, 30}, Weights{5, 5, 5}, Weights{1, 999}}) {
        const AliasTable table(weights);
        Random random(11);
        Weights seen(weights.size());
        for (int i = 0; i < 200'000; ++i) ++seen.at(table.draw(random));
        expect_shares(seen, weights);
    }
}

TEST(WeightedRandom, SharesByWeight) {
    for (const Weights& weights : {Weights{1, 2, 5}, Weights{1, 1, 1, 1}, Weights{0, 10, 0, 1}, Weights(50, 3)}) {
        const Hosts hosts(weights);
        auto balancer = hosts.balancer(config::Algorithm::random, 2);
        expect_shares(counts(picks(*balancer, 100'000), weights.size()), weights);
    }
}

TEST(WeightedRandom, SharesByWeightAmongTheUsableHoweverFew) {
    Weights weights(100);
    for (uint32_t i = 0; i < 100; ++i) weights[i] = 1 + i;
    const Hosts hosts(weights);
    for (const uint32_t every : {2U, 10U, 45U}) {
        auto balancer = hosts.balancer(config::Algorithm::random, every);
        Weights left = weights;
        for (uint32_t i = 0; i < 100; ++i) {
            if (i % every != 0) left[i] = 0;
        }
        const auto picked = picks(*balancer, 50'000, [every](uint32_t i) { return i % every == 0; });
        expect_shares(counts(picked, 100), left);
    }
}

}  // namespace
}  // namespace steelyard::balancer
