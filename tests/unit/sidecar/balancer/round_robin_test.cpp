#include <gtest/gtest.h>

#include "support.hpp"

namespace steelyard::balancer {
namespace {

TEST(RoundRobin, GoesThroughTheHostsInOrderWhateverTheirWeights) {
    const Hosts hosts({1, 9, 4});
    const auto picked = picks(*hosts.balancer(config::Algorithm::round_robin), 300);
    for (size_t i = 1; i < picked.size(); ++i) EXPECT_EQ(picked[i], (picked[i - 1] + 1) % 3);
}

TEST(RoundRobin, SharesEvenlyAmongTheUsableEvenWhenTheyAreNeighboursOfTheUnusable) {
    const Hosts hosts(std::vector<uint32_t>(10, 1));
    auto balancer = hosts.balancer(config::Algorithm::round_robin);
    const auto picked = counts(picks(*balancer, 300, [](uint32_t i) { return i == 1 || i >= 8; }), 10);
    EXPECT_EQ(picked, (std::vector<uint32_t>{0, 100, 0, 0, 0, 0, 0, 0, 100, 100}));
}

}  // namespace
}  // namespace steelyard::balancer
