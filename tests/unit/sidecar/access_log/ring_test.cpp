#include "sidecar/access_log/ring.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace steelyard::access_log {
namespace {

std::string take(Ring& ring) {
    const auto filled = ring.peek();
    std::string text(filled.first);
    text += filled.second;
    ring.pop(text.size());
    return text;
}

TEST(AccessLogRing, GivesBackWhatWasPutInAcrossItsEnd) {
    Ring ring(16);
    EXPECT_EQ(take(ring), "");
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(ring.push("12345\n"));
        ASSERT_TRUE(ring.push("ab\n"));
        EXPECT_EQ(ring.used(), 9U);
        EXPECT_EQ(take(ring), "12345\nab\n");
    }
}

TEST(AccessLogRing, ALineWithoutRoomIsNotTakenAndWhatIsThereStays) {
    Ring ring(16);
    ASSERT_TRUE(ring.push("0123456789abcde\n"));
    EXPECT_FALSE(ring.push("\n"));
    ring.pop(1);
    EXPECT_FALSE(ring.push("x\n"));
    EXPECT_TRUE(ring.push("\n"));
    EXPECT_EQ(take(ring), "123456789abcde\n\n");
}

TEST(AccessLogRing, TwoThreadsLoseAndMixNothing) {
    constexpr int kLines = 200'000;
    Ring ring(1024);
    std::thread producer([&] {
        for (int i = 0; i < kLines; ++i) {
            const std::string line = std::to_string(i) + '\n';
            while (!ring.push(line)) std::this_thread::yield();
        }
    });
    std::string pending;
    int next = 0;
    while (next < kLines) {
        pending += take(ring);
        size_t begin = 0;
        for (size_t end = 0; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
            ASSERT_EQ(pending.substr(begin, end - begin), std::to_string(next));
            ++next;
        }
        pending.erase(0, begin);
        if (pending.empty()) std::this_thread::yield();
    }
    producer.join();
    EXPECT_EQ(pending, "");
}

}  // namespace
}  // namespace steelyard::access_log
