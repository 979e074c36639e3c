// pick() allocates nothing: this program's operator new counts.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "support.hpp"

namespace {
size_t allocations = 0;
}

[[gnu::noinline]] void* operator new(size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

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
            const size_t before = allocations;
            uint64_t sum = 0;
            for (uint64_t i = 0; i < 1000; ++i) {
                sum += balancer->pick({.hash = hash_key({reinterpret_cast<const char*>(&i), sizeof i})},
                                      [down](uint32_t host) { return down == 7 ? host == 1 : host != down; });
            }
            EXPECT_EQ(allocations, before);
            EXPECT_GT(sum, 0U);
        }
    }
}

}  // namespace
}  // namespace steelyard::balancer
