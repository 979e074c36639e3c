#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sidecar/balancer/balancer.hpp"
#include "sidecar/balancer/bits.hpp"

namespace steelyard::balancer {
namespace {

TEST(HashKey, HasTheValuesThatEveryProxyInTheFieldHas) {
    struct Case {
        std::string_view key;
        uint64_t hash;
    };
    const Case cases[] = {
        {"", 0xe8daf0762aeeaf0c},
        {"a", 0x3af379765edcc9e2},
        {"user", 0x0879ad331e67018c},
        {"10.0.0.1:80", 0xc06503419ba879ca},
        {"exactly 16 bytes", 0xc9bb0fee23b1237b},
        {"a key of more than sixteen, and of more than thirty-two bytes", 0xe5549f74ff177ac8},
    };
    for (const Case& c : cases) EXPECT_EQ(hash_key(c.key), c.hash) << c.key << std::hex << " 0x" << hash_key(c.key);
}

TEST(HashKey, ReadsNoByteBeyondTheKey) {
    for (size_t length = 0; length <= 70; ++length) {
        const std::string key(length, 'k');
        const std::string longer = key + "tail";
        const auto exact = std::make_unique<char[]>(length + 1);  // ASan sees one byte too far
        key.copy(exact.get(), length);
        EXPECT_EQ(hash_key({exact.get(), length}), hash_key(std::string_view(longer).substr(0, length)));
    }
}

TEST(HashKey, EveryLengthAndEveryByteCounts) {
    std::set<uint64_t> seen;
    size_t keys = 0;
    for (size_t length = 0; length <= 70; ++length) {
        const std::string zeros(length, '\0');
        seen.insert(hash_key(zeros));
        ++keys;
        for (size_t at = 0; at < length; ++at) {
            std::string one = zeros;
            one[at] = 1;
            seen.insert(hash_key(one));
            ++keys;
        }
    }
    EXPECT_EQ(seen.size(), keys);
}

TEST(HashKey, FlippingOneBitFlipsHalfOfTheHash) {
    double flipped = 0;
    int flips = 0;
    for (size_t length : {1U, 3U, 4U, 7U, 8U, 11U, 16U, 17U, 33U, 64U}) {
        for (size_t bit = 0; bit < length * 8; ++bit) {
            std::string key(length, 'x');
            const uint64_t before = hash_key(key);
            key[bit / 8] = static_cast<char>(key[bit / 8] ^ (1 << bit % 8));
            const int distance = std::popcount(before ^ hash_key(key));
            EXPECT_GE(distance, 10) << length << " bytes, bit " << bit;
            flipped += distance;
            ++flips;
        }
    }
    EXPECT_NEAR(flipped / flips, 32, 0.5);
}

TEST(HashKey, SpreadsAddressesEvenlyOverBuckets) {
    // Chi-squared over 256 buckets for 65,536 neighbouring addresses, on the high and on the low byte: 255 +- 22.6 expected.
    for (const int shift : {0, 56}) {
        std::vector<double> buckets(256);
        for (int i = 0; i < 65536; ++i) {
            const auto key = "10.1." + std::to_string(i >> 8) + "." + std::to_string(i & 255);
            ++buckets[hash_key(key) >> shift & 255];
        }
        double chi = 0;
        for (const double n : buckets) chi += (n - 256) * (n - 256) / 256;
        EXPECT_NEAR(chi, 255, 4 * 22.6);
    }
}

TEST(Random, IsEvenBelowItsBoundAndDiffersBySeed) {
    Random random(7);
    std::vector<int> seen(10);
    for (int i = 0; i < 100'000; ++i) ++seen.at(random.below(10));
    for (const int n : seen) EXPECT_NEAR(n, 10'000, 400);
    EXPECT_NE(Random(1).next(), Random(2).next());
    EXPECT_EQ(Random(1).below(1), 0U);
}

}  // namespace
}  // namespace steelyard::balancer
