#include "controller/ipam/free_space.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace steelyard::ipam {
namespace {

Address at(const char* text) { return *parse_address(text); }

std::string take_next(FreeSpace& space) {
    const std::optional<Address> address = space.pick(Family::ipv4);
    if (!address) return "none";
    space.take(*address);
    return address->to_string();
}

TEST(FreeSpace, GivesTheLowestFirstAndWhatCameBackLast) {
    FreeSpace space({*parse_range("192.0.2.0/30")}, 10);
    EXPECT_EQ(take_next(space), "192.0.2.0");
    EXPECT_EQ(take_next(space), "192.0.2.1");
    space.give_back(at("192.0.2.1"));
    space.give_back(at("192.0.2.0"));
    EXPECT_EQ(take_next(space), "192.0.2.2");
    EXPECT_EQ(take_next(space), "192.0.2.3");
    EXPECT_EQ(take_next(space), "192.0.2.1") << "whose return is the longest ago";
    EXPECT_EQ(take_next(space), "192.0.2.0");
    EXPECT_EQ(take_next(space), "none");
}

TEST(FreeSpace, RemembersOnlySoMany) {
    FreeSpace space({*parse_range("192.0.2.0/28")}, 1);
    for (int i = 0; i < 4; ++i) take_next(space);
    space.give_back(at("192.0.2.0"));
    space.give_back(at("192.0.2.1"));
    EXPECT_EQ(take_next(space), "192.0.2.0") << "as good as never used";
    EXPECT_EQ(take_next(space), "192.0.2.4");
}

TEST(FreeSpace, AHugeRangeCostsNothing) {
    FreeSpace space({*parse_range("2001:db8::/32")}, 10);
    EXPECT_EQ(space.pick(Family::ipv6)->to_string(), "2001:db8::");
    space.take(at("2001:db8::"));
    space.take(at("2001:db8:ffff::1"));
    EXPECT_FALSE(space.is_free(at("2001:db8:ffff::1")));
    EXPECT_TRUE(space.is_free(at("2001:db8:ffff::2")));
    EXPECT_EQ(space.pick(Family::ipv6)->to_string(), "2001:db8::1");
    EXPECT_EQ(space.pick(Family::ipv4), std::nullopt);
    EXPECT_EQ(space.count(Family::ipv6), (Uint128{1} << 96) - 2);
}

TEST(FreeSpace, IsASetOfAddressesWhateverIsDoneToIt) {
    for (const size_t remembered : {size_t{0}, size_t{3}, size_t{1000}}) {
        std::mt19937 random(7);
        FreeSpace space({*parse_range("192.0.2.0-192.0.2.40"), *parse_range("192.0.2.60-192.0.2.99")}, remembered);
        std::set<Address> taken;
        for (int step = 0; step < 5000; ++step) {
            const Address address{Family::ipv4, at("192.0.2.0").value + random() % 100};
            const bool inside = address <= at("192.0.2.40") || address >= at("192.0.2.60");
            if (taken.contains(address)) {
                ASSERT_FALSE(space.is_free(address));
                space.give_back(address);
                taken.erase(address);
            } else {
                ASSERT_EQ(space.is_free(address), inside);
                space.take(address);
                if (inside) taken.insert(address);
            }
            ASSERT_EQ(space.count(Family::ipv4), 81 - taken.size());
            const std::optional<Address> next = space.pick(Family::ipv4);
            ASSERT_EQ(next.has_value(), taken.size() < 81);
            ASSERT_TRUE(!next || (space.is_free(*next) && !taken.contains(*next)));
        }
    }
}

}  // namespace
}  // namespace steelyard::ipam
