// Edges, controllers and the API server together, in simulated time with fixed seeds: never two masters, and one where there can be one.
#include <gtest/gtest.h>

#include "lease_simulation.hpp"

namespace steelyard::edge {
namespace {

constexpr int64_t kOverlap = 10;  // a file is read up to 3 ms after it was written, and clocks differ in rate
constexpr int64_t kHandOver = vip::kHandOver.count();

// At each moment: no two masters for longer than kOverlap, and no address that lingers for longer than the hand-over.
class Watch {
public:
    Watch(LeaseSimulation& all, uint64_t seed) : all_(all), seed_(seed) {}

    void look() {
        two_since_ = all_.masters().size() < 2 ? all_.now() : two_since_;
        ASSERT_LE(all_.now() - two_since_, kOverlap) << "two masters, seed " << seed_ << ", at " << all_.now();
        for (size_t i = 0; i < all_.size(); ++i) {
            const auto& node = all_.node(i);
            if (!node.alive || !node.lingers_until) continue;
            ASSERT_LE(all_.now() - node.lingered_since, kHandOver + 1) << "seed " << seed_;
        }
    }
    void run_for(int64_t ms) {
        all_.run_for(ms, [this] { look(); });
    }

private:
    LeaseSimulation& all_;
    uint64_t seed_;
    int64_t two_since_ = 0;
};

// How long it may take until somebody has the Lease: it has to end, a dead connection to be noticed and replaced, and the claim to come.
int64_t longest(Milliseconds duration) { return duration.count() + 2000 + 2 * 200 + 500 + 250; }

void disturb(LeaseSimulation& all, size_t controllers) {
    const auto node = static_cast<size_t>(all.random(0, static_cast<int64_t>(all.size()) - 1));
    switch (all.random(0, 11)) {
        case 0:
            return all.crash(node);
        case 1:
        case 2:
            return all.start(node);
        case 3:
            return all.cut(node, false);
        case 4:
            return all.cut(node, true);
        case 5:
            all.node(node).wants = false;
            return;
        case 6:
            all.node(node).wants = true;
            return;
        case 7:
            all.node(node).on_segment = !all.node(node).on_segment;
            return;
        case 8:
            all.api_works = !all.api_works;
            return;
        case 9:
            all.most_delay = all.random(2, 600);
            return;
        default:
            return all.set_controller(static_cast<size_t>(all.random(0, static_cast<int64_t>(controllers) - 1)),
                                      all.random(0, 1) == 0);
    }
}

void mend(LeaseSimulation& all, size_t controllers) {
    all.api_works = true;
    all.most_delay = 20;
    for (size_t i = 0; i < controllers; ++i) all.set_controller(i, true);
    for (size_t i = 0; i < all.size(); ++i) {
        if (all.random(0, 2) == 0) all.cut(i, true);
    }
}

TEST(LeaseModel, WhateverHappensThereAreNeverTwoMastersAndSoonOneWhenItIsOver) {
    for (uint64_t seed = 1; seed <= 24; ++seed) {
        const Milliseconds duration{seed % 3 == 0 ? 1000 : seed % 3 == 1 ? 2000 : 5000};
        const size_t controllers = 1 + seed % 3;
        LeaseSimulation all(seed, 2 + seed % 4, controllers, duration);
        Watch watch(all, seed);
        for (int round = 0; round < 2; ++round) {
            for (int i = 0; i < 25; ++i) {
                disturb(all, controllers);
                ASSERT_NO_FATAL_FAILURE(watch.run_for(all.random(0, 800)));
            }
            mend(all, controllers);
            ASSERT_NO_FATAL_FAILURE(watch.run_for(longest(duration)));
            ASSERT_EQ(all.masters().empty(), all.best() == all.size()) << "seed " << seed;
            // The best one asks for it, and is given it.
            ASSERT_NO_FATAL_FAILURE(watch.run_for(duration.count() + 2000));
            const size_t best = all.best();
            if (best == all.size()) continue;
            ASSERT_EQ(all.masters().size(), 1U) << "seed " << seed;
            ASSERT_EQ(all.node(all.masters()[0]).priority, all.node(best).priority) << "seed " << seed;
            const uint64_t moves = all.moves();
            ASSERT_NO_FATAL_FAILURE(watch.run_for(5000));
            ASSERT_EQ(all.moves(), moves) << "seed " << seed << ": it does not rest";
        }
    }
}

TEST(LeaseModel, WhoeverIsFirstGetsItAtTheBeginning) {
    for (uint64_t seed = 1; seed <= 16; ++seed) {
        LeaseSimulation all(seed, 4, 2, Milliseconds{5000});
        for (size_t i = 0; i < 4; ++i) all.node(i).priority = static_cast<uint8_t>(140 + 30 * i);
        all.run_for(1500);
        ASSERT_EQ(all.masters().size(), 1U) << "seed " << seed;
    }
}

TEST(LeaseModel, APlannedStopLeavesNoMomentWithoutTheAddress) {
    for (uint64_t seed = 1; seed <= 24; ++seed) {
        LeaseSimulation all(seed, 3, 2, Milliseconds{5000});
        Watch watch(all, seed);
        all.run_for(12'000);
        ASSERT_EQ(all.masters().size(), 1U) << "seed " << seed;
        all.node(all.masters()[0]).wants = false;
        for (int i = 0; i < 1200; ++i) {
            ASSERT_NO_FATAL_FAILURE(watch.run_for(1));
            bool somebody = false;
            for (size_t j = 0; j < all.size(); ++j) somebody |= all.node(j).has_address();
            ASSERT_TRUE(somebody) << "seed " << seed << ", after " << i << " ms";
        }
        ASSERT_EQ(all.masters().size(), 1U) << "seed " << seed;
    }
}

TEST(LeaseModel, WithoutTheApiServerTheAddressIsGivenUpAtTheLeasesEndAndComesBack) {
    for (uint64_t seed = 1; seed <= 16; ++seed) {
        const Milliseconds duration{seed % 2 == 0 ? 2000 : 5000};
        LeaseSimulation all(seed, 3, 2, duration);
        Watch watch(all, seed);
        all.run_for(12'000);
        all.api_works = false;
        ASSERT_NO_FATAL_FAILURE(watch.run_for(duration.count() / 2));
        ASSERT_EQ(all.masters().size(), 1U) << "seed " << seed;
        ASSERT_NO_FATAL_FAILURE(watch.run_for(duration.count()));
        ASSERT_TRUE(all.masters().empty()) << "seed " << seed;
        all.api_works = true;
        ASSERT_NO_FATAL_FAILURE(
            watch.run_for(duration.count() + 1000));  // what a controller has not seen yet counts anew
        ASSERT_EQ(all.masters().size(), 1U) << "seed " << seed;
    }
}

TEST(LeaseModel, AControllerThatEndsMovesNothing) {
    for (uint64_t seed = 1; seed <= 16; ++seed) {
        LeaseSimulation all(seed, 3, 3, Milliseconds{5000});
        Watch watch(all, seed);
        all.run_for(12'000);
        const auto masters = all.masters();
        const uint64_t moves = all.moves();
        all.set_controller(0, false);
        ASSERT_NO_FATAL_FAILURE(watch.run_for(10'000));
        ASSERT_EQ(all.masters(), masters) << "seed " << seed;
        ASSERT_EQ(all.moves(), moves) << "seed " << seed;
    }
}

}  // namespace
}  // namespace steelyard::edge
