// hash_key: two 64-bit lanes folded by a 128-bit product for each 16 bytes, the tail read with overlap (the construction that
// wyhash and its kin made known, written anew with constants of our own: the fraction bits of the roots of 2, 3, 5 and 7, odd).
// Changing one bit of it changes every ring in the field: balancer/hash_test.cpp holds its values.
#include <bit>
#include <cstring>

#include "sidecar/balancer/balancer.hpp"
#include "sidecar/balancer/bits.hpp"

namespace steelyard::balancer {

namespace {

constexpr uint64_t kRoot2 = 0x6a09e667f3bcc909ULL;
constexpr uint64_t kRoot3 = 0xbb67ae8584caa73bULL;
constexpr uint64_t kRoot5 = 0x3c6ef372fe94f82bULL;
constexpr uint64_t kRoot7 = 0xa54ff53a5f1d36f1ULL;

uint64_t fold(uint64_t a, uint64_t b) {
    const Uint128 product = Uint128{a} * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t load64(const char* from) {
    uint64_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::little ? value : __builtin_bswap64(value);
}

uint64_t load32(const char* from) {
    uint32_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::little ? value : __builtin_bswap32(value);
}

uint64_t byte_at(const char* from) { return static_cast<unsigned char>(*from); }

}  // namespace

uint64_t hash_key(std::string_view key) {
    const char* at = key.data();
    size_t left = key.size();
    uint64_t state = kRoot2;
    for (; left > 16; at += 16, left -= 16) state = fold(load64(at) ^ kRoot3, load64(at + 8) ^ state);

    uint64_t low = 0;
    uint64_t high = 0;
    if (left >= 8) {
        low = load64(at);
        high = load64(at + left - 8);
    } else if (left >= 4) {
        low = load32(at);
        high = load32(at + left - 4);
    } else if (left > 0) {
        low = byte_at(at) | byte_at(at + left / 2) << 8 | byte_at(at + left - 1) << 16;
    }
    state = fold(low ^ kRoot5, high ^ state);
    return mix(fold(state ^ kRoot7, uint64_t{key.size()} ^ kRoot3) ^ state);
}

}  // namespace steelyard::balancer
