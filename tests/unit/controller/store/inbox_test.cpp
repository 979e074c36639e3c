#include "controller/store/inbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace steelyard::store {
namespace {

kube::Service service(const std::string& name, int64_t port = 80) {
    kube::Service made;
    made.meta = {"shop", name, "", {}};
    made.ports.push_back({"http", port, {}, "TCP", ""});
    return made;
}

kube::Pod pod(const std::string& name, const char* weight) {
    kube::Pod made;
    made.meta = {"shop", name, "", {}};
    if (weight != nullptr) made.meta.annotations["steelyard.dev/weight"] = weight;
    return made;
}

std::vector<kube::Service> services(std::initializer_list<const char*> names) {
    std::vector<kube::Service> made;
    for (const char* name : names) made.push_back(service(name));
    return made;
}

struct Fixture : testing::Test {
    int wakes = 0;
    Inbox inbox{[this] { ++wakes; }};
    ClusterState state;

    bool has(const char* name) const { return state.service({"shop", name}) != nullptr; }
};
using InboxTest = Fixture;

TEST_F(InboxTest, WakesTheOwnerOncePerDrain) {
    inbox.services().on_upsert(service("a"));
    EXPECT_EQ(wakes, 1);
    inbox.services().on_upsert(service("b"));
    inbox.pods().on_upsert(pod("p", "3"));
    EXPECT_EQ(wakes, 1);
    EXPECT_TRUE(inbox.drain(state));
    EXPECT_FALSE(inbox.drain(state));
    EXPECT_TRUE(has("a") && has("b"));
    inbox.services().on_remove({"shop", "a"});
    EXPECT_EQ(wakes, 2);
}

TEST_F(InboxTest, TheNewestStateOfAnObjectWins) {
    inbox.services().on_upsert(service("a", 80));
    inbox.services().on_remove({"shop", "a"});
    inbox.services().on_upsert(service("a", 81));
    inbox.services().on_upsert(service("b"));
    inbox.services().on_remove({"shop", "b"});
    inbox.drain(state);
    EXPECT_EQ(state.service({"shop", "a"})->ports[0].port, 81);
    EXPECT_FALSE(has("b"));
}

TEST_F(InboxTest, AListReplacesWhatWasThereAlsoWhenItIsDrainedInPieces) {
    inbox.services().on_list_begin();
    inbox.services().on_objects(services({"a", "b"}));
    inbox.services().on_list_end();
    inbox.drain(state);
    inbox.services().on_list_begin();
    inbox.services().on_objects(services({"b"}));
    inbox.drain(state);
    EXPECT_TRUE(has("a")) << "the list may yet name it";
    inbox.services().on_objects(services({"c"}));
    inbox.services().on_list_end();
    inbox.services().on_upsert(service("d"));
    inbox.services().on_remove({"shop", "c"});
    inbox.drain(state);
    EXPECT_FALSE(has("a"));
    EXPECT_TRUE(has("b") && has("d"));
    EXPECT_FALSE(has("c"));
}

TEST_F(InboxTest, WhatWasToldBeforeAListIsNotLostWhileTheListIsUnderWay) {
    inbox.services().on_upsert(service("a"));
    inbox.services().on_list_begin();
    inbox.drain(state);
    EXPECT_TRUE(has("a"));
    inbox.services().on_upsert(service("b"));  // a list that broke off, and another
    inbox.services().on_list_begin();
    inbox.services().on_list_end();
    inbox.drain(state);
    EXPECT_FALSE(has("a") || has("b"));
}

TEST_F(InboxTest, PodsWithoutWeightAreNotHandedOverByAListButTakeAWeightAway) {
    inbox.pods().on_list_begin();
    std::vector<kube::Pod> batch;
    batch.push_back(pod("a", "5"));
    batch.push_back(pod("b", nullptr));
    inbox.pods().on_objects(std::move(batch));
    inbox.pods().on_list_end();
    inbox.drain(state);
    EXPECT_EQ(state.counts().weighted_pods, 1U);
    inbox.pods().on_upsert(pod("a", nullptr));
    inbox.drain(state);
    EXPECT_EQ(state.counts().weighted_pods, 0U);
}

TEST(Inbox, LosesNothingBetweenThreads) {
    std::atomic<int> pending{0};
    Inbox inbox([&] { pending.fetch_add(1); });
    ClusterState state;
    constexpr int kObjects = 5000;
    std::vector<std::thread> sources;
    for (int t = 0; t < 2; ++t) {
        sources.emplace_back([&inbox, t] {
            for (int i = 0; i < kObjects; ++i)
                inbox.services().on_upsert(service(std::to_string(t) + "-" + std::to_string(i)));
        });
    }
    while (state.counts().services < 2 * kObjects) {
        if (pending.exchange(0) > 0) {
            inbox.drain(state);
        } else {
            std::this_thread::yield();
        }
    }
    for (std::thread& source : sources) source.join();
    EXPECT_EQ(state.take_changes().size(), 2U * kObjects);
}

}  // namespace
}  // namespace steelyard::store
