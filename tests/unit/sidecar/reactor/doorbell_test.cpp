#include "sidecar/reactor/doorbell.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <thread>

#include "sidecar/reactor/descriptors.hpp"

namespace steelyard {
namespace {

bool rings(const Doorbell& bell, int patience_ms) {
    pollfd wait{bell.descriptor(), POLLIN, 0};
    return poll(&wait, 1, patience_ms) == 1;
}

TEST(Doorbell, RunsWhatWasPostedInOrderOnce) {
    Doorbell bell;
    EXPECT_FALSE(rings(bell, 0));
    std::vector<int> seen;
    for (int i = 0; i < 3; ++i) bell.post([&seen, i] { seen.push_back(i); });
    EXPECT_TRUE(rings(bell, 0));
    bell.answer();
    bell.answer();
    EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
    EXPECT_FALSE(rings(bell, 0));
}

TEST(Doorbell, IsHeardFromATableOfItsOwn) {
    Doorbell bell;
    std::thread worker([&] {
        const std::array keep{bell.descriptor()};
        own_descriptor_table(keep);
        bell.post([] {});
    });
    EXPECT_TRUE(rings(bell, 10'000));
    worker.join();
    bell.answer();
}

}  // namespace
}  // namespace steelyard
