#include "controller/events/aggregator.hpp"

#include <gtest/gtest.h>

namespace steelyard::events {
namespace {

const TimePoint t0 = TimePoint{} + std::chrono::hours(1);
TimePoint at(double seconds) {
    return t0 + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

EventSpec event(const std::string& note, const std::string& name = "web") {
    return {{"v1", "Service", "shop", name, "uid-1"}, Severity::warning, "InvalidAnnotation", note, "Translate"};
}

TEST(Aggregator, TheFirstIsMadeRepeatsAreCountedAndWrittenOnceAnInterval) {
    Aggregator aggregator({.series_interval = Milliseconds(10'000)});
    const auto first = aggregator.observe(event("a"), at(0));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->more, 0U);
    EXPECT_FALSE(aggregator.observe(event("a"), at(1)));
    EXPECT_FALSE(aggregator.observe(event("a"), at(2)));
    EXPECT_TRUE(aggregator.due(at(9)).empty());
    EXPECT_EQ(aggregator.next_due(), at(10));
    const auto due = aggregator.due(at(10));
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].more, 2U);
    EXPECT_EQ(due[0].name, first->name);
    EXPECT_TRUE(aggregator.due(at(30)).empty());
    EXPECT_FALSE(aggregator.next_due());
    const auto late = aggregator.observe(event("a"), at(40));
    ASSERT_TRUE(late);
    EXPECT_EQ(late->more, 1U);
}

TEST(Aggregator, WhatStandsUntilItIsMendedIsSaidOnce) {
    Aggregator aggregator;
    EventSpec once = event("a");
    once.once = true;
    EXPECT_TRUE(aggregator.observe(once, at(0)));
    EXPECT_FALSE(aggregator.observe(once, at(100)));
    EXPECT_FALSE(aggregator.next_due());
    EXPECT_EQ(aggregator.suppressed(), 1U);
}

TEST(Aggregator, OneObjectCannotFloodTheClusterNorHoldUpOthers) {
    Aggregator aggregator({.object_burst = 3, .object_refill = Milliseconds(10'000)});
    int made = 0;
    for (int i = 0; i < 50; ++i) made += aggregator.observe(event("note " + std::to_string(i)), at(0)).has_value();
    EXPECT_EQ(made, 3);
    EXPECT_EQ(aggregator.suppressed(), 47U);
    EXPECT_TRUE(aggregator.observe(event("a", "other"), at(0)));
    EXPECT_FALSE(aggregator.observe(event("later"), at(9)));
    EXPECT_TRUE(aggregator.observe(event("later"), at(10)));
}

TEST(Aggregator, MemoryIsBounded) {
    Aggregator aggregator({.max_kinds = 100});
    for (int i = 0; i < 10'000; ++i) aggregator.observe(event("a", "s" + std::to_string(i)), at(i));
    EXPECT_FALSE(aggregator.observe(event("a", "s9999"), at(10'000)));  // of the last ones we know
    const auto forgotten = aggregator.observe(event("a", "s1"), at(10'000));
    ASSERT_TRUE(forgotten);  // it meets its Event by name
    EXPECT_EQ(forgotten->name, event_name(event("a", "s1")));
}

TEST(EventName, IsTheObjectsNameAndAHashOfAllThatIsSaid) {
    const std::string name = event_name(event("a"));
    EXPECT_TRUE(name.starts_with("web.")) << name;
    EXPECT_EQ(name.size(), 20U);
    EXPECT_EQ(name, event_name(event("a")));
    EventSpec others[] = {event("b"), event("a"), event("a"), event("a"), event("a"), event("a")};
    others[1].regarding.uid = "uid-2";
    others[2].reason = "Other";
    others[3].type = Severity::normal;
    others[4].action = "Inject";
    others[5].regarding.kind = "Pod";
    for (const auto& other : others) EXPECT_NE(event_name(other), name);
}

TEST(EventName, IsAlwaysAName) {
    for (const std::string& odd : {std::string(), std::string("Ünï/code"), std::string(300, 'a'), std::string("--x--"),
                                   std::string(240, '-'), std::string("a:b")}) {
        const std::string name = event_name(event("a", odd));
        EXPECT_LE(name.size(), 253U);
        EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-"), std::string::npos) << name;
        EXPECT_NE(std::string("-.").find(name.front()), 0U) << name;
    }
}

TEST(Fit, CutsWhatTheApiWouldRefuseAndNotWithinACharacter) {
    EventSpec big = event(std::string(1023, 'x') + "é" + std::string(500, 'y'));
    big.note[3] = '\n';
    big.action = std::string(200, 'A');
    const EventSpec fitted = fit(big);
    EXPECT_EQ(fitted.note.size(), 1023U);
    EXPECT_EQ(fitted.note[3], ' ');
    EXPECT_EQ(fitted.action.size(), 128U);
}

}  // namespace
}  // namespace steelyard::events
