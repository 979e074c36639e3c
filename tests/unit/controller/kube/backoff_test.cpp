#include "controller/kube/backoff.hpp"

#include <gtest/gtest.h>

namespace steelyard::kube {
namespace {

TEST(Backoff, TheCeilingDoublesUpToTheLimitAndJitterIsFull) {
    Backoff top(Milliseconds(100), Milliseconds(30'000), [] { return 0.999999; });
    for (const int64_t ceiling : {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}) {
        EXPECT_EQ(top.next().count(), ceiling - 1);
    }
    Backoff bottom(Milliseconds(100), Milliseconds(30'000), [] { return 0.0; });
    for (int i = 0; i < 20; ++i) EXPECT_EQ(bottom.next().count(), 0);
}

TEST(Backoff, ResetMakesTheNextWaitShortAgain) {
    Backoff backoff(Milliseconds(100), Milliseconds(30'000), [] { return 0.5; });
    for (int i = 0; i < 100; ++i) EXPECT_LE(backoff.next().count(), 15'000);
    EXPECT_EQ(backoff.failures(), 100U);
    backoff.reset();
    EXPECT_EQ(backoff.next().count(), 50);
}

}  // namespace
}  // namespace steelyard::kube
