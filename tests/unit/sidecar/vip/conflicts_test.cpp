#include "sidecar/vip/conflicts.hpp"

#include <gtest/gtest.h>

namespace steelyard::vip {
namespace {

using namespace std::chrono_literals;

const TimePoint t0{1000s};
const Ip kIp = *Ip::parse("192.0.2.7");
const Mac kForeign{2, 0, 0, 0, 0, 9};

TEST(ConflictWatch, CountsAClaimOnceItsWaitIsOver) {
    ConflictWatch watch;
    EXPECT_FALSE(watch.deadline());
    watch.on_claim(kIp, kForeign, 300ms, t0);
    EXPECT_EQ(watch.deadline(), t0 + 300ms);
    EXPECT_FALSE(watch.due(t0 + 299ms));
    const auto conflict = watch.due(t0 + 300ms);
    ASSERT_TRUE(conflict);
    EXPECT_EQ(conflict->ip, kIp);
    EXPECT_EQ(conflict->mac, kForeign);
    EXPECT_FALSE(watch.deadline());
    EXPECT_EQ(watch.last()->second, t0 + 300ms);
}

TEST(ConflictWatch, AMasterThatIsHeardBeforeOrAfterTheClaimMakesItAHandover) {
    for (const Duration when : {-1000ms, -1ms, 0ms, 299ms}) {
        ConflictWatch watch;
        if (when < 0ms) watch.on_other_master(t0 + when);
        watch.on_claim(kIp, kForeign, 300ms, t0);
        if (when >= 0ms) watch.on_other_master(t0 + when);
        EXPECT_FALSE(watch.due(t0 + 300ms)) << when.count();
        EXPECT_FALSE(watch.deadline());
    }
    ConflictWatch watch;
    watch.on_other_master(t0 - 1001ms);
    watch.on_claim(kIp, kForeign, 300ms, t0);
    EXPECT_TRUE(watch.due(t0 + 300ms));
}

TEST(ConflictWatch, CountsOneASecond) {
    ConflictWatch watch;
    int counted = 0;
    for (auto now = t0; now < t0 + 10s; now += 5ms) {
        watch.on_claim(kIp, kForeign, 300ms, now);
        if (watch.due(now)) ++counted;
    }
    EXPECT_LE(counted, 10);
    EXPECT_GE(counted, 7);
}

TEST(ConflictWatch, ForgetsWhatIsOpenWhenTheAddressIsGivenUp) {
    ConflictWatch watch;
    watch.on_claim(kIp, kForeign, 300ms, t0);
    watch.forget();
    EXPECT_FALSE(watch.due(t0 + 1s));
}

}  // namespace
}  // namespace steelyard::vip
