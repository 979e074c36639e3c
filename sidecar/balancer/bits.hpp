#pragma once
// Small arithmetic that the balancers share: 128-bit products, a mixer, and a generator small enough to live in each balancer.
#include <cstdint>

namespace steelyard::balancer {

__extension__ using Uint128 = unsigned __int128;

// A bijection of 64 bits in which every input bit moves every output bit (the finaliser of SplitMix64: Steele, Lea, Flood,
// "Fast splittable pseudorandom number generators", 2014).
constexpr uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ULL;  // 2^64 / the golden ratio, odd: the step of SplitMix64

// SplitMix64. 1 ns a number; equal seeds give equal numbers everywhere. Not for secrets.
class Random {
public:
    explicit Random(uint64_t seed) : state_(mix(seed ^ kGolden)) {}

    uint64_t next() {
        state_ += kGolden;
        return mix(state_);
    }

    // Even in [0, bound), bound > 0. Its bias is below bound / 2^64 (Lemire's product without the rejection).
    uint64_t below(uint64_t bound) { return static_cast<uint64_t>((Uint128{next()} * bound) >> 64); }

private:
    uint64_t state_;
};

}  // namespace steelyard::balancer
