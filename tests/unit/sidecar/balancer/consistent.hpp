#pragma once
// What the tests of consistent hashing share, whatever the table: whose each of many keys is, and what holds when nearly all are down.
#include <gtest/gtest.h>

#include "support.hpp"

namespace steelyard::balancer {

constexpr size_t kKeys = 50'000;

// The ids of the hosts that the keys "user-0" to "user-49999" belong to.
template <class F>
std::vector<std::string> owners(Balancer& balancer, const std::vector<HostEntry>& entries, const F& usable) {
    std::vector<std::string> result;
    for (size_t i = 0; i < kKeys; ++i) {
        result.emplace_back(entries.at(balancer.pick({.hash = hash_key("user-" + std::to_string(i))}, usable)).id);
    }
    return result;
}

inline std::vector<std::string> owners(Balancer& balancer, const std::vector<HostEntry>& entries) {
    return owners(balancer, entries, [](uint32_t) { return true; });
}

// Three of 5,000 hosts of weight 1 are up, then two of these.
inline void expect_stable_and_even_when_nearly_all_are_down(Balancer& balancer) {
    const auto three = [](uint32_t i) { return i == 10 || i == 2000 || i == 4999; };
    const auto two = [](uint32_t i) { return i == 10 || i == 4999; };
    std::vector<uint32_t> seen(5000);
    for (uint64_t key = 0; key < 3000; ++key) {
        const uint32_t of_three = balancer.pick({.hash = key}, three);
        const uint32_t of_two = balancer.pick({.hash = key}, two);
        ++seen[of_three];
        if (of_three != 2000) {
            EXPECT_EQ(of_two, of_three);
        }
    }
    for (const uint32_t i : {10U, 2000U, 4999U}) EXPECT_NEAR(seen[i], 1000, 150);
}

}  // namespace steelyard::balancer
