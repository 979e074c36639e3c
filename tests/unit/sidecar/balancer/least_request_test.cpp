#include "sidecar/balancer/least_request.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "support.hpp"

namespace steelyard::balancer {
namespace {

using Weights = std::vector<uint32_t>;

std::unique_ptr<Balancer> least(const Hosts& hosts, uint64_t seed = 1) {
    return hosts.balancer(config::Algorithm::least_request, seed);
}

// Keeps `concurrency` requests in flight: each pick starts one, and the oldest ends. Returns what is in flight on each, on average.
std::vector<double> settle(Hosts& hosts, Balancer& balancer, size_t concurrency, size_t requests) {
    std::deque<uint32_t> flying;
    std::vector<double> sum(hosts.entries.size());
    for (size_t i = 0; i < requests; ++i) {
        if (flying.size() == concurrency) {
            --hosts.active[flying.front()];
            flying.pop_front();
        }
        const uint32_t host = balancer.pick({}, [](uint32_t) { return true; });
        ++hosts.active[host];
        flying.push_back(host);
        for (size_t h = 0; h < sum.size(); ++h) sum[h] += hosts.active[h];
    }
    for (double& one : sum) one /= static_cast<double>(requests);
    return sum;
}

TEST(LeastRequest, OfTwoHostsAlwaysTheOneWithLess) {
    Hosts hosts({1, 1});
    auto balancer = least(hosts);
    hosts.active[0] = 3;
    hosts.active[1] = 4;
    EXPECT_EQ(picks(*balancer, 200), Weights(200, 0));
    hosts.active[0] = 5;
    EXPECT_EQ(picks(*balancer, 200), Weights(200, 1));
}

TEST(LeastRequest, LoadIsByWeight) {
    Hosts hosts({1, 10});
    auto balancer = least(hosts);
    hosts.active[0] = 1;   // (1 + 1) / 1
    hosts.active[1] = 18;  // (18 + 1) / 10
    EXPECT_EQ(picks(*balancer, 200), Weights(200, 1));
    hosts.active[1] = 20;  // (20 + 1) / 10
    EXPECT_EQ(picks(*balancer, 200), Weights(200, 0));
}

TEST(LeastRequest, AnIdleHostIsBeforeAnyBusyOneWhateverTheWeights) {
    Hosts hosts({1, 1000});
    auto balancer = least(hosts);
    hosts.active[1] = 1;
    EXPECT_EQ(picks(*balancer, 200), Weights(200, 0));
}

TEST(LeastRequest, PrefersTheIdleAmongMany) {
    // One idle of ten: it is one of the two drawn in 1 of 5 pairs, against 1 of 10 picks by chance.
    Hosts hosts(Weights(10, 1));
    for (auto& active : hosts.active) active = 10;
    hosts.active[3] = 0;
    const auto picked = counts(picks(*least(hosts), 20'000), 10);
    EXPECT_NEAR(picked[3], 4000, 250);
}

TEST(LeastRequest, NeverPicksTheBusiestOfMany) {
    Hosts hosts(Weights(10, 1));
    hosts.active[7] = 100;
    EXPECT_EQ(counts(picks(*least(hosts), 20'000), 10)[7], 0U);
}

TEST(LeastRequest, WhileAllAreIdleSharesAreByWeight) {
    const Hosts hosts({1, 2, 5});
    const auto picked = counts(picks(*least(hosts), 80'000), 3);
    EXPECT_NEAR(picked[0], 10'000, 500);
    EXPECT_NEAR(picked[1], 20'000, 600);
    EXPECT_NEAR(picked[2], 50'000, 700);
}

TEST(LeastRequest, WhatIsInFlightSettlesByWeight) {
    Hosts hosts({1, 2, 5});
    auto balancer = least(hosts);
    const auto flying = settle(hosts, *balancer, 160, 20'000);
    EXPECT_NEAR(flying[0], 20, 4);
    EXPECT_NEAR(flying[1], 40, 4);
    EXPECT_NEAR(flying[2], 100, 6);
}

TEST(LeastRequest, KeepsTheBusiestNearTheMean) {
    // 1,000 in flight on 100 hosts: chance alone would give the busiest 10 + 3 * sqrt(10) and more; two choices 10 + log log.
    Hosts hosts(Weights(100, 1));
    auto balancer = least(hosts);
    settle(hosts, *balancer, 1000, 20'000);
    uint32_t most = 0;
    for (const auto& active : hosts.active) most = std::max(most, active.load());
    EXPECT_LE(most, 15U);
}

TEST(LeastRequest, AHostOfGreatWeightAmongManyGetsItsShare) {
    Weights weights(101, 1);
    weights[50] = 100;
    Hosts hosts(weights);
    auto balancer = least(hosts);
    EXPECT_NEAR(settle(hosts, *balancer, 2000, 20'000)[50], 1000, 100);
}

TEST(LeastRequest, WhenFewAreUsableTheLeastLoadedOfThemIsPicked) {
    Hosts hosts(Weights(10'000, 1));
    for (auto& active : hosts.active) active = 5;
    hosts.active[77] = 4;
    const auto usable = [](uint32_t i) { return i == 76 || i == 77 || i == 9000; };
    EXPECT_EQ(picks(*least(hosts), 50, usable), Weights(50, 77));
    hosts.active[77] = 5;
    const auto picked = counts(picks(*least(hosts), 3000, usable), 10'000);
    for (const uint32_t i : {76U, 77U, 9000U}) EXPECT_NEAR(picked[i], 1000, 150);
}

TEST(LeastRequest, AHostWithNearlyAllTheWeightOfManyCostsNoScan) {
    Weights weights(1000, 1);
    weights[0] = 1'000'000;
    const Hosts hosts(weights);
    size_t asked = 0;
    picks(*least(hosts), 1000, [&](uint32_t) {
        ++asked;
        return true;
    });
    EXPECT_LE(asked, 2100U);
}

}  // namespace
}  // namespace steelyard::balancer
