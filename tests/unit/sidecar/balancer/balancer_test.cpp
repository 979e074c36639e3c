// What every algorithm promises.
#include "sidecar/balancer/balancer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support.hpp"

namespace steelyard::balancer {
namespace {

using config::Algorithm;

class EveryAlgorithm : public testing::TestWithParam<Algorithm> {};

TEST_P(EveryAlgorithm, PicksNobodyFromNobody) {
    const Hosts hosts({});
    auto balancer = hosts.balancer(GetParam());
    EXPECT_EQ(picks(*balancer, 3), std::vector<uint32_t>(3, kNoHost));
}

TEST_P(EveryAlgorithm, PicksTheOnlyHostEveryTime) {
    const Hosts hosts({7});
    auto balancer = hosts.balancer(GetParam());
    EXPECT_EQ(picks(*balancer, 100), std::vector<uint32_t>(100, 0));
}

TEST_P(EveryAlgorithm, NeverPicksAHostOfWeightZeroEvenIfItIsTheOnlyOne) {
    const Hosts alone({0});
    EXPECT_EQ(alone.balancer(GetParam())->pick({}, [](uint32_t) { return true; }), kNoHost);

    const Hosts hosts({0, 3, 0, 1, 0});
    auto balancer = hosts.balancer(GetParam());
    const auto picked = counts(picks(*balancer, 2000), 5);
    EXPECT_EQ(picked[0] + picked[2] + picked[4], 0U);
    EXPECT_GT(picked[1], 0U);
    EXPECT_GT(picked[3], 0U);
}

TEST_P(EveryAlgorithm, PicksNobodyWhenAllAreRefusedAndGoesOnWhenOneIsBack) {
    const Hosts hosts({1, 2, 5, 5});
    auto balancer = hosts.balancer(GetParam());
    EXPECT_EQ(picks(*balancer, 50, [](uint32_t) { return false; }), std::vector<uint32_t>(50, kNoHost));
    EXPECT_EQ(picks(*balancer, 50, [](uint32_t i) { return i == 2; }), std::vector<uint32_t>(50, 2));
    const auto picked = counts(picks(*balancer, 4000), 4);
    for (const uint32_t n : picked) EXPECT_GT(n, 0U);
}

TEST_P(EveryAlgorithm, FindsTheOneUsableHostAmongThousands) {
    std::vector<uint32_t> weights(3000, 1);
    for (const bool equal : {true, false}) {
        if (!equal) {
            for (uint32_t i = 0; i < weights.size(); ++i) weights[i] = 1 + i % 700;
        }
        const Hosts hosts(weights);
        auto balancer = hosts.balancer(GetParam());
        for (const uint32_t only : {0U, 1U, 1499U, 2999U}) {
            const auto picked = picks(*balancer, 20, [only](uint32_t i) { return i == only; });
            EXPECT_EQ(picked, std::vector<uint32_t>(20, only));
        }
    }
}

TEST_P(EveryAlgorithm, UsesOnlyWhatTheFilterLetsThrough) {
    const Hosts hosts({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    auto balancer = hosts.balancer(GetParam());
    const auto picked = counts(picks(*balancer, 20'000, [](uint32_t i) { return i % 3 != 0; }), 10);
    for (uint32_t i = 0; i < 10; ++i) EXPECT_EQ(picked[i] > 0, i % 3 != 0) << i;
}

TEST_P(EveryAlgorithm, AsksTheFilterAboutHostsThatExistOnly) {
    const Hosts hosts({4, 0, 2});
    auto balancer = hosts.balancer(GetParam());
    const auto usable = [](uint32_t i) {
        EXPECT_TRUE(i == 0 || i == 2) << i;
        return i == 2;
    };
    EXPECT_EQ(picks(*balancer, 10, usable), std::vector<uint32_t>(10, 2));
}

TEST_P(EveryAlgorithm, BearsHugeWeightsAndMissingCounters) {
    Hosts hosts({UINT32_MAX, 1, config::kMaxWeight, 3});
    for (HostEntry& entry : hosts.entries) entry.active = nullptr;
    auto balancer = hosts.balancer(GetParam());
    const auto picked = picks(*balancer, 1000);
    EXPECT_EQ(std::count(picked.begin(), picked.end(), kNoHost), 0);
    EXPECT_EQ(picks(*balancer, 10, [](uint32_t i) { return i == 1; }), std::vector<uint32_t>(10, 1));
}

TEST_P(EveryAlgorithm, PlansAHundredThousandHosts) {
    std::vector<uint32_t> weights(100'000);
    for (uint32_t i = 0; i < weights.size(); ++i) weights[i] = 1 + i % 10;
    const Hosts hosts(weights);
    auto balancer = hosts.balancer(GetParam());
    const auto picked = picks(*balancer, 10'000);
    EXPECT_GT(std::set<uint32_t>(picked.begin(), picked.end()).size(), 1000U);
}

TEST_P(EveryAlgorithm, IsTheSameForTheSameSeed) {
    const Hosts hosts({3, 1, 2, 9, 9});
    EXPECT_EQ(picks(*hosts.balancer(GetParam(), 5), 100), picks(*hosts.balancer(GetParam(), 5), 100));
}

INSTANTIATE_TEST_SUITE_P(Balancer, EveryAlgorithm,
                         testing::Values(Algorithm::round_robin, Algorithm::weighted_round_robin,
                                         Algorithm::least_request, Algorithm::ring_hash, Algorithm::random,
                                         Algorithm::maglev, Algorithm::least_response_time,
                                         Algorithm::least_connections),
                         [](const auto& algorithm) {
                             switch (algorithm.param) {
                                 case Algorithm::round_robin:
                                     return "RoundRobin";
                                 case Algorithm::weighted_round_robin:
                                     return "WeightedRoundRobin";
                                 case Algorithm::least_request:
                                     return "LeastRequest";
                                 case Algorithm::ring_hash:
                                     return "RingHash";
                                 case Algorithm::random:
                                     return "Random";
                                 case Algorithm::maglev:
                                     return "Maglev";
                                 case Algorithm::least_response_time:
                                     return "LeastResponseTime";
                                 case Algorithm::least_connections:
                                     return "LeastConnections";
                             }
                             return "Unknown";
                         });

// The algorithms that have turns begin anywhere: 1,000 proxies with other seeds do not all begin with the same host.
TEST(Balancer, TheSeedSpreadsTheFirstPick) {
    for (const auto algorithm : {Algorithm::round_robin, Algorithm::weighted_round_robin}) {
        const Hosts hosts(std::vector<uint32_t>(10, 4));
        std::vector<uint32_t> first;
        for (uint64_t seed = 0; seed < 1000; ++seed) {
            first.push_back(hosts.balancer(algorithm, seed)->pick({}, [](uint32_t) { return true; }));
        }
        for (const uint32_t n : counts(first, 10)) EXPECT_NEAR(n, 100, 40);
    }
}

}  // namespace
}  // namespace steelyard::balancer
