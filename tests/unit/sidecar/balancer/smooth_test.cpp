#include "sidecar/balancer/smooth.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "sidecar/balancer/bits.hpp"
#include "sidecar/balancer/weight_class.hpp"
#include "support.hpp"

namespace steelyard::balancer {
namespace {

using Weights = std::vector<uint32_t>;

std::unique_ptr<Balancer> smooth(const Hosts& hosts, uint64_t seed = 1) {
    return hosts.balancer(config::Algorithm::weighted_round_robin, seed);
}

// Every window of sum(weights) picks has each host exactly its weight of times.
void expect_exact(const std::vector<uint32_t>& picked, const Weights& weights) {
    const size_t window = std::accumulate(weights.begin(), weights.end(), size_t{0});
    ASSERT_GE(picked.size(), window);
    auto seen = counts({picked.begin(), picked.begin() + static_cast<std::ptrdiff_t>(window)}, weights.size());
    ASSERT_EQ(seen, weights);
    for (size_t i = window; i < picked.size(); ++i) {
        ++seen[picked[i]];
        --seen[picked[i - window]];
        ASSERT_EQ(seen, weights) << "window that ends with pick " << i;
    }
}

size_t longest_run(const std::vector<uint32_t>& picked, uint32_t host) {
    size_t longest = 0;
    size_t run = 0;
    for (const uint32_t one : picked) {
        run = one == host ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest;
}

TEST(SmoothWeightedRoundRobin, EveryWindowHasEachHostExactlyItsWeightOfTimes) {
    const Weights cases[] = {{1},          {5, 1, 1},          {1, 2, 5},        {1, 1, 1, 1},      {7, 7, 7, 3, 3, 2},
                             {100, 1},     {1, 2, 3, 4, 5, 6}, {13, 8, 5, 3, 2}, {50, 49, 1, 1, 1}, {3, 3, 3, 1, 1},
                             {997, 1, 500}};
    for (const Weights& weights : cases) {
        for (uint64_t seed = 0; seed < 5; ++seed) {
            const Hosts hosts(weights);
            const size_t window = std::accumulate(weights.begin(), weights.end(), size_t{0});
            expect_exact(picks(*smooth(hosts, seed), 4 * window), weights);
        }
    }
}

TEST(SmoothWeightedRoundRobin, AWindowIsTheSumOfTheWeightsWithoutTheirCommonDivisor) {
    const Hosts hosts({1'000'000, 2'000, 500'000});
    const Weights reduced = {500, 1, 250};
    expect_exact(picks(*smooth(hosts), 3000), reduced);
}

TEST(SmoothWeightedRoundRobin, IsExactAmongTheUsableWhileTheSameOnesAreUsable) {
    struct Case {
        Weights weights;
        Weights left;  // what the filter leaves of them
    };
    const Case cases[] = {
        {{5, 1, 1}, {0, 1, 1}},
        {{5, 1, 1}, {5, 0, 1}},
        {{1, 2, 5, 5, 5, 9}, {1, 0, 5, 0, 5, 0}},
        {{4, 4, 4, 4, 4, 4}, {4, 0, 0, 4, 0, 4}},
        {{1000, 1, 1, 3}, {0, 1, 1, 3}},
        {{6, 5, 4, 3, 2, 1}, {0, 5, 4, 0, 2, 1}},
    };
    for (const Case& c : cases) {
        const Hosts hosts(c.weights);
        for (uint64_t seed = 0; seed < 5; ++seed) {
            auto balancer = smooth(hosts, seed);
            const uint32_t divisor = c.weights[0] == 4 ? 4 : 1;
            Weights expected = c.left;
            for (uint32_t& weight : expected) weight /= divisor;
            const size_t window = std::accumulate(expected.begin(), expected.end(), size_t{0});
            expect_exact(picks(*balancer, 5 * window, [&](uint32_t i) { return c.left[i] > 0; }), expected);
        }
    }
}

TEST(SmoothWeightedRoundRobin, IsExactAgainOneWindowAfterTheUsableHostsChanged) {
    const Weights weights = {1, 2, 2, 2, 5, 9};
    const Hosts hosts(weights);
    auto balancer = smooth(hosts);
    for (uint32_t down = 0; down < 6; ++down) {
        picks(*balancer, 17 + down, [down](uint32_t i) { return i != down; });
        picks(*balancer, 3, [](uint32_t) { return false; });
        picks(*balancer, 21);
        expect_exact(picks(*balancer, 63), weights);
    }
}

TEST(SmoothWeightedRoundRobin, TheFirstWindowAfterAHostIsBackIsOffByLessThanOneRoundOfItsClass) {
    const Weights weights = {1, 2, 2, 2, 5, 9};
    const Hosts hosts(weights);
    for (uint32_t down = 0; down < 6; ++down) {
        for (size_t before = 0; before < 21; ++before) {
            auto balancer = smooth(hosts, before);
            picks(*balancer, before, [down](uint32_t i) { return i != down; });
            const auto seen = counts(picks(*balancer, 21), 6);
            for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(seen[i], weights[i], 3) << down << " " << before << " " << i;
        }
    }
}

TEST(SmoothWeightedRoundRobin, NeverPicksInABurst) {
    struct Case {
        Weights weights;
        size_t longest;  // run of host 0, floor(w / turns of the largest other class) + 1
    };
    const Case cases[] = {
        {{5, 1, 1}, 3},    {{1, 1, 1}, 1},  {{5, 5, 1}, 1},     {{2, 1}, 2},
        {{3, 1}, 3 + 1},   {{10, 5, 5}, 2}, {{10, 3, 2, 1}, 4}, {{100, 10, 10, 10, 10, 10}, 3},
        {{4, 4, 4, 3}, 1},
    };
    for (const Case& c : cases) {
        const Hosts hosts(c.weights);
        EXPECT_LE(longest_run(picks(*smooth(hosts), 2000), 0), c.longest) << testing::PrintToString(c.weights);
    }
}

TEST(SmoothWeightedRoundRobin, AnyStretchIsNearItsShare) {
    // Whatever the weights, no host is ever ahead of or behind its share by more than a few picks.
    Random random(3);
    for (int round = 0; round < 30; ++round) {
        Weights weights(2 + random.below(12));
        for (uint32_t& weight : weights) weight = static_cast<uint32_t>(1 + random.below(20));
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        const Hosts hosts(weights);
        const auto picked = picks(*smooth(hosts, static_cast<uint64_t>(round)), 500);
        Weights seen(weights.size());
        for (size_t i = 0; i < picked.size(); ++i) {
            ++seen[picked[i]];
            for (size_t h = 0; h < weights.size(); ++h) {
                const double share = static_cast<double>(i + 1) * weights[h] / sum;
                ASSERT_NEAR(seen[h], share, 3.5) << testing::PrintToString(weights) << " after " << i;
            }
        }
    }
}

TEST(SmoothWeightedRoundRobin, AnUnusableHostOfAMillionCostsTheOthersNothing) {
    const Hosts hosts({1'000'000, 1, 1});
    auto balancer = smooth(hosts);
    size_t asked = 0;
    const auto picked = picks(*balancer, 1000, [&](uint32_t i) {
        ++asked;
        return i != 0;
    });
    EXPECT_EQ(counts(picked, 3), (Weights{0, 500, 500}));
    EXPECT_LE(asked, 4000U);
}

TEST(SmoothWeightedRoundRobin, ThousandsOfUsableHostsAreAskedOncePerPick) {
    Weights weights(5000);
    for (uint32_t i = 0; i < weights.size(); ++i) weights[i] = 1 + i % 50;
    const Hosts hosts(weights);
    size_t asked = 0;
    picks(*smooth(hosts), 10'000, [&](uint32_t) {
        ++asked;
        return true;
    });
    EXPECT_EQ(asked, 10'000U);
}

TEST(SmoothWeightedRoundRobin, RunsPastTheEndOfItsClock) {
    // Four rounds of virtual time wrap its 64 bits.
    const Weights weights = {3, 2, 2};
    const Hosts hosts(weights);
    expect_exact(picks(*smooth(hosts), 700), weights);
}

TEST(WeightClasses, GatherEqualWeightsHeaviestFirstInTheOrderGiven) {
    const Weights weights = {4, 6, 4, 10, 4};
    const std::vector<uint64_t> order = {30, 0, 10, 0, 20};
    const WeightClasses made = make_weight_classes(weights, order);
    EXPECT_EQ(made.members, (Weights{3, 1, 2, 4, 0}));
    ASSERT_EQ(made.classes.size(), 3U);
    EXPECT_EQ(made.classes[0].turns, 5U);
    EXPECT_EQ(made.classes[2].turns, 6U);
    EXPECT_EQ(made.classes[2].first, 2U);
    EXPECT_EQ(made.classes[2].count, 3U);
    EXPECT_TRUE(make_weight_classes({}, {}).classes.empty());
}

}  // namespace
}  // namespace steelyard::balancer
