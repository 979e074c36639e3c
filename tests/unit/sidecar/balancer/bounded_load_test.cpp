// The load factor: no host gets more than its share of what is in flight, times the factor, and keys are still stable.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support.hpp"

namespace steelyard::balancer {
namespace {

using config::Algorithm;

class BoundedLoad : public testing::TestWithParam<Algorithm> {
protected:
    static std::unique_ptr<Balancer> balancer(const Hosts& hosts, uint32_t percent = 125) {
        config::Policy policy;
        policy.algorithm = GetParam();
        policy.load_factor_percent = percent;
        return make_balancer(make_plan(policy, hosts.entries), 1);
    }
    template <class F>
    static uint32_t begin(Balancer& balancer, Hosts& hosts, uint64_t key, const F& usable) {
        const uint32_t host = balancer.pick({.hash = hash_key(std::to_string(key))}, usable);
        if (host != kNoHost) ++hosts.active[host];
        return host;
    }
    static uint32_t begin(Balancer& balancer, Hosts& hosts, uint64_t key) {
        return begin(balancer, hosts, key, [](uint32_t) { return true; });
    }
    static void expect_bounded(const Hosts& hosts, double factor) {
        double active = 0;
        double weight = 0;
        for (size_t i = 0; i < hosts.entries.size(); ++i) {
            active += hosts.active[i];
            weight += hosts.entries[i].weight;
        }
        for (size_t i = 0; i < hosts.entries.size(); ++i) {
            EXPECT_LE(hosts.active[i], std::ceil(factor * active * hosts.entries[i].weight / weight - 1e-9)) << i;
        }
    }
};

TEST_P(BoundedLoad, AHotKeySpreadsOverAllHostsWithinTheBound) {
    Hosts hosts({1, 1, 1, 1, 1, 1, 1, 1});
    auto one = balancer(hosts);
    for (int i = 0; i < 800; ++i) begin(*one, hosts, 7);
    expect_bounded(hosts, 1.25);
    Hosts unbounded({1, 1, 1, 1, 1, 1, 1, 1});
    auto other = balancer(unbounded, 0);
    for (int i = 0; i < 800; ++i) begin(*other, unbounded, 7);
    EXPECT_EQ(std::count(unbounded.active.begin(), unbounded.active.end(), 800U), 1);
}

TEST_P(BoundedLoad, BoundsAreByWeight) {
    Hosts hosts({1, 2, 5});
    auto one = balancer(hosts, 110);
    for (int i = 0; i < 800; ++i) begin(*one, hosts, 7);
    expect_bounded(hosts, 1.10);
    for (uint64_t key = 0; key < 800; ++key) begin(*one, hosts, key);
    expect_bounded(hosts, 1.10);
}

TEST_P(BoundedLoad, WhileThereIsRoomKeysStayWhereTheyAreWithoutABound) {
    Hosts hosts(std::vector<uint32_t>(10, 1));
    auto bounded = balancer(hosts, 200);
    auto plain = balancer(hosts, 0);
    // 100 in flight everywhere: up to 200 are allowed.
    for (auto& active : hosts.active) active = 100;
    const auto all = [](uint32_t) { return true; };
    for (uint64_t key = 0; key < 5000; ++key) {
        ASSERT_EQ(bounded->pick({.hash = key}, all), plain->pick({.hash = key}, all));
    }
}

TEST_P(BoundedLoad, AKeyComesBackWhenItsHostHasRoomAgain) {
    Hosts hosts({1, 1, 1, 1});
    auto one = balancer(hosts);
    const auto all = [](uint32_t) { return true; };
    const uint32_t owner = one->pick({.hash = 42}, all);
    hosts.active[owner] = 10;
    const uint32_t heir = one->pick({.hash = 42}, all);
    EXPECT_NE(heir, owner);
    EXPECT_EQ(one->pick({.hash = 42}, all), heir);
    hosts.active[owner] = 0;
    EXPECT_EQ(one->pick({.hash = 42}, all), owner);
}

TEST_P(BoundedLoad, CountsOnlyWhatIsUsable) {
    Hosts hosts({1, 1, 1, 1, 1, 1, 1, 1});
    auto one = balancer(hosts);
    // Six are down, with a lot still in flight on them: the two left share what is on them.
    for (uint32_t i = 2; i < 8; ++i) hosts.active[i] = 1000;
    for (int i = 0; i < 200; ++i) begin(*one, hosts, 7, [](uint32_t host) { return host < 2; });
    EXPECT_EQ(hosts.active[0] + hosts.active[1], 200U);
    EXPECT_NEAR(hosts.active[0], 100, 26);
}

TEST_P(BoundedLoad, AmongManyHostsTheBoundHoldsNearly) {
    // The sum is up to hosts / 8 picks old.
    Hosts hosts(std::vector<uint32_t>(400, 1));
    auto one = balancer(hosts);
    for (int i = 0; i < 8000; ++i) begin(*one, hosts, static_cast<uint64_t>(i % 5));
    const uint32_t most = *std::max_element(hosts.active.begin(), hosts.active.end());
    EXPECT_LE(most, 26U);  // 20 on average, 25 is the bound
}

TEST_P(BoundedLoad, WithEveryBoundExceededSomebodyIsPickedAllTheSame) {
    Hosts hosts({1, 1, 1});
    auto one = balancer(hosts, 100);
    for (auto& active : hosts.active) active = 1000;  // as other workers' requests come in between look and pick
    for (uint64_t key = 0; key < 100; ++key) EXPECT_NE(begin(*one, hosts, key), kNoHost);
}

INSTANTIATE_TEST_SUITE_P(Balancer, BoundedLoad, testing::Values(Algorithm::ring_hash, Algorithm::maglev),
                         [](const auto& algorithm) {
                             return algorithm.param == Algorithm::maglev ? "Maglev" : "RingHash";
                         });

}  // namespace
}  // namespace steelyard::balancer
