#include "sidecar/balancer/ring.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "consistent.hpp"

namespace steelyard::balancer {
namespace {

using Weights = std::vector<uint32_t>;

std::unique_ptr<Balancer> ring(const std::vector<HostEntry>& entries, uint32_t virtual_nodes = 150, uint64_t seed = 1) {
    config::Policy policy;
    policy.algorithm = config::Algorithm::ring_hash;
    policy.virtual_nodes = virtual_nodes;
    return make_balancer(make_plan(policy, entries), seed);
}

std::vector<RingHost> equal_hosts(uint32_t count, uint32_t weight = 1) {
    std::vector<RingHost> hosts;
    for (uint32_t i = 0; i < count; ++i) hosts.push_back({.id_hash = hash_key(std::to_string(i)), .weight = weight});
    return hosts;
}

TEST(RingHash, OneInNKeysMovesWhenAHostLeavesAndNoneBetweenTheOthers) {
    for (const size_t n : {2U, 5U, 20U, 100U}) {
        const Hosts hosts(Weights(n, 1));
        auto without = hosts.entries;
        const std::string gone(without[n / 2].id);
        without.erase(without.begin() + static_cast<std::ptrdiff_t>(n / 2));

        const auto before = owners(*ring(hosts.entries), hosts.entries);
        const auto after = owners(*ring(without), without);
        size_t moved = 0;
        for (size_t i = 0; i < kKeys; ++i) {
            if (before[i] == gone) {
                ++moved;
            } else {
                ASSERT_EQ(after[i], before[i]) << "key " << i << " moved between hosts that stay";
            }
        }
        const double expected = static_cast<double>(kKeys) / static_cast<double>(n);
        EXPECT_NEAR(static_cast<double>(moved), expected, expected * 0.35) << n << " hosts";
    }
}

TEST(RingHash, TheKeysOfAHostThatLeftSpreadOverAllOthers) {
    const Hosts hosts(Weights(10, 1));
    auto balancer = ring(hosts.entries);
    const auto before = owners(*balancer, hosts.entries);
    const auto after = owners(*balancer, hosts.entries, [](uint32_t i) { return i != 4; });
    std::map<std::string, int> heirs;
    for (size_t i = 0; i < kKeys; ++i) {
        if (before[i] == hosts.entries[4].id) ++heirs[after[i]];
    }
    EXPECT_EQ(heirs.size(), 9U);
    for (const auto& [heir, keys] : heirs) EXPECT_LT(keys, 1500) << heir;  // of about 5,000
}

TEST(RingHash, AHostThatIsRefusedLosesItsKeysToWhereTheyGoWhenItLeavesAndGetsThemBack) {
    const Hosts hosts(Weights(8, 1));
    auto without = hosts.entries;
    without.erase(without.begin() + 2);
    auto balancer = ring(hosts.entries);
    const auto before = owners(*balancer, hosts.entries);
    EXPECT_EQ(owners(*balancer, hosts.entries, [](uint32_t i) { return i != 2; }), owners(*ring(without), without));
    EXPECT_EQ(owners(*balancer, hosts.entries), before);
}

TEST(RingHash, NeitherTheSeedNorTheOrderOfTheHostsMatters) {
    const Hosts hosts({1, 3, 2, 1, 1});
    auto reversed = hosts.entries;
    std::reverse(reversed.begin(), reversed.end());
    const auto expected = owners(*ring(hosts.entries, 150, 1), hosts.entries);
    EXPECT_EQ(owners(*ring(hosts.entries, 150, 99), hosts.entries), expected);
    EXPECT_EQ(owners(*ring(reversed), reversed), expected);
}

TEST(RingHash, With150VirtualNodesSharesDeviateByATenthAndNoneByMoreThanAThird) {
    // The standard deviation of a share is 1 / sqrt(150) = 8.2 % of it, and a third of it is four of those.
    for (const size_t n : {10U, 50U, 200U}) {
        const Hosts hosts(Weights(n, 1));
        auto balancer = ring(hosts.entries);
        Weights seen(n);
        for (size_t i = 0; i < 5000 * n; ++i) ++seen[balancer->pick({.hash = i}, [](uint32_t) { return true; })];
        double squares = 0;
        for (const uint32_t keys : seen) {
            EXPECT_NEAR(keys, 5000, 5000.0 / 3) << n << " hosts";
            squares += std::pow(keys / 5000.0 - 1, 2);
        }
        EXPECT_LT(std::sqrt(squares / static_cast<double>(n)), 0.10) << n << " hosts";
    }
}

TEST(RingHash, SharesAreByWeight) {
    const Hosts hosts({1, 2, 5});
    auto balancer = ring(hosts.entries, 500);
    Weights seen(3);
    for (size_t i = 0; i < 80'000; ++i) ++seen[balancer->pick({.hash = i}, [](uint32_t) { return true; })];
    EXPECT_NEAR(seen[0], 10'000, 1500);
    EXPECT_NEAR(seen[1], 20'000, 2000);
    EXPECT_NEAR(seen[2], 50'000, 3000);
}

TEST(RingHash, OnANearlyDesertedRingKeysAreStillStableAndEven) {
    const Hosts hosts(Weights(5000, 1));
    auto balancer = ring(hosts.entries);
    expect_stable_and_even_when_nearly_all_are_down(*balancer);
}

TEST(Ring, HasVirtualNodesForEachUnitOfWeight) {
    EXPECT_EQ(Ring(equal_hosts(10), 150).size(), 1500U);
    EXPECT_EQ(Ring(equal_hosts(10, 400), 150).size(), 1500U);
    auto hosts = equal_hosts(3, 100);
    hosts[1].weight = 250;
    EXPECT_EQ(Ring(hosts, 10).size(), (2 + 5 + 2) * 10U);
    EXPECT_EQ(Ring(equal_hosts(1), 0).size(), 1U);
    EXPECT_EQ(Ring({}, 150).size(), 0U);
}

TEST(Ring, StaysWithinItsBoundsWhateverTheWeights) {
    EXPECT_LE(Ring(equal_hosts(50'000), 1000).size(), kMaxRingPoints);
    auto absurd = equal_hosts(3);
    absurd[0].weight = config::kMaxWeight;
    const Ring ring(absurd, 1000);
    EXPECT_LE(ring.size(), kMaxRingPointsPerHost + 2);
    EXPECT_GE(ring.size(), kMaxRingPointsPerHost / 2);
}

TEST(Ring, FindsTheNextPointForEveryKey) {
    const Ring made(equal_hosts(7), 3);
    // Walking from any key through all points meets every host, each as often as it has points.
    for (uint64_t key = 0; key < 1000; ++key) {
        Weights seen(7);
        size_t point = made.find(key);
        for (size_t i = 0; i < made.size(); ++i, point = made.next(point)) ++seen[made.host(point)];
        ASSERT_EQ(point, made.find(key));
        ASSERT_EQ(seen, Weights(7, 3));
    }
}

}  // namespace
}  // namespace steelyard::balancer
