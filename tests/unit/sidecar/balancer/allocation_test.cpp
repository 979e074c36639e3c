// pick() allocates nothing: this program's operator new counts.
#include <gtest/gtest.h>

#include "support.hpp"
#include "tests/unit/support/counted_new.hpp"

namespace steelyard::balancer {
namespace {

TEST(Balancer, PickingAllocatesNothing) {
    using config::Algorithm;
    const Hosts hosts({1, 1, 2, 5, 0, 9, 9});
    for (const auto algorithm :
         {Algorithm::round_robin, Algorithm::weighted_round_robin, Algorithm::least_request, Algorithm::ring_hash,
          Algorithm::random, Algorithm::maglev, Algorithm::least_response_time, Algorithm::least_connections}) {
        auto balancer = hosts.balancer(algorithm);
        for (const uint32_t down : {0U, 3U, 7U}) {
            test::counted = true;
            const uint64_t before = test::allocations;
            uint64_t sum = 0;
            for (uint64_t i = 0; i < 1000; ++i) {
                sum += balancer->pick({.hash = hash_key({reinterpret_cast<const char*>(&i), sizeof i})},
                                      [down](uint32_t host) { return down == 7 ? host == 1 : host != down; });
            }
            EXPECT_EQ(test::allocations.load(), before);
            EXPECT_GT(sum, 0U);
        }
    }
}

}  // namespace
}  // namespace steelyard::balancer
