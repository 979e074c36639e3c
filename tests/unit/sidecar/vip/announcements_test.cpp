#include "sidecar/vip/announcements.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace steelyard::vip {
namespace {

using namespace std::chrono_literals;

const TimePoint t0{1000s};

TEST(Announcements, AreFiveAtOnceTwoMoreAndThenOneAMinute) {
    Announcements plan;
    EXPECT_FALSE(plan.next());
    plan.begin(t0);
    std::vector<int64_t> made;
    while (made.size() < 10) {
        const TimePoint now = *plan.next();
        EXPECT_FALSE(plan.take(now - 1ns));
        ASSERT_TRUE(plan.take(now));
        EXPECT_EQ(plan.in_burst(), made.size() < 5);
        made.push_back(std::chrono::duration_cast<Milliseconds>(now - t0).count());
    }
    EXPECT_EQ(made, (std::vector<int64_t>{0, 10, 20, 30, 40, 1000, 5000, 60'000, 120'000, 180'000}));
}

TEST(Announcements, ThatWereMissedAreMadeOnce) {
    Announcements plan;
    plan.begin(t0);
    EXPECT_TRUE(plan.take(t0 + 90s));
    EXPECT_EQ(plan.next(), t0 + 120s);
    EXPECT_FALSE(plan.take(t0 + 90s));
}

TEST(Announcements, EndAndAreNotBegunAgainWithinABurst) {
    Announcements plan;
    EXPECT_TRUE(plan.may_begin_again(t0));
    plan.begin(t0);
    EXPECT_FALSE(plan.may_begin_again(t0 + 99ms));
    EXPECT_TRUE(plan.may_begin_again(t0 + 100ms));
    plan.end();
    EXPECT_FALSE(plan.next());
    EXPECT_FALSE(plan.take(t0 + 1h));
}

}  // namespace
}  // namespace steelyard::vip
