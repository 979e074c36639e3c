#include "controller/kube/shared_string.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "controller/kube/objects.hpp"

namespace steelyard::kube {
namespace {

TEST(SharedString, EqualTextsAreOneCopy) {
    const SharedString a = "zone-a";
    const SharedString b = std::string("zone-") + "a";
    EXPECT_EQ(a, b);
    EXPECT_EQ(a.view().data(), b.view().data());
    EXPECT_NE(a, SharedString("zone-b"));
    EXPECT_LT(a, SharedString("zone-b"));
    EXPECT_EQ(a, "zone-a");
}

TEST(SharedString, EmptyCostsNothing) {
    const size_t before = SharedString::interned();
    const SharedString a = "";
    EXPECT_TRUE(a.empty());
    EXPECT_EQ(a, SharedString{});
    EXPECT_EQ(a.view(), "");
    EXPECT_EQ(SharedString::interned(), before);
}

TEST(SharedString, TextGoesWithItsLastHandle) {
    const size_t before = SharedString::interned();
    {
        SharedString a = "node-that-leaves";
        SharedString b = a;
        SharedString c = std::move(a);
        a = b;
        b = SharedString("another");
        EXPECT_EQ(c, a);
        EXPECT_EQ(SharedString::interned(), before + 2);
    }
    EXPECT_EQ(SharedString::interned(), before);
}

TEST(SharedString, ThreadsMayMakeAndDropTheSameText) {
    const size_t before = SharedString::interned();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([] {
            for (int i = 0; i < 5000; ++i) {
                const SharedString a = "node-" + std::to_string(i % 7);
                const SharedString b = a;
                ASSERT_EQ(b.view(), "node-" + std::to_string(i % 7));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(SharedString::interned(), before);
}

TEST(Objects, AnEndpointStaysSmall) { EXPECT_LE(sizeof(SliceEndpoint), 104U); }

}  // namespace
}  // namespace steelyard::kube
