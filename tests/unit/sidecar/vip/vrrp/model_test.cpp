// Several machines together, in simulated time with fixed seeds: what holds however adverts are lost, late, or kept apart.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "simulation.hpp"

namespace steelyard::vip {
namespace {

constexpr Milliseconds kInterval{100};
constexpr Milliseconds kLongest = 4 * kInterval;  // three intervals, and a skew of less than one

// The node's figures as an edge has them: priority 128 to 247, addresses in no order of theirs.
MachineOptions options_of(size_t node, uint8_t priority) {
    MachineOptions options;
    options.router_id = 17;
    options.priority = priority;
    options.advert_interval = kInterval;
    options.primary = Ip::from(std::array<uint8_t, 4>{10, 0, 0, static_cast<uint8_t>(node * 37 % 251 + 1)});
    return options;
}

std::vector<MachineOptions> nodes_of(const std::vector<int>& priorities) {
    std::vector<MachineOptions> nodes;
    for (size_t i = 0; i < priorities.size(); ++i) nodes.push_back(options_of(i, static_cast<uint8_t>(priorities[i])));
    return nodes;
}

std::vector<MachineOptions> random_nodes(uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<int> priorities(2 + random() % 6);
    for (auto& priority : priorities) priority = 128 + static_cast<int>(random() % (seed % 3 == 0 ? 4 : 120));
    return nodes_of(priorities);
}

Simulation started(uint64_t seed, const std::vector<MachineOptions>& nodes) {
    Simulation all(seed, nodes);
    for (size_t i = 0; i < all.size(); ++i) all.start(i);
    return all;
}

// The greatest priority of those that run and are ready, in a component.
int greatest_in(const Simulation& all, int component) {
    int greatest = -1;
    for (size_t i = 0; i < all.size(); ++i) {
        const auto& node = all.node(i);
        if (node.component == component && node.machine && node.machine->state() != State::init)
            greatest = std::max<int>(greatest, node.options.priority);
    }
    return greatest;
}

void expect_settled(const Simulation& all, bool preempt, uint64_t seed) {
    std::set<int> components;
    for (size_t i = 0; i < all.size(); ++i) components.insert(all.node(i).component);
    for (const int component : components) {
        const int greatest = greatest_in(all, component);
        const auto masters = all.masters_in(component);
        ASSERT_EQ(masters.size(), greatest < 0 ? 0U : 1U) << "seed " << seed;
        if (preempt && greatest >= 0) {
            ASSERT_EQ(all.node(masters[0]).options.priority, greatest) << "seed " << seed;
        }
    }
}

// One thing that may happen to a cluster.
void disturb(Simulation& all) {
    const size_t node = all.random(0, all.size() - 1);
    switch (all.random(0, 7)) {
        case 0:
            return all.crash(node);
        case 1:
            return all.stop(node);
        case 2:
        case 3:
            return all.start(node, all.node(node).has_addresses);
        case 4:
            return all.set_ready(node, false);
        case 5:
            return all.set_ready(node, true);
        case 6:
            return all.set_component(node, static_cast<int>(all.random(0, 2)));
        default:
            all.loss = static_cast<double>(all.random(0, 90)) / 100;
    }
}

TEST(VrrpModel, WhateverHappenedBeforeEachPartOfTheNetworkHasOneMasterAfterTheLossEnds) {
    for (uint64_t seed = 1; seed <= 300; ++seed) {
        const bool preempt = seed % 4 != 0;
        auto nodes = random_nodes(seed);
        for (auto& node : nodes) node.preempt = preempt;
        auto all = started(seed, nodes);
        for (int round = 0; round < 5; ++round) {
            for (int i = 0; i < 20; ++i) {
                disturb(all);
                all.run_for(Milliseconds{all.random(0, 150)});
            }
            all.loss = 0;
            // One holds the addresses within the longest wait; a second one is told so with the next advert.
            all.run_for(kLongest + all.most_delay);
            for (int component = 0; component < 3; ++component)
                ASSERT_EQ(all.masters_in(component).empty(), greatest_in(all, component) < 0) << "seed " << seed;
            all.run_for(kInterval + 2 * all.most_delay);
            expect_settled(all, preempt, seed);
            const uint64_t takeovers = all.takeovers();
            all.run_for(std::chrono::seconds{3});
            ASSERT_EQ(all.takeovers(), takeovers) << "seed " << seed;
        }
    }
}

// Neighbours have learned who announced last: that has to be who stays.
void expect_announced_last(const Simulation& all, uint64_t seed) {
    ASSERT_EQ(all.masters().size(), 1U) << "seed " << seed;
    const size_t master = all.masters()[0];
    for (size_t i = 0; i < all.size(); ++i) {
        if (i == master) continue;
        ASSERT_LE(all.node(i).let_go, all.node(master).announced) << "seed " << seed;
        ASSERT_LE(all.node(i).announced, all.node(master).announced) << "seed " << seed;
    }
}

TEST(VrrpModel, APartitionThatHealsLeavesTheGreatestWhichKnowsAndAnnouncesLast) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        auto all = started(seed, nodes_of({140, 150, 200, 190, 130, 190}));
        all.run_for(std::chrono::seconds{1});
        for (const size_t i : {0, 2}) all.set_component(i, 1);
        for (const size_t i : {4, 5}) all.set_component(i, 2);
        all.run_for(Milliseconds{1000 + all.random(0, 100)});
        expect_settled(all, true, seed);
        ASSERT_EQ(all.masters(), (std::vector<size_t>{2, 3, 5}));
        for (const size_t i : {0, 2, 4, 5}) all.set_component(i, 0);
        all.run_for(2 * kInterval + 2 * all.most_delay);
        ASSERT_EQ(all.masters(), (std::vector<size_t>{2}));
        expect_announced_last(all, seed);
        EXPECT_EQ(all.node(3).machine->stats().yields, 1U);
        EXPECT_EQ(all.node(5).machine->stats().yields, 1U);
        EXPECT_GE(all.node(2).machine->stats().splits, 2U);
        EXPECT_LE(all.node(2).machine->stats().splits, 8U);
    }
}

TEST(VrrpModel, AMasterThatDidNotRunForAWhileTakesOverAgainOrLetsTheOtherBe) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        const bool preempt = seed % 2 == 0;
        auto nodes = random_nodes(seed);
        for (auto& node : nodes) node.preempt = preempt;
        auto all = started(seed, nodes);
        all.run_for(std::chrono::seconds{1});
        const size_t master = all.masters().at(0);
        all.freeze(master);
        all.run_for(Milliseconds{1000 + all.random(0, 2000)});
        ASSERT_EQ(all.masters().size(), 2U);  // it has them still, and knows no better
        const size_t other = all.masters()[all.masters()[0] == master ? 1 : 0];
        all.thaw(master, seed % 3 == 0);
        all.run_for(kLongest + kInterval + 2 * all.most_delay);
        expect_settled(all, preempt, seed);
        if (!preempt) {
            ASSERT_EQ(all.masters(), (std::vector<size_t>{other})) << "seed " << seed;
        } else {
            expect_announced_last(all, seed);
        }
    }
}

TEST(VrrpModel, IntervalsThatDifferAreLearned) {
    for (uint64_t seed = 1; seed <= 100; ++seed) {
        auto nodes = random_nodes(seed);
        for (size_t i = 0; i < nodes.size(); ++i) nodes[i].advert_interval = Milliseconds{i % 2 == 0 ? 1000 : 100};
        auto all = started(seed, nodes);
        all.run_for(std::chrono::seconds{5});
        expect_settled(all, true, seed);
        const auto takeovers = all.takeovers();
        all.run_for(std::chrono::minutes{1});
        ASSERT_EQ(all.takeovers(), takeovers) << "seed " << seed;
    }
}

TEST(VrrpModel, EqualPrioritiesDoNotFlap) {
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        auto all = started(seed, nodes_of({180, 180, 180, 180, 180}));
        all.most_delay = Milliseconds{8};
        all.run_for(std::chrono::seconds{1});
        expect_settled(all, true, seed);
        const auto takeovers = all.takeovers();
        all.run_for(std::chrono::minutes{1});
        ASSERT_EQ(all.takeovers(), takeovers) << "seed " << seed;
        // Neither does one that comes back.
        const size_t other = (all.masters()[0] + 1) % all.size();
        all.crash(other);
        all.run_for(std::chrono::seconds{1});
        all.start(other);
        all.run_for(std::chrono::minutes{1});
        ASSERT_EQ(all.takeovers(), takeovers) << "seed " << seed;
    }
}

TEST(VrrpModel, TheNextOneTakesOverWithinFourIntervalsOfACrashAndWithinItsSkewOfAnEnd) {
    Duration longest{0}, longest_handover{0};
    for (uint64_t seed = 1; seed <= 1000; ++seed) {
        auto all = started(seed, random_nodes(seed));
        all.run_for(std::chrono::seconds{2} + Milliseconds{all.random(0, 100)});
        const bool crash = seed % 2 == 0;
        const auto master = all.masters().at(0);
        const TimePoint before = all.now();
        crash ? all.crash(master) : all.stop(master);
        ASSERT_TRUE(all.run_until(before + std::chrono::seconds{2}, [&] { return !all.masters().empty(); }));
        auto& most = crash ? longest : longest_handover;
        most = std::max(most, all.now() - before);
    }
    EXPECT_LE(longest, 4 * Duration{kInterval});
    // Priorities are 128 or more: half an interval, and the advert's way.
    EXPECT_LE(longest_handover, Duration{kInterval} / 2 + Milliseconds{2});
}

TEST(VrrpModel, ARestartWithinTheDownIntervalMovesNothing) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        auto nodes = random_nodes(seed);
        for (auto& node : nodes) node.preempt = seed % 2 == 0;
        auto all = started(seed, nodes);
        all.run_for(std::chrono::seconds{1});
        const auto master = all.masters().at(0);
        const auto takeovers = all.takeovers();
        for (int i = 0; i < 20; ++i) {
            all.run_for(Milliseconds{all.random(0, 1000)});
            all.crash(master);
            all.run_for(Milliseconds{all.random(1, 190)});  // the last advert was up to an interval before
            ASSERT_TRUE(all.masters().empty());
            all.start(master, true);
            ASSERT_EQ(all.masters(), (std::vector<size_t>{master}));
        }
        all.run_for(std::chrono::seconds{1});
        EXPECT_EQ(all.takeovers(), takeovers + 20);
        expect_settled(all, false, seed);
    }
}

TEST(VrrpModel, WithoutPreemptionWhoComesBackLetsTheOtherBe) {
    auto nodes = nodes_of({150, 240});
    for (auto& node : nodes) node.preempt = false;
    auto all = started(7, nodes);
    all.run_for(std::chrono::seconds{1});
    ASSERT_EQ(all.masters(), (std::vector<size_t>{1}));
    all.crash(1);
    all.run_for(std::chrono::seconds{1});
    all.start(1);
    all.run_for(std::chrono::minutes{1});
    EXPECT_EQ(all.masters(), (std::vector<size_t>{0}));
    EXPECT_EQ(all.takeovers(), 2U);
}

TEST(VrrpModel, ALossOfATenthOfAllAdvertsIsSeldomFeltAndNeverForLong) {
    auto all = started(11, nodes_of({150, 240, 200}));
    all.run_for(std::chrono::seconds{1});
    all.loss = 0.1;
    Duration without{0}, with_two{0};
    constexpr auto kStep = Milliseconds{1};
    for (int i = 0; i < 600'000; ++i) {  // ten minutes
        all.run_for(kStep);
        if (all.masters().empty()) without += kStep;
        if (all.masters().size() > 1) with_two += kStep;
    }
    EXPECT_EQ(without, Duration{0});
    EXPECT_LT(with_two, std::chrono::seconds{2});
    EXPECT_LT(all.takeovers(), 40U);
}

}  // namespace
}  // namespace steelyard::vip
